"""An epoch of MNIST from the raw files: `ours_memory.py DATA WEIGHTS mnist|stand-in`."""

import gzip
import json
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Print the epoch's mean loss and the peak of memory."""
    import numpy as np

    import glassnet as gn

    data, weights, kind = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    if kind == "mnist":
        train = gn.data.load("mnist").train
        x, y = train.x, train.y
    else:
        from glassnet.data.mnist import read_idx

        images, labels = (
            data / f"train-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1")
        )
        x = read_idx(gzip.decompress(images.read_bytes()), "images", 3)
        y = read_idx(gzip.decompress(labels.read_bytes()), "labels", 1).astype(np.int64)
    layers = [gn.Rescale(1 / 255), gn.Flatten(), gn.Dense(256), gn.ReLU(), gn.Dense(10)]
    network = gn.Network(layers, (28, 28))
    with np.load(weights / "weights.npz") as arrays:
        names = ("layers.2.weight", "layers.2.bias", "layers.4.weight", "layers.4.bias")
        for name, array in zip(names, arrays.values(), strict=True):
            network.parameters[name].value[...] = array
    history = network.fit(
        x,
        y,
        loss="cross_entropy",
        optimizer=gn.SGD(0.1),
        batch_size=64,
        epochs=1,
        shuffle=False,  # so that the loss can be compared
    )
    peak = runpy.run_path(str(Path(__file__).with_name("peak.py")))["peak_bytes"]()
    print(json.dumps({"numbers": [history[-1]["loss"]], "peak": peak}))


if __name__ == "__main__":
    main()
