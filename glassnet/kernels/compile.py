"""How twins are compiled, and where the machine code is kept.

The machine code of a kernel is kept on disk, in a folder whose name is a hash of all kernel
sources, of the versions involved and of the flags: Numba itself would notice only changes in a
function's own file, not in one that it calls.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
import numba.core.config

if sys.platform != "win32":
    import fcntl

CONTRACT = {"contract"}
REASSOCIATE = {"contract", "reassoc", "nsz"}


def cache_folder() -> Path:
    """Where machine code is kept: a folder of the user's cache, named by what it was made from."""
    from platformdirs import user_cache_dir

    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for package in ("numba", "llvmlite", "numpy", "scipy"):
        digest.update(version(package).encode())
    base = os.environ.get("GLASSNET_CACHE") or user_cache_dir("glassnet")
    folder = Path(base) / "kernels" / digest.hexdigest()[:16]
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        folder, is_new = Path(tempfile.mkdtemp(prefix="glassnet-kernels-")), True
        print(
            f"glassnet: {base} cannot be written to ({error.strerror}), so compiled kernels will "
            "not be kept; name a folder with GLASSNET_CACHE",
            file=sys.stderr,
        )
    if is_new:
        print(
            "glassnet: compiling its kernels for this machine, once; first steps take longer",
            file=sys.stderr,
        )
    return folder


FOLDER = cache_folder()


def compiled(
    function: Callable[..., Any] | None = None,
    *,
    reassociate: bool = False,
    inline: bool = False,
    rounded: bool = False,
) -> Any:
    """Compile a function when it is first called, once a machine.

    Arguments:
        function: plain Python on arrays, as Numba understands it.
        reassociate: let sums be added in another order, so that they vectorise.
        inline: for small helpers that other twins call: compiled into each of them.
        rounded: keep a product from becoming part of a multiply-add, so that it is the number that
            an array would have held.
    """
    if function is None:
        return lambda f: compiled(f, reassociate=reassociate, inline=inline, rounded=rounded)
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": False if rounded else REASSOCIATE if reassociate else CONTRACT,
    }
    if inline:
        return numba.njit(**options)(function)
    config: Any = numba.core.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(FOLDER)  # read when a function is decorated
    try:
        twin = numba.njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = before
    save_alone(twin)
    return twin


def save_alone(twin: Any) -> None:
    """Let no two processes save machine code of a twin at once.

    Numba reads a function's index, writes it with one more name, and then writes the code under
    that name, all without a lock. Processes that compile a twin for different types at the same
    moment can so choose the same name, and leave the index of one with the code of the other. Of
    180 entries that four processes saved together three were broken for good: two raised TypeError
    in every later process, one computed wrong numbers. Readers need no lock: files are replaced
    whole.
    """
    file = getattr(getattr(twin, "_cache", None), "_cache_file", None)
    if file is None:  # a Numba that keeps its files in another way
        return
    save = file.save

    def locked(key: Any, data: Any) -> None:
        with _lock():
            save(key, data)

    file.save = locked


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Held by one process at a time, where the system and the file system have such locks."""
    if sys.platform == "win32":
        yield
        return
    with open(FOLDER / "lock", "w") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
