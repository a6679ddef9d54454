"""Files and folders for the tests of data: small, made here, never from the network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write text (or bytes) into a file below `tmp_path`."""

    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache, and no GLASSNET_DATA."""
    from glassnet.data import store

    folder = tmp_path / "cache"
    monkeypatch.delenv("GLASSNET_DATA", raising=False)
    monkeypatch.setattr(store, "cache_folder", lambda: folder)
    return folder


@pytest.fixture
def real_data() -> Path:
    """The folder of original data sets; skips the test where there is none."""
    folder = os.environ.get("GLASSNET_DATA", "")
    if not folder:
        pytest.skip("needs the data sets: set GLASSNET_DATA to their folder")
    return Path(folder)
