"""Import glassnet, load a model, predict one row: `ours_start.py MODEL`."""

import json
import sys


def main() -> None:
    """Print the probabilities."""
    import numpy as np

    import glassnet as gn

    network = gn.load(sys.argv[1])
    row = np.ones((1, *network.input_shape), np.float32)
    print(json.dumps({"numbers": network.predict_proba(row)[0].tolist()}))


if __name__ == "__main__":
    main()
