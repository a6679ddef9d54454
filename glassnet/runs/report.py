"""What a run has come to: scores of the test part, figures, report.md and report.json."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import metrics
from glassnet.data import Dataset, Part
from glassnet.doctor.finding import Finding
from glassnet.doctor.report import findings_as_markdown
from glassnet.files import write_atomically
from glassnet.network import Network
from glassnet.runs.folder import RunFolder
from glassnet.runs.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from glassnet.trainer import History


@dataclass
class Result:
    """What a training has come to.

    Attributes:
        history: of all epochs.
        scores: of the test part, as `metrics.report` has them.
        seconds: of training, all epochs together.
        folds: the score of each fold (accuracy, or RMSE), if there was a cross-validation.
        figures: paths of the pictures.
        findings: the doctor's.
    """

    history: History
    scores: dict[str, Any]
    seconds: float
    folds: list[float] = field(default_factory=list)
    figures: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def score_rows(network: Network, part: Part) -> dict[str, Any]:
    """All scores of a fitted network on labelled rows; see `metrics.report`."""
    is_numbers = network.task == "regression"
    names = network.metadata.get("target" if is_numbers else "classes", [])
    return metrics.report(
        network.task or "classification",
        part.y,
        network.predict(part.x),
        None if is_numbers else network.predict_proba(part.x),
        names if len(names) else (),
    )


def fold_summary(scores: Mapping[str, Any], folds: Sequence[float]) -> dict[str, Any]:
    """Mean and standard deviation (n − 1) over the folds.

    >>> fold_summary({"task": "classification"}, [0.5, 1.0])["mean"]
    0.75
    """
    return {
        "score": "rmse" if scores["task"] == "regression" else "accuracy",
        "folds": list(folds),
        "mean": float(np.mean(folds)),
        "std": float(np.std(folds, ddof=1)),
    }


# Figures.


def draw_figures(folder: RunFolder, recipe: Recipe, result: Result) -> list[Path]:
    """Draw what suits the task into the run's folder; returns the paths."""
    from glassnet import plots

    dataset, network = recipe.dataset, recipe.network
    figures: dict[str, Figure] = {}
    if result.history:
        figures["curves"] = plots.curves(_in_units(result.history, recipe))
    if dataset.test is not None:
        figures |= _test_figures(network, dataset, dataset.test, result, recipe.config.data.scale)
    if any(name.endswith(".weight") for name in network.parameters):
        with contextlib.suppress(ValueError):  # there is no picture of other layers than Dense
            figures["first_layer_weights"] = plots.first_layer_weights(network)
    return [
        plots.save(figure, folder.figures / f"{name}.png", overwrite=True)
        for name, figure in figures.items()
    ]


def _test_figures(
    network: Network, dataset: Dataset, test: Part, result: Result, scale: float | str
) -> dict[str, Figure]:
    from glassnet import plots

    if network.task == "regression":
        return {
            "predicted_vs_true": plots.predicted_vs_true(
                test.y, network.predict(test.x), dataset.target
            )
        }
    matrix = result.scores["confusion_matrix"]
    figures = {"confusion_matrix": plots.confusion_matrix(matrix, dataset.classes)}
    if plots.is_image(dataset.input_shape):
        images = test.x / np.float32(scale) if isinstance(scale, float) else test.x
        probabilities = network.predict_proba(test.x)
        figures["worst_mistakes"] = plots.worst_mistakes(
            images, test.y, probabilities, dataset.classes
        )
    return figures


def _in_units(history: Sequence[Mapping[str, float]], recipe: Recipe) -> list[dict[str, float]]:
    """The history with its RMSE in the target's units (left out where several targets share it)."""
    if recipe.units is None:
        return [dict(record) for record in history]
    records = [{k: v for k, v in record.items() if k != "val_rmse"} for record in history]
    if len(recipe.units.std) == 1:
        for record, raw in zip(records, history, strict=True):
            if "val_rmse" in raw:
                record["val_rmse"] = raw["val_rmse"] * float(recipe.units.std[0])
    return records


# The report.


def write_report(folder: RunFolder, recipe: Recipe, result: Result) -> dict[str, Any]:
    """Write report.md and report.json; returns what the latter holds."""
    facts = gather_facts(folder, recipe, result)
    write_atomically(folder.facts, json.dumps(facts, indent=2) + "\n", overwrite=True)
    write_atomically(folder.report, _markdown(folder, recipe, result, facts), overwrite=True)
    return facts


def gather_facts(folder: RunFolder, recipe: Recipe, result: Result) -> dict[str, Any]:
    """The whole result as JSON-able data."""
    from glassnet import __version__

    dataset, history = recipe.dataset, result.history
    facts: dict[str, Any] = {
        "run": str(folder.path),
        "model": str(folder.model),
        "data": {
            "source": recipe.config.data.source,
            "training_rows": len(recipe.train),
            "validation_rows": 0 if recipe.validation is None else len(recipe.validation),
            "test_rows": 0 if dataset.test is None else len(dataset.test),
        },
        "parameters": int(recipe.network.theta.size),
        "epochs": len(history),
        "interrupted": history.interrupted,
        "stopped": history.stopped,
        "last_epoch": dict(history[-1]) if history else None,
        "test": result.scores,
        "seconds": round(result.seconds, 3),
        "findings": [finding.to_dict() for finding in result.findings],
        "figures": [str(path) for path in result.figures],
        "versions": {
            "glassnet": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "system": f"{platform.system()} {platform.machine()}",
        },
    }
    if result.folds:
        facts["cross_validation"] = fold_summary(result.scores, result.folds)
    return facts


def describe_folds(facts: Mapping[str, Any]) -> str:
    """The cross-validation in a sentence.

    >>> describe_folds({"score": "accuracy", "folds": [0.9, 0.96], "mean": 0.93, "std": 0.0424})
    '2-fold cross-validation: accuracy 93.0 % ± 4.2 % (mean and standard deviation of the folds)'
    """
    mean, std = facts["mean"], facts["std"]
    if facts["score"] == "accuracy":
        shown = f"accuracy {mean:.1%} ± {std:.1%}".replace("%", " %")
    else:
        shown = f"RMSE {mean:.4g} ± {std:.2g}"
    count = len(facts["folds"])
    return f"{count}-fold cross-validation: {shown} (mean and standard deviation of the folds)"


def _markdown(folder: RunFolder, recipe: Recipe, result: Result, facts: Mapping[str, Any]) -> str:
    parts = [
        f"# {folder.path.name}",
        f"{_test_sentence(result)} `glassnet train {folder.config}` repeats this run.",
        "## Set-up",
        metrics.markdown_table(metrics.Table("", ["what", "how"], _setup(recipe, facts))).strip(),
        f"```text\n{recipe.network.summary()}\n```",
        metrics.markdown(result.scores).strip(),
    ]
    if result.findings:
        parts.append(f"## Findings\n\n{findings_as_markdown(result.findings)}".strip())
    if result.folds:
        parts.append(f"## Cross-validation\n\n{describe_folds(facts['cross_validation'])}.")
    if result.figures:
        parts.append("## Figures")
        parts.extend(_picture(path, folder) for path in result.figures)
    return "\n\n".join(parts) + "\n"


def _picture(path: Path, folder: RunFolder) -> str:
    title = path.stem.replace("_", " ")
    return f"![{title}]({path.relative_to(folder.path).as_posix()})"


def _test_sentence(result: Result) -> str:
    scores = result.scores
    if scores["task"] == "regression":
        return f"RMSE {scores['rmse']:.4g} on {scores['rows']:,} test rows."
    return f"Accuracy {scores['accuracy']:.2%} on {scores['rows']:,} test rows."


def _setup(recipe: Recipe, facts: Mapping[str, Any]) -> list[list[str]]:
    config, dataset = recipe.config, recipe.dataset
    training, rows = config.training, facts["data"]
    counts = f"{rows['training_rows']:,} training"
    if rows["validation_rows"]:
        counts += f" + {rows['validation_rows']:,} validation"
    counts += f" + {rows['test_rows']:,} test rows"
    held_out = "its own" if config.data.test is None else f"a share of {config.data.test:g}"
    table = [
        ["data", f"{dataset.name}: {counts} (test part: {held_out})"],
        ["target", ", ".join(dataset.target) or "–"],
        ["scaling of the inputs", describe_scale(config.data.scale)],
        ["missing values", {"refuse": "none", "impute": "filled in"}[config.data.missing]],
        ["loss", describe_spec(training.loss)],
        ["optimizer", describe_spec(training.optimizer)],
        ["schedule", describe_spec(training.schedule)],
        ["batch size", f"{training.batch_size}"],
        ["epochs", f"{facts['epochs']} of at most {training.epochs}"],
        ["ended early", facts["stopped"] or "no"],
        ["seed, dtype", f"{config.seed}, {config.network.dtype}"],
        ["seconds of training", f"{facts['seconds']:.1f}"],
        ["versions", ", ".join(f"{name} {v}" for name, v in facts["versions"].items())],
    ]
    if recipe.units is not None:
        units = (
            "training sees (target − mean) / standard deviation; history.jsonl is in those units"
        )
        table.insert(3, ["scaling of the target", units])
    return table


def describe_scale(scale: float | str) -> str:
    """The scaling of the inputs, in words.

    >>> describe_scale(255.0), describe_scale("none")
    ('divided by 255', 'none')
    """
    words = {"standard": "to mean 0 and standard deviation 1 (of the training rows)"}
    return f"divided by {scale:g}" if isinstance(scale, float) else words.get(scale, scale)


def describe_spec(spec: Mapping[str, Any] | None) -> str:
    """A part and its options, without those that do nothing."""
    options = {k: v for k, v in (spec or {}).items() if k != "name" and v not in (None, 0.0)}
    inside = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"{(spec or {}).get('name', '–')}({inside})"
