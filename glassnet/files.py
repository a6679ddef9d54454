"""Writing files so that nothing is lost: complete under a temporary name, flushed, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file whole or not at all: a temporary file in the same folder, renamed when complete.

    Folders that are missing are made. An error leaves what was there before, and no litter.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as file:
    ...     _ = file.write(b"all of it")
    >>> (folder / "a.txt").read_bytes()
    b'all of it'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp allows nobody else to read
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes | str, overwrite: bool = False) -> Path:
    """Write a whole file or nothing of it.

    Arguments:
        path: where; folders that are missing are made.
        content: bytes, or text that is written as UTF-8.
        overwrite: whether an existing file may be replaced.

    Raises:
        ValueError: if the file exists and may not be replaced, or if it cannot be written; the
            message names the file and the reason.

    Example:
        >>> write_atomically(Path(tempfile.mkdtemp()) / "a.txt", "hello").read_text()
        'hello'
    """
    if path.exists() and not overwrite:
        raise ValueError(
            f"{path} exists already. Choose another name, or allow overwriting it (overwrite=True)."
        )
    try:
        with replacing(path) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written: {error.strerror or error}. "
            "Check that its folder may be written to and has space left."
        ) from None
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
