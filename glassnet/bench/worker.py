"""A contender alone in its own process, and the other end of the line to it.

The process reads a job, then a command a line, from stdin; it answers each with one line of JSON,
`{"value": …}` or `{"error": …}`. Whatever frameworks print goes to stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, Any, Protocol

from glassnet.bench.contender import Variant, contender_class, keep_to_cores
from glassnet.bench.workloads import Workload

TIMEOUT = 1_800.0
"""Seconds after which an answer is no longer waited for; a grid search may take a while."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@dataclass(frozen=True)
class Job:
    """Who does what, and how."""

    contender: str
    variant: Variant
    workload: Workload


class ContenderFailed(Exception):
    """A contender could not do its work; the message says why."""


class Side(Protocol):
    """One that answers commands: "check", "check plain", "measure"."""

    def ask(self, command: str) -> Any:
        """The answer.

        Raises:
            ContenderFailed: instead of an answer.
        """

    def close(self) -> None:
        """End it."""


class Process:
    """A contender in a fresh process.

    Arguments:
        job: its job.

    Raises:
        ContenderFailed: if it cannot begin.
    """

    def __init__(self, job: Job) -> None:
        from pydantic import TypeAdapter

        self._process = subprocess.Popen(
            [sys.executable, "-m", "glassnet.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(job.variant),
        )
        try:
            self.ask(TypeAdapter(Job).dump_json(job).decode())
        except BaseException:
            self.close()
            raise

    def ask(self, command: str) -> Any:
        """Send a command and wait for its answer."""
        stdin, stdout = _pipes(self._process)
        too_late = threading.Timer(TIMEOUT, self._process.kill)
        too_late.start()
        try:
            stdin.write(command + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            too_late.cancel()
        if not line:
            status = self._process.wait()
            raise ContenderFailed(f"its process ended with status {status}")
        answer = json.loads(line)
        if "error" in answer:
            raise ContenderFailed(answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End the process: it stops when its input does."""
        stdin, stdout = _pipes(self._process)
        with contextlib.suppress(BrokenPipeError):
            stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        stdout.close()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise ContenderFailed("its process has no pipes")
    return process.stdin, process.stdout


def environment(variant: Variant) -> dict[str, str]:
    """The variables of a contender's process: this one's, without its limits on threads.

    The path of modules is this process's own, so that the same glassnet is found.
    """
    variables = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    if variant.cores is not None:
        variables |= dict.fromkeys(THREAD_VARIABLES, str(variant.cores))
    variables |= {
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
    }
    return variables | dict(variant.environment)


def serve(commands: IO[str], answers: IO[str]) -> None:
    """Do the job on the first line, and then each command."""
    from pydantic import TypeAdapter

    contender = None
    for line in commands:
        try:
            if contender is None:
                job = TypeAdapter(Job).validate_json(line)
                keep_to_cores(job.variant.cores)
                contender = contender_class(job.contender)(job.workload, job.variant)
                answer: dict[str, Any] = {"value": "ready"}
            elif line.startswith("check"):
                answer = {"value": contender.check(plain="plain" in line)}
            else:
                answer = {"value": contender.measure()}
        except Exception as error:  # whatever a framework raises is an answer too
            first = str(error).strip().splitlines()
            answer = {"error": f"{type(error).__name__}: {first[0] if first else ''}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serve on stdin and stdout; prints of others go to stderr."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
