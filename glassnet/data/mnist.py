"""MNIST and Fashion-MNIST: images and labels in the IDX format.

An IDX file is a big-endian header (two zero bytes, a byte for the element type, a byte for the
number of dimensions d, then d sizes of four bytes) followed by the elements, last index fastest.

Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", section
"File formats".
"""

from __future__ import annotations

import math
import struct

import numpy as np

from glassnet.data import store
from glassnet.data.catalogue import Record
from glassnet.data.dataset import Array, Dataset, Part

UNSIGNED_BYTE = 0x08


def read_idx(data: bytes, file: str, dimensions: int) -> Array:
    """Decode an IDX file of unsigned bytes.

    Arguments:
        data: the unpacked file.
        file: its name, for messages.
        dimensions: 3 for images (magic number 2051), 1 for labels (2049).

    Returns:
        uint8 array of the shape that the header gives; read-only, it shares memory with `data`.

    Raises:
        ValueError: for another magic number or a wrong length.

    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "labels", 1).tolist()
    [7, 9]
    """
    header = 4 + 4 * dimensions
    magic = UNSIGNED_BYTE << 8 | dimensions
    found = int.from_bytes(data[:4], "big")
    if len(data) < header or found != magic:
        raise ValueError(
            f"{file} is not an IDX file of {'images' if dimensions == 3 else 'labels'}: "
            f"it has {len(data):,} bytes and magic number {found}, expected {magic}."
        )
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if len(data) - header != math.prod(shape):
        raise ValueError(
            f"{file} has {len(data) - header:,} bytes after its header, which promises "
            f"{'×'.join(map(str, shape))} = {math.prod(shape):,}: the file is cut or damaged."
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def load(record: Record) -> Dataset:
    """Load MNIST, or another set of the same four files.

    Arguments:
        record: the set's record in the catalogue.

    Returns:
        Dataset with `x` uint8 of shape (n, 28, 28) and `y` int64 of shape (n,).

    Raises:
        ValueError: for files that are cut, damaged or not the originals.
    """
    folder = store.fetch(record)

    def array(archive: str, dimensions: int) -> Array:
        ((name, data),) = store.contents(record, folder / archive)
        return read_idx(data, f"{folder / name}", dimensions)

    train_images, train_labels, test_images, test_labels = record.archives
    return Dataset(
        name=record.name,
        train=_part(array(train_images, 3), array(train_labels, 1), record, train_labels),
        test=_part(array(test_images, 3), array(test_labels, 1), record, test_labels),
        classes=record.classes,
        target=("label",),
        description=record.description,
        source=record.source,
        licence=record.licence,
    )


def _part(images: Array, labels: Array, record: Record, file: str) -> Part:
    if labels.size and labels.max() >= len(record.classes):
        raise ValueError(
            f"{file} of {record.name} holds label {labels.max()}, expected 0 to "
            f"{len(record.classes) - 1}: run `glassnet data fetch {record.name}`."
        )
    return Part(images, labels.astype(np.int64))
