"""Pictures of what a network does: what is in them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import glassnet as gn
from glassnet import plots
from glassnet.callbacks import Histograms
from glassnet.glass.histograms import Distributions


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    kinds = np.arange(60) % 3
    return rng.normal(size=(60, 3)) + 3 * kinds[:, None], kinds


@pytest.fixture(scope="module")
def trained(rows):
    layers = [gn.Standardize(), gn.Dense(4), gn.Tanh(), gn.Dense(3)]
    net = gn.Network(layers, (3,), seed=0)
    net.fit(*rows, loss="cross_entropy", optimizer=gn.Adam(0.05), epochs=5, compile=False)
    return net


def grey_levels(figure, path) -> int:
    """How many levels of grey a picture has when it is printed without colour."""
    from PIL import Image

    return len(np.unique(np.asarray(Image.open(plots.save(figure, path)).convert("L"))))


def test_activation_and_derivative_are_those_of_the_layer():
    net = gn.Network([gn.Dense(2), gn.Sigmoid(), gn.LeakyReLU(0.25), gn.Softmax()], (2,))
    figure = net.plot_activations()
    drawn = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title() for axes in drawn] == ["Sigmoid()", "LeakyReLU(slope=0.25)"]
    f, slope = drawn[0].lines
    x = f.get_xdata()
    sigmoid = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(f.get_ydata(), sigmoid, rtol=1e-9)
    np.testing.assert_allclose(slope.get_ydata(), sigmoid * (1 - sigmoid), rtol=1e-9)
    assert f.get_linestyle() != slope.get_linestyle()
    assert sorted(set(drawn[1].lines[1].get_ydata())) == [0.25, 1.0]
    with pytest.raises(ValueError, match="no activation function"):
        gn.Network([gn.Dense(2)], (2,)).plot_activations()


def test_regions_are_what_the_network_predicts(trained, rows, tmp_path):
    x, y = rows
    figure = trained.plot_decision_regions(x, y, features=(2, 0))
    assert figure.axes[0].get_xlabel() == "x[2]"
    assert "with 1 more" in figure.axes[0].get_title()
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["0", "said: 0", "1", "said: 1", "2", "said: 2"]
    assert grey_levels(figure, tmp_path / "regions.png") > 3
    for features in [(0, 0), (0, 3), (0,)]:
        with pytest.raises(ValueError, match="two different columns"):
            trained.plot_decision_regions(x, y, features)
    with pytest.raises(ValueError, match="at least two features"):
        trained.plot_decision_regions(x[:, :1], y)


def test_regions_of_a_regression(rows):
    x, _ = rows
    net = gn.Network([gn.Dense(1)], (3,), seed=0)
    net.fit(x, x.sum(axis=1), loss="mse", epochs=2, compile=False)
    assert len(net.plot_decision_regions(x, x.sum(axis=1)).axes) == 2  # with a scale of colours


def test_categories_are_no_axis(rows):
    x = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 2.0, 1.0], [0.5, 1.0, 2.0]])
    net = gn.Network([gn.OneHot({1: 3}), gn.Dense(2)], (3,), seed=0)
    net.fit(x, np.array([0, 1, 0, 1]), loss="cross_entropy", epochs=1, compile=False)
    assert net.plot_decision_regions(x, np.array([0, 1, 0, 1]), (0, 2)).axes
    with pytest.raises(ValueError, match="Column 1 holds categories"):
        net.plot_decision_regions(x, np.array([0, 1, 0, 1]))


def test_diagram_has_a_line_for_every_weight(trained):
    lines = [line for line in trained.plot_diagram().axes[0].lines if len(line.get_xdata()) == 2]
    weights = [trained.parameters[f"layers.{k}.weight"].value for k in (1, 3)]
    assert len(lines) == sum(w.size for w in weights)
    dashed = sum(line.get_linestyle() != "-" for line in lines)
    assert dashed == sum(int((w < 0).sum()) for w in weights)
    large = gn.Network([gn.Dense(500), gn.ReLU(), gn.Dense(2)], (28,), seed=0)
    texts = [text.get_text() for text in large.plot_diagram().axes[0].texts]
    assert "⋮" in texts
    assert "Dense\n500\nReLU" in texts


def test_contributions_over_images_and_as_bars(trained, rows, tmp_path):
    net = gn.Network([gn.Flatten(), gn.Dense(2)], (6, 6), seed=0)
    figure = net.explain(np.random.default_rng(0).normal(size=(3, 6, 6))).plot()
    assert len(figure.legends) == 1
    assert grey_levels(figure, tmp_path / "images.png") > 10
    bars = trained.explain(rows[0][:2]).plot(rows=[1])
    moved = trained.explain(rows[0][:2]).contributions[1]
    widths = sorted(patch.get_width() for patch in bars.axes[0].patches)
    np.testing.assert_allclose(widths, sorted(moved), rtol=1e-6)
    with pytest.raises(ValueError, match="no row"):
        trained.explain(rows[0][:2]).plot(rows=[])


def test_histograms_leave_training_as_it_is(rows, tmp_path):
    def train(*callbacks):
        layers = [gn.Dense(8), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.5), gn.Dense(3)]
        net = gn.Network(layers, (3,), seed=0)
        net.fit(*rows, loss="cross_entropy", epochs=3, callbacks=list(callbacks), compile=False)
        return net

    seen = Histograms(tmp_path / "seen.npz")
    net = train(seen)
    assert np.array_equal(net.theta, train().theta)
    kept = Distributions.load(tmp_path / "seen.npz")
    assert kept.epochs == [0, 1, 2, 3]
    for (kind, name), counts in kept.counts.items():
        size = net.parameters[name].size
        assert [int(c.sum()) for c in counts] == [size] * 4, kind
    weight = net.parameters["layers.0.weight"].value
    edges = kept.edges["weights", "layers.0.weight"][-1]
    assert (edges[0], edges[-1]) == pytest.approx((weight.min(), weight.max()))
    figure = kept.plot()
    assert figure.axes[0].get_title() == "layers.0.weight: weights"
    for content in (b"", b"no archive", (tmp_path / "seen.npz").read_bytes()[:100]):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.npz is no file of histograms"):
            Distributions.load(tmp_path / "bad.npz")
    with pytest.raises(ValueError, match="No epoch"):
        Distributions().plot()


def test_histograms_of_numbers_that_are_huge_alike_or_not_finite(tmp_path):
    net = gn.Network([gn.Dense(3)], (2,), seed=0)
    net.theta[...] = 2e20
    net.theta[0] = np.nextafter(np.float32(2e20), np.float32(np.inf))
    gradient = {name: np.full(p.shape, np.nan) for name, p in net.parameters.items()}
    taken = Distributions()
    taken.add(1, net, gradient)
    net.theta[...] = 3e38
    net.theta[0] = -3e38
    taken.add(2, net, gradient)
    counts = {kind: [int(c.sum()) for c in kept] for (kind, _), kept in taken.counts.items()}
    assert counts == {"weights": [3, 3], "gradients": [0, 0]}  # of the bias, the last parameter
    assert [int(c.sum()) for c in taken.counts["weights", "layers.0.weight"]] == [6, 6]
    plots.save(taken.plot(), tmp_path / "huge.png")


def test_dollars_in_names_are_no_mathematics(rows, tmp_path):
    x, y = rows
    net = gn.Network([gn.Standardize(), gn.Dense(3)], (3,), seed=0)
    net.fit(x, y, loss="cross_entropy", epochs=1)
    names = ["$10 to $20", "$\\frac{1}{$", "$_$"]  # the second is wrong as mathematics
    net.metadata |= {"classes": names, "feature_names": names}
    figures = [
        net.plot_decision_regions(x, y),
        net.explain(x[:2]).plot(),
        plots.first_layer_weights(net),
        plots.confusion_matrix(np.eye(3, dtype=int), names),
        plots.predicted_vs_true(x[:, 0], x[:, 1], names[1:2]),
    ]
    for number, figure in enumerate(figures):
        drawn = plots.save(figure, tmp_path / f"{number}.svg").read_text()
        assert "<!-- $10 to $20" in drawn or number == 4, number
