"""A paper from its TOML to its report: train what is not kept, judge, draw, write.

OUT/cells/…                 every finished training, kept by its digest
OUT/<paper>/index.html      self-contained; README.md and results.json beside it
OUT/<paper>/figures/        each as PNG and SVG
OUT/index.html, README.md   over all papers in OUT
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet import plots
from glassnet.experiments import pages
from glassnet.experiments.cells import Cell, expand
from glassnet.experiments.drawing import Canvas, Drawing, Training
from glassnet.experiments.events import write_events
from glassnet.experiments.judging import judge, table_facts
from glassnet.experiments.results import Record, Results
from glassnet.experiments.rows import Rows
from glassnet.experiments.runner import Runner, Store, Told
from glassnet.experiments.setup_facts import setup_facts
from glassnet.experiments.specification import Experiment, Paper, Target, load_single, needs
from glassnet.experiments.work import versions
from glassnet.files import write_atomically
from glassnet.registry import did_you_mean

if TYPE_CHECKING:
    from glassnet.experiments.twins import TwinHistories


@dataclass
class Reproduction:
    """What `reproduce` did.

    Attributes:
        facts: of the paper and its targets, what results.json holds.
        trained: how many trainings were run, not found.
        folder: of the report.
    """

    facts: dict[str, Any]
    trained: int
    folder: Path

    @property
    def claims(self) -> list[dict[str, Any]]:
        """The facts of all claims that were judged now."""
        return [claim for target in self.facts["targets"] for claim in target["claims"]]

    @property
    def ok(self) -> bool:
        """Whether every exact, close and pattern claim holds, or why it can't is explained."""
        return all(claim["ok"] for claim in self.claims)


def reproduce(
    paper: Paper,
    out: Path,
    *,
    only: Collection[str] = (),
    quick: bool = False,
    compare: Sequence[str] = (),
    told: Told | None = None,
    fresh: bool = False,
    threads: int = 0,
    events: Path | None = None,
) -> Reproduction:
    """Run a paper's experiments and write its report.

    Arguments:
        paper: see `glassnet.papers.load`.
        out: the folder for cells and reports; what is kept there is not trained again.
        only: ids of targets; all of them by default. The report keeps the others' earlier results.
        quick: the cut-down run that the files describe.
        compare: "torch", "keras": train the cells named by `twins` in those as well.
        told: told of progress.
        fresh: train again even what is kept.
        threads: trainings at a time; the number of cores by default.
        events: a folder for TensorBoard's events of all trainings; none by default.

    Raises:
        ValueError: for an unknown target, data that are not there, or a claim that asks for what
            was not recorded.
    """
    chosen = _choose(paper, only)
    names = {e.id for e, _ in chosen} | {name for _, target in chosen for name in needs(target)}
    names |= {b.experiment for e in paper.experiments if e.id in names for b in e.borrowed}
    experiments = [e for e in paper.experiments if e.id in names or not only]
    cells = {e.id: expand(e, quick) for e in experiments}
    runner = Runner(Store(out / "cells"), told, paper_parts(paper.origin), fresh, threads)
    flat = [cell for cells_of_one in cells.values() for cell in cells_of_one]
    trained = iter(runner.run(flat))
    records = {name: [next(trained) for _ in own] for name, own in cells.items()}
    if events is not None:
        write_events((record for own in records.values() for record in own), events)
    all_results: dict[str, Results] = {}
    for experiment in experiments:
        every = _with_borrowed(experiment, records)
        all_results[experiment.id] = Results(experiment, every, all_results, quick=quick)
    twins = _train_twins(experiments, cells, all_results, runner, compare) if compare else {}
    facts = paper_facts(paper, quick)
    for experiment, target in chosen:
        results = all_results[experiment.id]
        try:
            drawn = _draw(target, all_results, results, cells, runner, twins, out / paper.id)
        except ValueError as error:
            raise ValueError(f"{paper.id}/{target.id}, figures: {error}") from None
        facts["targets"].append(_target_facts(target, results, drawn, twins.get(experiment.id, {})))
    folder = out / paper.id
    _write(folder, facts, [target.id for _, target in paper.targets()])
    pages.write_index(out)
    return Reproduction(facts, runner.trained, folder)


def run(path: str | Path, out: str | Path = "runs/experiments", **options: Any) -> Reproduction:
    """Run the experiment of a TOML file and write its report.

    Arguments:
        path: the file; `glassnet/papers/FORMAT.md` describes it.
        out: the folder for cells and report.
        options: see `reproduce`.

    Example:
        >>> import tempfile, glassnet as gn
        >>> folder = Path(tempfile.mkdtemp())
        >>> text = '''
        ... title = "Rates on iris"
        ... seeds = 2
        ... data = { source = "iris", splits = [{ part = "test", share = 0.2 }] }
        ... network.layers = [8]
        ... training.epochs = 3
        ... axes.rate = { key = "training.learning_rate", values = [0.001, 0.1] }
        ... [[targets]]
        ... id = "rates"
        ... title = "Which rate is better"
        ... [[targets.claims]]
        ... kind = "pattern"
        ... text = "0.1 is better"
        ... check = { name = "largest_at", along = "rate", point = 0.1 }
        ... '''
        >>> _ = (folder / "rates.toml").write_text(text)
        >>> done = gn.experiments.run(folder / "rates.toml", folder / "out")
        >>> done.trained, done.claims[0]["verdict"]
        (4, 'holds')
    """
    return reproduce(load_single(Path(path)), Path(out), **options)


def _choose(paper: Paper, only: Collection[str]) -> list[tuple[Experiment, Target]]:
    known = [target.id for _, target in paper.targets()]
    for name in only:
        if name not in known:
            raise ValueError(
                f"{paper.id} has no target {name!r}.{did_you_mean(name, known)} "
                f"Its targets: {', '.join(known)}."
            )
    return [(e, target) for e, target in paper.targets() if not only or target.id in only]


def _with_borrowed(experiment: Experiment, records: Mapping[str, list[Record]]) -> list[Record]:
    """An experiment's records with those that it borrows, in the order of its axes."""
    found = list(records[experiment.id])
    for borrowed in experiment.borrowed:
        labels = {axis: borrowed.cell[axis] for axis in experiment.axes}
        found += [
            {**record, "cell": labels}
            for record in records.get(borrowed.experiment, [])
            if borrowed.their.items() <= record["cell"].items()
        ]
    places = {
        name: [point.label for point in axis.points_list()]
        for name, axis in experiment.axes.items()
    }
    return sorted(found, key=lambda r: [places[a].index(r["cell"][a]) for a in places])


def paper_parts(paper: str) -> dict[str, str]:
    """The source of a paper's own parts by its name, which counts in the cells' digests."""
    from glassnet.papers import parts_source

    source = parts_source(paper)
    return {paper: source} if source else {}


def _train_twins(
    experiments: Sequence[Experiment],
    cells: Mapping[str, list[Cell]],
    results: Mapping[str, Results],
    runner: Runner,
    compare: Sequence[str],
) -> dict[str, TwinHistories]:
    """By experiment and cell, what the other frameworks made of the same start and batches."""
    from glassnet.experiments.twins import train_twins

    found: dict[str, TwinHistories] = {}
    for experiment in experiments:
        wanted = [
            cell
            for cell in cells[experiment.id]
            if cell.repetition == 0 and any(map(cell.lies_at, experiment.twins))
        ]
        for cell in wanted:
            ours = results[experiment.id].repetitions(dict(cell.labels))[0]
            twins = train_twins(cell, runner, ours, compare)
            found.setdefault(experiment.id, {})[tuple(cell.labels.items())] = twins
    return found


# Facts: what the report is made of.


def paper_facts(paper: Paper, quick: bool) -> dict[str, Any]:
    """A paper without its targets."""
    keys = ("id", "copy_of", "title", "authors", "year", "text", "inferred", "unknown", "remarks")
    facts = {key: getattr(paper, key) for key in keys}
    return {**facts, "quick": quick, "versions": versions(), "targets": []}


def _target_facts(
    target: Target, results: Results, figures: list[dict[str, str]], twins: TwinHistories
) -> dict[str, Any]:
    experiment = results.experiment
    name = f"{experiment.paper}/{experiment.id}" if experiment.paper else experiment.id
    own = [record for record in results.records if record["experiment"] == name]
    return {
        "id": target.id,
        "title": target.title,
        "where": target.where,
        "text": target.text,
        "experiment": experiment.id,
        "experiment_title": experiment.title,
        "experiment_text": experiment.text,
        "quick": results.quick,
        "setup": setup_facts(experiment, results.records),
        "seconds": sum(record["seconds"] for record in own),
        "trainings": len(own),
        "table": table_facts(target, results),
        "claims": [judged.facts() for judged in judge(target, results)],
        "figures": figures,
        "twins": [
            {"cell": dict(cell), "name": name, **{k: v for k, v in twin.items() if k != "history"}}
            for cell, by_name in twins.items()
            for name, twin in by_name.items()
            if any(_draws(drawing, dict(cell)) for drawing in target.figures)
        ],
    }


def _draws(drawing: Drawing, cell: Mapping[str, str]) -> bool:
    """Whether a figure shows the training of this cell, and so that of its twins."""
    return isinstance(drawing, Training) and drawing.cell.items() <= cell.items()


def _draw(
    target: Target,
    all_results: Mapping[str, Results],
    own: Results,
    cells: Mapping[str, list[Cell]],
    runner: Runner,
    twins: Mapping[str, TwinHistories],
    folder: Path,
) -> list[dict[str, str]]:
    """Draw a target's figures as PNG and SVG; returns where, and what stands beside them."""
    facts = []
    for number, drawing in enumerate(target.figures, start=1):
        results = all_results[drawing.experiment or own.experiment.id].under(target.measure)
        name = results.experiment.id

        def rows(name: str = name) -> Rows:
            if not cells[name]:
                return _untrained_rows(all_results[name].experiment)
            return runner.rows(cells[name][0])

        figure = drawing.draw(Canvas(results, rows, twins.get(name, {})))
        if drawing.title:
            figure.suptitle(drawing.title, fontsize=11)
        stem = target.id if len(target.figures) == 1 else f"{target.id}-{number}"
        for kind in ("png", "svg"):
            plots.save(figure, folder / "figures" / f"{stem}.{kind}", overwrite=True)
        facts.append(_figure_facts(drawing, stem))
    return facts


def _figure_facts(drawing: Drawing, stem: str) -> dict[str, str]:
    return {
        "stem": stem,
        "title": drawing.title,
        "caption": drawing.caption,
        "where": drawing.where,
    }


def _untrained_rows(experiment: Experiment) -> Rows:
    """The rows of an experiment that trains nothing but shows data."""
    from glassnet.experiments.rows import load_rows
    from glassnet.experiments.specification import Setup, read_section

    return load_rows(read_section(Setup, experiment.setup))


def _write(folder: Path, facts: dict[str, Any], order: Sequence[str]) -> None:
    """Write the paper's pages, with the results that other targets have had before."""
    path = folder / "results.json"
    before = pages.read_results(path) or {"targets": []}
    earlier = {target["id"]: target for target in before["targets"]}
    now = {target["id"]: target for target in facts["targets"]}
    everything = {**earlier, **now}
    whole = {**facts, "targets": [everything[name] for name in order if name in everything]}
    write_atomically(path, json.dumps(whole, indent=1) + "\n", overwrite=True)
    pages.write_paper(folder, whole)
