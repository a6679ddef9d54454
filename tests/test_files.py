"""Files are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from glassnet import files
from glassnet.files import write_atomically


@pytest.mark.parametrize(
    ("content", "expected"), [("Größe", "Größe".encode()), (b"\0\xff", b"\0\xff"), ("", b"")]
)
def test_writes_what_it_is_given(tmp_path, content, expected):
    path = tmp_path / "file.txt"
    assert write_atomically(path, content) == path
    assert path.read_bytes() == expected
    assert os.listdir(tmp_path) == ["file.txt"]


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"file.txt exists already\. Choose another name"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    write_atomically(path, "new", overwrite=True)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_missing_folders_are_made(tmp_path):
    path = write_atomically(tmp_path / "new" / "folder" / "file.txt", "text")
    assert path.read_text() == "text"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ValueError, match=r"file\.txt cannot be written: "):
        write_atomically(tmp_path / "taken" / "file.txt", "text")
    assert os.listdir(tmp_path) == ["taken"]


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=r"folder cannot be written: .*directory"):
        write_atomically(tmp_path / "folder", "text", overwrite=True)
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("failing", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, failing):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, failing, fails)
    with pytest.raises(ValueError, match=r"file.txt cannot be written: No space left on device"):
        write_atomically(path, "new", overwrite=True)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_ctrl_c_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file.txt", "new")
    assert os.listdir(tmp_path) == []


def test_flushed_before_it_is_renamed(tmp_path, monkeypatch):
    """Else a power cut can leave the new name with none of the contents."""
    calls = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(
            files.os,
            name,
            lambda *a, name=name, original=original: (calls.append(name), original(*a)),
        )
    write_atomically(tmp_path / "file.txt", "text")
    assert calls == ["fsync", "replace"]


def test_the_temporary_file_is_in_the_same_folder(tmp_path, monkeypatch):
    """A rename is atomic only within a file system."""
    seen = []
    original = os.replace
    monkeypatch.setattr(files.os, "replace", lambda a, b: (seen.append(a), original(a, b)))
    write_atomically(tmp_path / "file.txt", "text")
    assert Path(seen[0]).parent == tmp_path
    assert Path(seen[0]).name.startswith(".file.txt.")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        path = write_atomically(tmp_path / "file.txt", "text")
    finally:
        assert os.umask(before) == 0o027
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
