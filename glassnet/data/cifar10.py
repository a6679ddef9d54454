"""CIFAR-10 in its binary version: records of 1 label byte and 3072 pixel bytes.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the
data page's section "Binary version".
"""

from __future__ import annotations

import numpy as np

from glassnet.data import store
from glassnet.data.catalogue import Record
from glassnet.data.dataset import Array, Dataset, Part

CHANNELS, HEIGHT, WIDTH = 3, 32, 32
TEST_BATCH = "test_batch.bin"
RECORD_BYTES = 1 + CHANNELS * HEIGHT * WIDTH


def read_batch(data: bytes, file: str) -> tuple[Array, Array]:
    """Decode one batch file.

    Arguments:
        data: the file's bytes.
        file: its name, for messages.

    Returns:
        Images, uint8 (n, 3, 32, 32), red, green, blue; labels, int64 (n,).

    Raises:
        ValueError: if the length is not a multiple of 3073 or a label exceeds 9.

    >>> images, labels = read_batch(bytes([6] + [255] * 3072), "one.bin")
    >>> images.shape, labels.tolist()
    ((1, 3, 32, 32), [6])
    """
    if not data or len(data) % RECORD_BYTES:
        raise ValueError(
            f"{file} has {len(data):,} bytes, expected a multiple of {RECORD_BYTES}: "
            "the file is cut or damaged; run `glassnet data fetch cifar10`."
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise ValueError(
            f"{file} holds label {labels.max()}, expected 0 to 9: the file is damaged; "
            "run `glassnet data fetch cifar10`."
        )
    return records[:, 1:].reshape(-1, CHANNELS, HEIGHT, WIDTH), labels


def load(record: Record) -> Dataset:
    """Load CIFAR-10.

    Arguments:
        record: the set's record in the catalogue.

    Returns:
        Dataset with `x` uint8 of shape (n, 3, 32, 32), 50,000 training and 10,000 test rows.

    Raises:
        ValueError: for an archive that is cut, damaged or not the original.
    """
    archive = store.fetch(record) / record.archives[0]
    order = [name for name in record.contents if name != TEST_BATCH]
    rows, test_rows = record.rows
    size = rows // len(order)
    # Filled batch by batch: the archive and both arrays are never held at once.
    train = Part(np.empty((rows, CHANNELS, HEIGHT, WIDTH), np.uint8), np.empty(rows, np.int64))
    test = Part(np.empty((test_rows, *train.x.shape[1:]), np.uint8), np.empty(test_rows, np.int64))
    for name, data in store.contents(record, archive):
        part, start = (test, 0) if name == TEST_BATCH else (train, size * order.index(name))
        images, labels = read_batch(data, name)
        part.x[start : start + len(images)] = images
        part.y[start : start + len(labels)] = labels
    return Dataset(
        name=record.name,
        train=train,
        test=test,
        classes=record.classes,
        target=("label",),
        description=record.description,
        source=record.source,
        licence=record.licence,
    )
