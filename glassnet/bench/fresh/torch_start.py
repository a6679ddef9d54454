"""Import PyTorch, load a model, predict one row: `torch_start.py MODEL`."""

import json
import sys


def main() -> None:
    """Print the probabilities; the layers follow from the names and shapes of what was saved."""
    import torch
    from torch import nn

    state = torch.load(sys.argv[1], weights_only=True)
    layers: dict[int, nn.Module] = {}
    for name, array in state.items():
        index = int(name.split(".")[0])
        if name.endswith("weight") and array.ndim == 2:
            layers[index] = nn.Linear(array.shape[1], array.shape[0], f"{index}.bias" in state)
        elif name.endswith("running_mean"):
            layers[index] = nn.BatchNorm1d(len(array))
    chain = [layers.get(index, nn.ReLU()) for index in range(max(layers) + 1)]
    model = nn.Sequential(*chain)
    model.load_state_dict(state)
    model.eval()
    row = torch.ones(1, chain[0].in_features)
    with torch.inference_mode():
        print(json.dumps({"numbers": torch.softmax(model(row), 1)[0].tolist()}))


if __name__ == "__main__":
    main()
