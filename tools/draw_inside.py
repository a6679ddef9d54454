"""Draw the pictures of docs/inside.md: `make inside`."""

from __future__ import annotations

import sys
from pathlib import Path

import glassnet as gn
from glassnet import plots

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")


def draw() -> None:
    """Train two small networks and draw them."""
    seen = gn.callbacks.Histograms()
    iris = gn.data.load("iris")
    petals, kinds = iris.train.x[:, 2:], iris.train.y
    layers = [gn.Standardize(), gn.Dense(6), gn.Tanh(), gn.Dense(3)]
    net = gn.Network(layers, input_shape=(2,), seed=0)
    net.metadata = {
        "feature_names": list(iris.feature_names[2:]),
        "classes": list(iris.classes),
    }
    net.fit(petals, kinds, loss="cross_entropy", optimizer=gn.Adam(0.02), epochs=60)
    digits = gn.data.split(gn.data.load("digits"), share=0.2, seed=0)
    reader = gn.Network(
        [gn.Rescale(1 / 16), gn.Flatten(), gn.Dense(32), gn.ReLU(), gn.Dense(10)], (8, 8), seed=0
    )
    x, y = digits.train.x, digits.train.y
    reader.fit(x, y, loss="cross_entropy", epochs=20, callbacks=[seen])
    functions = [
        gn.Dense(1), gn.Sigmoid(), gn.Tanh(), gn.ReLU(), gn.LeakyReLU(0.1), gn.ELU(), gn.GELU(),
        gn.SiLU(), gn.Softplus(),
    ]  # fmt: skip
    figures = {
        "regions": net.plot_decision_regions(petals, kinds),
        "diagram": net.plot_diagram(),
        "histograms": seen.distributions.plot(),
        "activations": gn.Network(functions, (1,)).plot_activations(),
        "digits": reader.explain(digits.test.x[:8]).plot(),
    }
    for name, figure in figures.items():
        print(plots.save(figure, FOLDER / f"inside-{name}.png", overwrite=True))


if __name__ == "__main__":
    draw()
