"""What figures show: their labels, lines, images and texts. How they look was judged by eye."""

import json

import numpy as np
import pytest

import glassnet as gn
from glassnet import plots


def texts(figure):
    """All texts of the axes of a figure that are not empty."""
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def images(figure):
    """All drawn images as arrays, without those of colour bars."""
    return [image.get_array() for axes in figure.axes for image in axes.images]


def record(epoch, **scores):
    return {"epoch": epoch, "loss": 1.0 / epoch, "learning_rate": 0.1, "seconds": 0.5} | scores


class TestCurves:
    def test_training_and_validation_by_epoch(self):
        history = [
            record(k, accuracy=0.8, val_loss=2.0 / k, val_accuracy=0.7 + k / 100) for k in (1, 2, 3)
        ]
        loss, accuracy = plots.curves(history).axes
        training, validation = loss.lines
        assert training.get_xdata().tolist() == [1, 2, 3]
        assert training.get_ydata().tolist() == [1, 1 / 2, 1 / 3]
        assert validation.get_ydata().tolist() == [2, 1, 2 / 3]
        assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "loss")
        assert accuracy.get_title() == "Accuracy"
        assert [t.get_text() for t in accuracy.get_legend().texts] == ["training", "validation"]

    def test_lines_differ_in_more_than_colour(self):
        (training, validation), *_ = [
            axes.lines for axes in plots.curves([record(1, val_loss=1.0)]).axes
        ]
        assert training.get_linestyle() != validation.get_linestyle()
        assert training.get_marker() != validation.get_marker()

    def test_learning_rate_is_drawn_if_it_changes(self):
        steady = [record(1), record(2)]
        falling = [record(1), record(2, learning_rate=0.05)]
        assert [axes.get_title() for axes in plots.curves(steady).axes] == ["Loss"]
        assert [axes.get_title() for axes in plots.curves(falling).axes] == [
            "Loss",
            "Learning rate",
        ]

    def test_regression_has_rmse(self):
        _, rmse = plots.curves([record(1, val_rmse=3.0)]).axes
        assert rmse.get_ylabel() == "RMSE (units of the target)"
        assert len(rmse.lines) == 1

    def test_one_epoch_is_a_visible_point(self):
        figure = plots.curves([record(1, accuracy=0.5)])
        figure.canvas.draw()
        assert figure.axes[0].lines[0].get_marker() == "o"
        assert [t for t in figure.axes[0].get_xticks() if t != int(t)] == []

    def test_no_epochs_are_refused(self):
        with pytest.raises(ValueError, match="no epochs"):
            plots.curves([])

    def test_history_of_a_fit(self):
        x = np.linspace(-1, 1, 20)[:, None]
        net = gn.Network([gn.Dense(2)], input_shape=(1,))
        history = net.fit(x, (x[:, 0] > 0).astype(int), loss="cross_entropy", epochs=2)
        assert len(plots.curves(history).axes) == 2


class TestConfusionMatrix:
    def test_counts_and_names(self):
        figure = plots.confusion_matrix([[8, 2], [0, 5]], ["cat", "dog"])
        axes = figure.axes[0]
        assert texts(figure) == ["8", "2", "0", "5"]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
        assert axes.get_title() == "Confusion matrix: 86.7% of 15 rows right"

    def test_colour_is_the_share_of_the_true_class(self):
        shares = images(plots.confusion_matrix([[8, 2, 0], [0, 1000, 0], [0, 0, 0]]))[0]
        assert np.asarray(shares).tolist() == [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]]

    def test_weights_are_written_short(self):
        figure = plots.confusion_matrix([[0.12345, 1234.5], [0, 1]])
        assert texts(figure) == ["0.123", "1,234", "0", "1"]

    def test_many_classes_have_no_counts_and_fit_the_page(self):
        names = [f"a class with a rather long name, number {k}" for k in range(150)]
        figure = plots.confusion_matrix(np.eye(150), names)
        assert texts(figure) == []
        assert max(figure.get_size_inches()) < 18
        assert len(figure.axes[0].get_xticks()) == 75
        assert all(len(label.get_text()) <= 24 for label in figure.axes[0].get_yticklabels())

    @pytest.mark.parametrize("matrix", [[[1, 2]], [1, 2], []])
    def test_other_shapes_are_refused(self, matrix):
        with pytest.raises(ValueError, match=r"shape \(K, K\)"):
            plots.confusion_matrix(matrix)


TRUTH = np.array([0, 0, 1, 1])
#                          right       wrong, 0.9  wrong, 0.6  wrong, 0.98
PROBABILITIES = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.98, 0.02]])


class TestMistakes:
    @pytest.mark.parametrize(
        ("shape", "drawn"),
        [
            ((5, 7), (5, 7)),
            ((1, 5, 7), (5, 7)),
            ((5, 7, 1), (5, 7)),
            ((3, 5, 7), (5, 7, 3)),
            ((5, 7, 3), (5, 7, 3)),
        ],
    )
    def test_images_of_all_layouts(self, shape, drawn):
        x = np.arange(4 * 105, dtype=np.float32)[: 4 * np.prod(shape)].reshape(4, *shape)
        shown = images(plots.worst_mistakes(x, TRUTH, PROBABILITIES))
        assert [image.shape for image in shown] == [drawn] * 3
        assert min(image.min() for image in shown) >= 0
        assert max(image.max() for image in shown) <= 1

    def test_most_confident_first_with_words(self):
        x = np.zeros((4, 2, 2), np.uint8)
        x[3] = 255
        figure = plots.worst_mistakes(x, TRUTH, PROBABILITIES, ["cat", "dog"], count=2)
        titles = [axes.get_title() for axes in figure.axes if axes.images]
        assert titles == ["said cat 98%\nis dog", "said dog 90%\nis cat"]
        assert images(figure)[0].min() == 1.0
        expected = "The worst 2 of 3 mistakes among 4 rows, the most confident first"
        assert figure.get_suptitle() == expected

    def test_channels_move_with_their_pixels(self):
        x = np.zeros((4, 3, 2, 2), np.uint8)
        x[3, 2, 0, 1] = 255  # blue at the upper right
        shown = images(plots.worst_mistakes(x, TRUTH, PROBABILITIES, count=1))[0]
        assert np.argwhere(shown == 1).tolist() == [[0, 1, 2]]

    def test_outputs_that_are_no_probabilities_have_no_percent(self):
        figure = plots.worst_mistakes(np.zeros((4, 2, 2)), TRUTH, 2 * PROBABILITIES, count=1)
        assert figure.axes[0].get_title() == "said 0 (1.96)\nis 1"

    def test_no_mistakes_say_so(self):
        said = PROBABILITIES.argmax(axis=1)
        figure = plots.worst_mistakes(np.zeros((4, 2, 2)), said, PROBABILITIES)
        assert [text.get_text() for text in figure.texts] == ["No mistakes among 4 rows"]

    def test_rows_of_a_table_are_refused(self):
        with pytest.raises(ValueError, match=r"shape \(5,\) are no images.*mistakes_table"):
            plots.worst_mistakes(np.zeros((4, 5)), TRUTH, PROBABILITIES)

    def test_labels_of_another_length_are_refused(self):
        with pytest.raises(ValueError, match=r"Received shapes \(3,\) and \(4, 2\)"):
            plots.wrong_rows(TRUTH[:3], PROBABILITIES)

    def test_table(self):
        x = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]], np.float32)
        rows = plots.mistakes_table(x, TRUTH, PROBABILITIES, ["cat", "dog"], ["a", "b"], count=2)
        assert rows[0] == {
            "row": 3,
            "said": "cat",
            "confidence": 0.98,
            "is": "dog",
            "features": {"a": 4.0, "b": 40.0},
        }
        assert [row["row"] for row in rows] == [3, 1]
        assert json.loads(json.dumps(rows)) == rows
        text = plots.mistakes_markdown(rows, features=1)
        assert text.splitlines()[0] == "| row | said | confidence | is | a |"
        assert text.splitlines()[2] == "| 3 | cat | 0.980 | dog | 4 |"


class TestNumbers:
    truth, said = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 0.0])

    def test_predicted_against_true(self):
        figure = plots.predicted_vs_true(self.truth, self.said, ["height (m)"], marked=1)
        (axes,) = figure.axes
        points, ringed = axes.collections
        assert points.get_offsets().tolist() == [[1, 1], [2, 2.5], [3, 0]]
        assert ringed.get_offsets().tolist() == [[3, 0]]
        (diagonal,) = axes.lines
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 3]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("true height (m)", "predicted height (m)")
        assert axes.get_legend().texts[-1].get_text() == "largest errors: rows 2"

    def test_residuals(self):
        (axes,) = plots.residual_histogram(self.truth, self.said, ["height (m)"]).axes
        assert sum(bar.get_height() for bar in axes.patches) == 3
        assert axes.get_xlabel() == "predicted − true height (m)"
        assert axes.get_legend().texts[-1].get_text() == "mean error -0.833"

    def test_a_panel_an_output_up_to_twelve(self):
        rows = np.random.default_rng(0).random((5, 14))
        few = plots.residual_histogram(rows[:, :4], rows[:, 1:5])
        many = plots.predicted_vs_true(rows, rows)
        assert [axes.get_xlabel() for axes in few.axes if axes.patches][1] == (
            "predicted − true output 1"
        )
        assert len([axes for axes in many.axes if axes.collections]) == 12
        assert many.get_suptitle() == "The first 12 of 14 outputs"

    def test_largest_errors_compare_outputs_in_their_spread(self):
        truth = [[0.0, 0.0], [2.0, 2000.0]]  # standard deviations 1 and 1000
        said = [[0.5, 0.0], [2.0, 2100.0]]
        first, second = plots.largest_errors(truth, said, ["m", "kg"], count=2)
        assert first == {"row": 0, "output": "m", "predicted": 0.5, "true": 0.0, "error": 0.5}
        assert (second["output"], second["error"]) == ("kg", 100.0)

    def test_bad_input_is_refused(self):
        with pytest.raises(ValueError, match=r"\(3, 1\), predicted \(2, 1\)"):
            plots.predicted_vs_true(self.truth, self.said[:2])
        with pytest.raises(ValueError, match="finite"):
            plots.residual_histogram([np.nan], [1.0])


class TestFirstLayerWeights:
    def test_grey_images(self):
        net = gn.Network([gn.Flatten(), gn.Dense(7), gn.ReLU(), gn.Dense(2)], input_shape=(3, 4))
        figure = plots.first_layer_weights(net)
        shown = images(figure)
        weight = net.parameters["layers.1.weight"].value
        assert len(shown) == 7
        np.testing.assert_allclose(shown[2], weight[:, 2].reshape(3, 4))
        low, high = figure.axes[0].images[0].get_clim()
        assert low == -high
        assert "7 units" in figure.get_suptitle()
        assert "weight" in [axes.get_ylabel() for axes in figure.axes]  # the colour bar

    def test_colour_images_are_drawn_in_colour(self):
        net = gn.Network([gn.Flatten(), gn.Dense(2, initializer="zeros")], input_shape=(3, 4, 5))
        shown = images(plots.first_layer_weights(net))
        assert [image.shape for image in shown] == [(4, 5, 3)] * 2
        assert np.all(shown[0] == 0.5)

    def test_only_the_first_hundred_units_are_drawn(self):
        net = gn.Network([gn.Flatten(), gn.Dense(101)], input_shape=(2, 2))
        figure = plots.first_layer_weights(net)
        assert len(images(figure)) == 100
        assert figure.get_suptitle() == "Weights into the first 100 of 101 units of the first layer"

    def test_tables_with_feature_names(self):
        net = gn.Network([gn.Standardize(), gn.Dense(5)], input_shape=(2,))
        net.metadata["feature_names"] = ["length (cm)", "a name that goes on and on and on"]
        axes = plots.first_layer_weights(net).axes[0]
        np.testing.assert_allclose(
            axes.images[0].get_array(), net.parameters["layers.1.weight"].value
        )
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels == ["length (cm)", "a name that goes on and…"]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("unit", "input")

    def test_many_features_are_numbered(self):
        net = gn.Network([gn.Dense(3)], input_shape=(41,))
        net.metadata["feature_names"] = [f"feature {k}" for k in range(41)]
        labels = plots.first_layer_weights(net).axes[0].get_yticklabels()
        assert not any("feature" in label.get_text() for label in labels)

    def test_a_network_without_such_weights_is_refused(self):
        with pytest.raises(ValueError, match="no Dense layer"):
            plots.first_layer_weights(gn.Network([gn.ReLU()], input_shape=(2,)))

        class Mixing(gn.Layer):
            name = "Mixing"

            def build(self, input_shape, store, rng):
                store.parameter("matrix", (2, 2), gn.initializers.Zeros())
                return input_shape

        net = gn.Network([Mixing(), gn.Dense(2)], input_shape=(2,))
        with pytest.raises(ValueError, match=r"Layer 0, .*mixes the inputs"):
            plots.first_layer_weights(net)


class TestSave:
    @pytest.mark.parametrize("suffix", [".png", ".svg"])
    def test_equal_figures_are_equal_files(self, tmp_path, suffix):
        files = [
            plots.save(plots.curves([record(1, val_loss=1.0)]), tmp_path / name / f"curves{suffix}")
            for name in "ab"
        ]
        first, second = (file.read_bytes() for file in files)
        assert first == second
        assert b"Date" not in first
        assert b"date>" not in first
        assert [path.name for path in (tmp_path / "a").iterdir()] == [f"curves{suffix}"]

    def test_nothing_is_overwritten_unasked(self, tmp_path):
        path = tmp_path / "curves.png"
        path.write_text("mine")
        figure = plots.curves([record(1)])
        with pytest.raises(ValueError, match="exists already"):
            plots.save(figure, path)
        assert path.read_text() == "mine"
        plots.save(figure, path, overwrite=True)
        assert path.read_bytes().startswith(b"\x89PNG")

    def test_other_endings_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r"Received: 'curves\.bmp'"):
            plots.save(plots.curves([record(1)]), tmp_path / "curves.bmp")

    def test_a_folder_that_cannot_be_made_is_one_sentence(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ValueError, match="cannot be made"):
            plots.save(plots.curves([record(1)]), tmp_path / "file" / "curves.png")

    @pytest.mark.parametrize(
        "draw",
        [
            lambda: plots.confusion_matrix(np.eye(3), ["a" * 40] * 3),
            lambda: plots.confusion_matrix(np.eye(10)),
            lambda: plots.confusion_matrix(np.eye(100)),
            lambda: plots.worst_mistakes(np.zeros((4, 2, 2)), TRUTH, PROBABILITIES),
            lambda: plots.predicted_vs_true([1.0, 2.0], [1.0, 1.5]),
        ],
        ids=["long names", "ten classes", "hundred classes", "mistakes", "errors"],
    )
    def test_nothing_is_cut_off(self, draw):
        figure = draw()
        figure.canvas.draw()
        box = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert box.x0 >= -0.02
        assert box.y0 >= -0.02
        assert box.x1 <= width + 0.02
        assert box.y1 <= height + 0.02


def test_pyplot_is_left_alone():
    from matplotlib import pyplot

    plots.curves([record(1)])
    assert pyplot.get_fignums() == []
