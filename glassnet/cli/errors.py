"""Bad input on the command line: one clear sentence on stderr, exit status 1, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit status after Ctrl-C."""


@contextmanager
def clean_errors() -> Iterator[None]:
    """Print what went wrong as `error: …` and exit with status 1.

    That is bad input (ValueError), an OSError, a lack of memory, or a training that diverged.

    Usable as a context manager and, since it is made by `contextmanager`, as a decorator. Ctrl-C
    outside training (which keeps what it learned) ends with status 130, as in a shell.

    Raises:
        typer.Exit: with that status, in place of the error.
    """
    import typer

    from glassnet.trainer import TrainingDiverged

    try:
        yield
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from error
    except (ValueError, OSError, MemoryError, TrainingDiverged) as error:
        print(f"error: {_sentence(error)}", file=sys.stderr)
        raise typer.Exit(1) from error


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"There is not enough memory ({error}): take fewer units, rows or smaller batches."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} can't be used: {error.strerror}."
    return str(error)
