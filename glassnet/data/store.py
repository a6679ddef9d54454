"""Where files of named sets lie, how they get there, and how they are verified.

A set's archives are looked for in `$GLASSNET_DATA`, then in the user's cache; what is in neither
is downloaded into the cache. Nothing reaches a caller, or the cache, before the MD5 of its
unpacked contents has been compared with the record's.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glassnet.data.catalogue import Record


def cache_folder() -> Path:
    """Folder of downloaded and derived files (the platform's user cache)."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("glassnet")) / "data"


def roots() -> tuple[Path, ...]:
    """Folders that are searched, in order: `$GLASSNET_DATA` if set, then the user's cache.

    Raises:
        ValueError: if `$GLASSNET_DATA` is set to something that is not a folder.
    """
    chosen = os.environ.get("GLASSNET_DATA", "")
    if not chosen:
        return (cache_folder(),)
    if not Path(chosen).is_dir():
        raise ValueError(
            f"GLASSNET_DATA is set to {chosen}, which is not a folder: correct or unset it."
        )
    return (Path(chosen), cache_folder())


def locate(record: Record) -> Path | None:
    """The first folder that holds all archives of a set, or `None`."""
    for root in roots():
        folder = root / record.folder
        if all((folder / archive).is_file() for archive in record.archives):
            return folder
    return None


def fetch(record: Record) -> Path:
    """Folder that holds a set's archives, downloaded into the user's cache if need be.

    Raises:
        ValueError: if no mirror gives the right contents; it says what each gave.
    """
    found = locate(record)
    if found is not None:
        return found
    folder = cache_folder() / record.folder
    folder.mkdir(parents=True, exist_ok=True)
    for archive in record.archives:
        if not (folder / archive).is_file():
            _download(record, archive, folder)
    return folder


def contents(
    record: Record, archive: Path, remedy: str | None = None
) -> Iterator[tuple[str, bytes]]:
    """Unpack an archive: each file that the record lists with its bytes, checked by MD5.

    Arguments:
        record: the set.
        archive: one of its files, a .gz of one file or a .tar.gz of several.
        remedy: end of the messages; by default, how to fetch the archive anew.

    Raises:
        ValueError: if the archive is truncated, corrupt, incomplete, or not the original.
    """
    remedy = remedy or f"delete it and run `glassnet data fetch {record.name}`"
    missing = set(_members(record, archive.name))
    try:
        for name, data in _unpack(archive, missing):
            missing.discard(name)
            found = hashlib.md5(data, usedforsecurity=False).hexdigest()
            if found != record.contents[name]:
                raise ValueError(
                    f"{archive}: {name} has MD5 {found} ({len(data):,} bytes), "
                    f"expected {record.contents[name]}: {remedy}."
                )
            yield name, data
    except (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError) as error:
        raise ValueError(f"{archive} is truncated or corrupt ({error}): {remedy}.") from error
    if missing:
        raise ValueError(f"{archive} lacks {', '.join(sorted(missing))}: {remedy}.")


def verify(record: Record) -> Path | None:
    """Check all files of a set against the record; the folder they are in, `None` if not found.

    Raises:
        ValueError: for the first file that is not the original.
    """
    folder = locate(record)
    if folder is not None:
        for archive in record.archives:
            for _ in contents(record, folder / archive):
                pass
    return folder


def _members(record: Record, archive: str) -> list[str]:
    """Names of the listed files in an archive: all of a tar, the one of a .gz."""
    if archive.endswith(".tar.gz"):
        return list(record.contents)
    return [archive.removesuffix(".gz")]


def _unpack(archive: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    if not archive.name.endswith(".tar.gz"):
        with gzip.open(archive) as packed:
            yield archive.name.removesuffix(".gz"), packed.read()
        return
    wanted = set(wanted)  # the caller strikes names off while we go
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            # The base name only: the path inside the archive is never used as a path.
            name = member.name.rsplit("/", 1)[-1]
            file = tar.extractfile(member) if name in wanted else None
            if file is not None:
                yield name, file.read()


def _download(record: Record, archive: str, folder: Path) -> None:
    """Get one archive from the first mirror that has the right contents."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # the bar says what it would
    failures = []
    for mirror in record.mirrors:
        # Below a temporary folder until verified, so that a bad file is never found by `locate`.
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix=".download.") as scratch,
            _Bar(archive) as bar,
        ):
            try:
                path = Path(
                    pooch.retrieve(
                        mirror + archive,
                        known_hash=None,  # the archive may be repacked: its contents are checked
                        fname=archive,
                        path=scratch,
                        downloader=pooch.HTTPDownloader(progressbar=bar, timeout=60),
                    )
                )
                for _ in contents(record, path, remedy="not the original"):
                    pass
                os.replace(path, folder / archive)
                return
            except (OSError, ValueError) as error:  # requests' errors are OSErrors
                failures.append(f"{mirror} ({_reason(error).replace(f'{scratch}/', '')})")
    raise ValueError(
        f"Could not download {archive} of {record.name} from {'; '.join(failures)}: check the "
        f"connection, or put the files into {folder} (or into $GLASSNET_DATA/{record.folder})."
    )


class _Bar:
    """A rich progress bar in the form that pooch wants: `total`, `update`, `reset`, `close`."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        self._progress = Progress(
            "{task.description}",
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
        )
        self._task = self._progress.add_task(title, total=None)
        self.total: int = 0

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._progress.stop()

    def update(self, size: int) -> None:
        """Count `size` more bytes."""
        self._progress.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        """Start again from 0 (pooch does so before it fills the bar)."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Nothing to do: the bar ends with its `with` block."""


def _reason(error: Exception) -> str:
    """A download's failure in a few words; connection errors are named by their type alone."""
    text = str(error)
    return text if 0 < len(text) < 160 else type(error).__name__
