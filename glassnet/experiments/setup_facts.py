"""An experiment's set-up in words, for the table that stands in its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glassnet.experiments.results import Record
from glassnet.experiments.specification import Experiment
from glassnet.runs.report import describe_scale, describe_spec


def setup_facts(experiment: Experiment, records: Sequence[Record]) -> list[list[str]]:
    """What and how, a pair a line, from the first cell's resolved set-up; empty without cells."""
    if not records:
        return []
    setup = records[0]["setup"]
    data, training = setup["data"], setup["training"]
    network, varied = setup["network"], _varied(experiment)
    scale = data["scale"] if isinstance(data["scale"], str) else float(data["scale"])
    facts = [
        ["data", _data(data)],
        ["scaling of the inputs", describe_scale(scale)],
        ["network", _network(network, records[0]["parameters"])],
        ["loss", describe_spec(training["loss"])],
        ["optimizer", describe_spec(training["optimizer"])],
        ["batch size, epochs", f"{training['batch_size']}, {training['epochs']}"],
        ["schedule", describe_spec(training["schedule"])],
    ]
    facts += [["phase", describe_phase(phase)] for phase in setup["phases"]]
    repetitions = 1 + max(record["repetition"] for record in records)
    start = f"; initial weights shared under the name {experiment.start!r}" * bool(experiment.start)
    facts += [
        ["repetitions", f"{repetitions}, seeds derived from names{start}"],
        ["arithmetic", network["dtype"]],
        *([["varied", "; ".join(varied)]] if varied else []),
    ]
    return facts


def _varied(experiment: Experiment) -> list[str]:
    return [
        f"{axis.title or name}: {', '.join(point.label for point in axis.points_list())}"
        for name, axis in experiment.axes.items()
    ]


def _data(data: Mapping[str, Any]) -> str:
    words = str(data["source"])
    for split in data["splits"]:
        size = f"{split['share']:g} of the rows" if "share" in split else f"{split['rows']} rows"
        words += f"; {split['part']}: {size} (random_state {split['random_state']})"
    if "rows" in data:
        words += f"; the first {data['rows']} training rows"
    if "test_rows" in data:
        words += f"; the first {data['test_rows']} test rows"
    return words


def _network(network: Mapping[str, Any], parameters: int) -> str:
    layers = network["layers"]
    if any(isinstance(layer, Mapping) for layer in layers):
        words = " → ".join(describe_spec(layer) for layer in layers)
    else:
        words = f"hidden layers {', '.join(map(str, layers)) or 'none'}"
        words += f", {describe_spec(network['activation'])}"
        if "output_activation" in network:
            words += f", output {describe_spec(network['output_activation'])}"
        words += ", batch norm" * network["batch_norm"]
        words += f", dropout {network['dropout']:g}" if network["dropout"] else ""
        if "init" in network:
            words += f"; start {describe_spec(network['init'])}"
    return f"{words}; {parameters:,} parameters"


def describe_phase(phase: Mapping[str, Any]) -> str:
    """A phase in words.

    >>> describe_phase({"start": 25, "batch_size": 50})
    'from epoch 26: batch_size 50'
    """
    rest = ", ".join(f"{key} {value}" for key, value in phase.items() if key != "start")
    return f"from epoch {phase.get('start', 0) + 1}: {rest}"
