"""Writing files so that nothing is lost: complete under a temporary name, flushed, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes | str, overwrite: bool = False) -> Path:
    """Write a whole file or nothing of it.

    Arguments:
        path: where; its folder must exist.
        content: bytes, or text that is written as UTF-8.
        overwrite: whether an existing file may be replaced.

    Raises:
        ValueError: if the file exists and may not be replaced, or if it cannot be written; the message
            names the file and the reason.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(Path(folder) / "a.txt", "hello").read_text()
        'hello'
    """
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists already. Choose another name, or allow overwriting it.")
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written: {error.strerror or error}. "
            "Check that the folder exists, may be written to and has space left."
        ) from None
    finally:
        with contextlib.suppress(OSError):  # it is there only if something went wrong
            os.unlink(temporary)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
