"""An epoch of MNIST from the raw files: `torch_memory.py DATA WEIGHTS mnist|stand-in`."""

import gzip
import json
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Print the epoch's mean loss and the peak of memory."""
    import numpy as np
    import torch
    from torch import nn
    from torch.nn import functional

    def read(name: str, header: int) -> torch.Tensor:
        """The bytes after the header, not copied."""
        with gzip.open(Path(sys.argv[1]) / name) as file:
            return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8, offset=header)

    x = read("train-images-idx3-ubyte.gz", 16).view(-1, 784)
    y = read("train-labels-idx1-ubyte.gz", 8).long()
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    with torch.no_grad(), np.load(Path(sys.argv[2]) / "weights.npz") as arrays:
        for parameter, array in zip(model.parameters(), arrays.values(), strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(array.T)))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, fused=True)
    total = 0.0
    for images, labels in zip(x.split(64), y.split(64), strict=True):
        loss = functional.cross_entropy(model(images.float() / 255), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.item() * len(labels)
    peak = runpy.run_path(str(Path(__file__).with_name("peak.py")))["peak_bytes"]()
    print(json.dumps({"numbers": [total / len(x)], "peak": peak}))


if __name__ == "__main__":
    main()
