"""MNIST, Fashion-MNIST and CIFAR-10: formats, damage, downloads."""

import gzip
import hashlib
import io
import struct
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glassnet import files
from glassnet.data import cifar10, load, mnist, store
from glassnet.data.catalogue import CATALOGUE, Record

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
LABELS = np.array([9, 0, 4], np.uint8)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def small_idx_set(folder: Path) -> Record:
    """Four files in the format of Fashion-MNIST, and a record with their sums."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    record = CATALOGUE["fashion-mnist"]
    for archive in record.archives:
        data = idx(IMAGES if "images" in archive else LABELS)
        (folder / archive).write_bytes(gzip.compress(data))
        sums[archive.removesuffix(".gz")] = hashlib.md5(data).hexdigest()
    return replace(record, contents=sums)


def small_cifar(folder: Path, cut: int = 0) -> Record:
    """Two training batches of two records and a test batch of one."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as tar:
        # The test batch stands first: the loader goes by name, not by place.
        for name, labels in (
            ("test_batch.bin", [3]),
            ("data_batch_2.bin", [7, 8]),
            ("data_batch_1.bin", [5, 6]),
        ):
            data = b"".join(bytes([label]) + bytes([label]) * 3072 for label in labels)
            sums[name] = hashlib.md5(data).hexdigest()
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    if cut:
        path = folder / "cifar-10-binary.tar.gz"
        path.write_bytes(path.read_bytes()[:-cut])
    in_order = dict(sorted(sums.items()))
    return replace(CATALOGUE["cifar10"], contents=in_order, rows=(4, 1))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, min_side=0, max_side=5)))
def test_idx_round_trip(images: np.ndarray) -> None:
    np.testing.assert_array_equal(mnist.read_idx(idx(images), "images", 3), images)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused_with_a_sentence(data: bytes) -> None:
    try:
        mnist.read_idx(data, "labels", 1)
    except ValueError as error:
        assert "labels" in str(error)  # noqa: PT017


def test_idx_faults() -> None:
    with pytest.raises(ValueError, match="magic number 2049, expected 2051"):
        mnist.read_idx(idx(LABELS) + bytes(20), "images", 3)
    with pytest.raises(ValueError, match="has 2 bytes and magic number 8"):
        mnist.read_idx(b"\0\x08", "images", 3)
    with pytest.raises(ValueError, match=r"2,342 bytes.*3×28×28 = 2,352.*cut or damaged"):
        mnist.read_idx(idx(IMAGES)[:-10], "images", 3)


def test_small_fashion_set_from_the_data_folder(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = small_idx_set(tmp_path / "fashion-mnist")
    monkeypatch.setenv("GLASSNET_DATA", str(tmp_path))
    data = mnist.load(record)
    assert data.test is not None
    np.testing.assert_array_equal(data.train.x, IMAGES)
    np.testing.assert_array_equal(data.test.y, LABELS)
    assert data.train.x.dtype == np.uint8
    assert data.train.y.dtype == np.int64
    assert data.classes[9] == "Ankle boot"


def test_data_folder_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLASSNET_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(
        ValueError, match=r"GLASSNET_DATA is set to .*nowhere, which is not a folder"
    ):
        load("mnist")


def test_repacked_archive_is_good_and_changed_contents_are_not(cache: Path) -> None:
    folder = cache / "fashion-mnist"
    record = small_idx_set(folder)
    archive = folder / record.archives[1]
    archive.write_bytes(gzip.compress(idx(LABELS), compresslevel=1, mtime=12345))
    assert store.verify(record) == folder
    archive.write_bytes(gzip.compress(idx(LABELS[::-1])))
    with pytest.raises(ValueError, match=r"train-labels.*has MD5 .*fetch fashion-mnist"):
        mnist.load(record)


@pytest.mark.parametrize("damage", ["cut", "noise", "plain"])
def test_damaged_gz_is_told_in_one_sentence(cache: Path, damage: str) -> None:
    folder = cache / "fashion-mnist"
    record = small_idx_set(folder)
    archive = folder / record.archives[0]
    whole = archive.read_bytes()
    middle = len(whole) // 2
    archive.write_bytes(
        {
            "cut": whole[:middle],
            "noise": whole[:middle] + bytes(20) + whole[middle + 20 :],
            "plain": b"<html>404</html>",
        }[damage]
    )
    with pytest.raises(ValueError, match=r"truncated or corrupt|has MD5") as raised:
        mnist.load(record)
    assert str(archive) in str(raised.value)
    assert "glassnet data fetch fashion-mnist" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_label_out_of_range(cache: Path) -> None:
    record = replace(small_idx_set(cache / "fashion-mnist"), classes=("only", "two"))
    with pytest.raises(ValueError, match="holds label 9, expected 0 to 1"):
        mnist.load(record)


def test_small_cifar(cache: Path) -> None:
    data = cifar10.load(small_cifar(cache / "cifar-10"))
    assert data.test is not None
    assert data.train.y.tolist() == [5, 6, 7, 8]
    assert data.train.x.shape == (4, 3, 32, 32)
    assert (data.train.x[2] == 7).all()
    assert data.test.y.tolist() == [3]


def test_cut_cifar_archive(cache: Path) -> None:
    record = small_cifar(cache / "cifar-10", cut=40)
    with pytest.raises(ValueError, match=r"cifar-10-binary.tar.gz is truncated.*fetch cifar10"):
        cifar10.load(record)


def test_incomplete_cifar_archive(cache: Path) -> None:
    record = small_cifar(cache / "cifar-10")
    more = replace(record, contents={**record.contents, "data_batch_3.bin": "0" * 32}, rows=(6, 1))
    with pytest.raises(ValueError, match=r"lacks data_batch_3.bin"):
        cifar10.load(more)


def test_batch_faults() -> None:
    with pytest.raises(ValueError, match="3,072 bytes, expected a multiple of 3073"):
        cifar10.read_batch(bytes(3072), "b.bin")
    with pytest.raises(ValueError, match=r"b.bin holds label 200"):
        cifar10.read_batch(bytes([200] + [0] * 3072), "b.bin")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A web server on this machine, in place of the mirrors: its address and its folder."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "mirror"
    folder.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/", folder
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_download_skips_bad_mirrors_and_verifies(server: tuple[str, Path], cache: Path) -> None:
    address, folder = server
    record = small_idx_set(folder / "good")
    small_idx_set(folder / "changed")
    for archive in record.archives:
        (folder / "changed" / archive).write_bytes(gzip.compress(b"something else"))
    mirrors = tuple(f"{address}{name}/" for name in ("missing", "changed", "good"))
    found = store.fetch(replace(record, mirrors=mirrors))
    assert found == cache / "fashion-mnist"
    assert sorted(p.name for p in found.iterdir()) == sorted(record.archives)
    np.testing.assert_array_equal(mnist.load(record).train.x, IMAGES)


def test_failed_download_leaves_nothing(server: tuple[str, Path], cache: Path) -> None:
    address, _ = server
    record = replace(small_idx_set(cache / "elsewhere"), mirrors=(address,))
    with pytest.raises(ValueError, match=r"Could not download .*404.*check the connection"):
        store.fetch(record)
    assert list((cache / "fashion-mnist").iterdir()) == []


def test_replacing_leaves_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def fail() -> None:
        with files.replacing(path) as file:
            file.write(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_mnist_facts(real_data: Path) -> None:
    data = load("mnist")
    assert data.test is not None
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.train.y).tolist() == counts
    assert data.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    assert data.train.x.dtype == np.uint8


def test_cifar_facts(real_data: Path) -> None:
    data = load("cifar10")
    assert data.test is not None
    assert np.bincount(data.train.y).tolist() == [5000] * 10
    assert data.train.y[:5].tolist() == [6, 9, 9, 4, 1]
    assert data.test.y[:5].tolist() == [3, 8, 8, 0, 6]
    assert data.train.x.shape == (50_000, 3, 32, 32)
