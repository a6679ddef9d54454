"""The named data sets: what each is, and how to know that its files are the originals.

The sums are MD5 of the *unpacked* contents. A gzip file carries a time stamp and depends on the
packer's settings, so two archives of the same contents may differ; the contents may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from glassnet.registry import did_you_mean

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Record:
    """Facts on a named set.

    Arguments:
        name: what `load` takes.
        description, source, licence: one sentence each.
        rows: training and test rows (no test rows: the set is split by its user).
        shape: shape of one row.
        classes: class names, index = label.
        folder: folder below the data root; empty for embedded and derived sets.
        archives: file names in that folder, each with the address-less mirrors' common name.
        contents: name of an unpacked file -> MD5 of its bytes.
        mirrors: addresses that end with "/", tried in order, each followed by an archive's name.
        megabytes: size of the download.
        derived_from: the set that this one is computed from.
    """

    name: str
    description: str
    source: str
    licence: str
    rows: tuple[int, int]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    folder: str = ""
    archives: tuple[str, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)
    mirrors: tuple[str, ...] = ()
    megabytes: int = 0
    derived_from: str = ""

    @property
    def embedded(self) -> bool:
        """True if the set comes with an installed package and needs no file."""
        return not self.archives and not self.derived_from


IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

_CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_RECORDS = (
    Record(
        name="iris",
        description="Length and width of sepal and petal (cm) of 150 flowers of three species.",
        source="R. A. Fisher, The use of multiple measurements in taxonomic problems, 1936; "
        "scikit-learn's copy",
        licence="CC BY 4.0",
        rows=(150, 0),
        shape=(4,),
        classes=("setosa", "versicolor", "virginica"),
    ),
    Record(
        name="digits",
        description="Handwritten digits, 8×8 pixels, grey values 0 to 16.",
        source="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998; "
        "scikit-learn's copy (the test half)",
        licence="CC BY 4.0",
        rows=(1797, 0),
        shape=(8, 8),
        classes=DIGITS,
    ),
    Record(
        name="mnist",
        description="Handwritten digits, 28×28 pixels, grey values 0 to 255.",
        source="Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998",
        licence="CC BY-SA 3.0 (as commonly given)",
        rows=(60_000, 10_000),
        shape=(28, 28),
        classes=DIGITS,
        folder="mnist",
        archives=IDX_FILES,
        contents={
            "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
            "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
            "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
            "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        },
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        megabytes=12,
    ),
    Record(
        name="fashion-mnist",
        description="Photographs of clothes, 28×28 pixels, grey values 0 to 255.",
        source="H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, arXiv:1708.07747, 2017",
        licence="MIT",
        rows=(60_000, 10_000),
        shape=(28, 28),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        folder="fashion-mnist",
        archives=IDX_FILES,
        # The authors give the sums of the .gz files only; these are the sums of what they unpack
        # to, on which several independent public loaders and tutorials agree.
        contents={
            "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
            "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
            "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
        },
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        megabytes=31,
    ),
    Record(
        name="cifar10",
        description="Colour photographs of ten kinds of things, 3×32×32 pixels, values 0 to 255.",
        source="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        licence="none stated; the author asks to be cited",
        rows=(50_000, 10_000),
        shape=(3, 32, 32),
        classes=_CIFAR_CLASSES,
        folder="cifar-10",
        archives=("cifar-10-binary.tar.gz",),
        contents={
            "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
            "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
            "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
            "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
            "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
            "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
        },
        mirrors=("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
        megabytes=170,
    ),
    Record(
        name="cifar10-pca128",
        description="CIFAR-10's pixels / 255 projected on the first 128 principal components of "
        "the training rows.",
        source="derived from cifar10 by an exact principal component analysis",
        licence="that of cifar10",
        rows=(50_000, 10_000),
        shape=(128,),
        classes=_CIFAR_CLASSES,
        derived_from="cifar10",
    ),
)

CATALOGUE: Mapping[str, Record] = {record.name: record for record in _RECORDS}


def names() -> tuple[str, ...]:
    """Names that `load` knows, simplest first.

    >>> names()[:2]
    ('iris', 'digits')
    """
    return tuple(CATALOGUE)


def record(name: str) -> Record:
    """The record of a named set.

    Raises:
        ValueError: for an unknown name, with the nearest one and the list.

    >>> record("mnist").rows
    (60000, 10000)
    """
    if name not in CATALOGUE:
        raise ValueError(
            f"No data set is called {name!r}.{did_you_mean(name, names())} "
            f"Known sets: {', '.join(names())}."
        )
    return CATALOGUE[name]
