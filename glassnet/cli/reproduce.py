"""`glassnet reproduce`: a paper's tables and figures, published beside reproduced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.errors import clean_errors

if TYPE_CHECKING:
    from rich.console import Console

    from glassnet.experiments.reproduce import Reproduction
    from glassnet.experiments.specification import Paper

app = typer.Typer(add_completion=False)

OUT, QUICK_OUT = Path("runs/papers"), Path("runs/papers-quick")


@app.command(
    epilog="Example: glassnet reproduce nasuti2023 --quick\n\n"
    "Example: glassnet reproduce nasuti2023/table-1\n\n"
    "Example: glassnet reproduce --all --compare torch,keras\n\n"
    "Example: glassnet reproduce nasuti2023 --copy mine; glassnet reproduce mine"
)
@clean_errors()
def reproduce(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PAPER|PAPER/TARGET]…",
            help="Papers, or single tables and figures of one; --list names them. Also a folder "
            "with a paper.toml, or the TOML file of an experiment of your own.",
            show_default=False,
        ),
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="List papers and targets, and stop.")
    ] = False,
    copy_to: Annotated[
        Path | None,
        typer.Option(
            "--copy",
            metavar="FOLDER",
            help="Copy one paper's files into a new folder, to change them, and stop.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All papers.")] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Fewer epochs, seeds or rows: shows that all of it runs."),
    ] = False,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Also train twins in torch, keras (by commas): same weights, same batches.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help=f"For reports and finished trainings. Default {OUT}, with --quick {QUICK_OUT}.",
            show_default=False,
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train again even what is kept from before.")
    ] = False,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Also write every training's curves for TensorBoard, into a new folder.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for programs.")
    ] = False,
) -> None:
    """Run the from-scratch papers again and write reports: published beside reproduced.

    Every finished training is kept, so a run that was broken off goes on where it was. The exit
    status is 0 if every exact, close and pattern claim holds (in a quick run: every one that is
    judged there), else 2.
    """
    from glassnet.papers import PAPERS, load

    if show_list:
        _list([load(name) for name in what or PAPERS], as_json)
        return
    if copy_to is not None:
        _copy(what or [], copy_to)
        return
    chosen = _chosen(what or [], everything, list(PAPERS))
    loaded = {name: load(name) for name in chosen}  # all mistakes are told before any training
    _check_reports(loaded)
    names = [name.strip() for name in (compare or "").split(",") if name.strip()]
    _check_frameworks(names)
    _check_events(tensorboard)
    target = out or (QUICK_OUT if quick else OUT)
    options: dict[str, Any] = {
        "quick": quick,
        "compare": names,
        "fresh": fresh,
        "events": tensorboard,
    }
    done = [_run(paper, target, chosen[name], options) for name, paper in loaded.items()]
    _show(done, target, as_json)
    if not all(reproduction.ok for reproduction in done):
        raise typer.Exit(2)


def _chosen(what: list[str], everything: bool, papers: list[str]) -> dict[str, list[str]]:
    """By paper the targets that were named; an empty list is all of them."""

    if everything and what:
        raise ValueError(f"--all is every paper; leave {', '.join(what)} out, or leave --all out.")
    if not everything and not what:
        raise ValueError("Name a paper or a target (glassnet reproduce --list), or say --all.")
    chosen: dict[str, list[str]] = {name: [] for name in papers} if everything else {}
    named = [_paper_and_target(text) for text in what]
    whole = {paper for paper, target in named if not target}
    for paper, target in named:
        chosen.setdefault(paper, [])
        if target and paper not in whole:
            chosen[paper].append(target)
    return chosen


def _paper_and_target(text: str) -> tuple[str, str]:
    """What was named: a whole paper, or one of its targets; `load` says if there is none."""
    from glassnet.papers import is_paper

    if is_paper(text) or text.endswith(".toml"):
        return text, ""
    paper, _, target = text.rpartition("/")
    return (paper, target) if is_paper(paper) else (text, "")


def _check_reports(loaded: dict[str, Paper]) -> None:
    """A report has its paper's name, so two of the same name would overwrite each other."""
    first: dict[str, str] = {}
    for name, paper in loaded.items():
        if first.setdefault(paper.id, name) != name:
            raise ValueError(
                f"{first[paper.id]} and {name} would both write the report {paper.id}: name one "
                "of them, or rename a folder."
            )


def _copy(what: list[str], folder: Path) -> None:
    from glassnet.papers import copy

    if len(what) != 1:
        raise ValueError(f"--copy copies one paper. Received: {', '.join(what) or 'none'}.")
    copy(what[0], folder)
    typer.echo(f"copied to {folder}: change its files, then run glassnet reproduce {folder}")


def _check_frameworks(names: list[str]) -> None:
    from glassnet.experiments.twins import twin_class

    for name in names:
        twin_class(name)  # says which there are, and what is not installed


def _check_events(folder: Path | None) -> None:
    from glassnet.experiments.events import event_writer, refuse_used

    if folder is not None:
        event_writer()  # says what is not installed
        refuse_used(folder)


def _run(paper: Paper, out: Path, only: list[str], options: dict[str, Any]) -> Reproduction:
    from glassnet.experiments import reproduce
    from glassnet.experiments.runner import CellProgress

    with CellProgress() as progress:
        return reproduce(paper, out, only=only, told=progress, **options)


def _list(papers: list[Paper], as_json: bool) -> None:
    targets = {p.id: [(t.id, t.title) for _, t in p.targets()] for p in papers}
    if as_json:
        typer.echo(json.dumps({name: dict(rows) for name, rows in targets.items()}, indent=2))
        return
    for paper in papers:
        typer.echo(f"{paper.id}: {paper.title} ({paper.authors})")
        width = max(len(name) for name, _ in targets[paper.id])
        for name, title in targets[paper.id]:
            typer.echo(f"  {name:<{width}}  {title}")


def _show(done: list[Reproduction], out: Path, as_json: bool) -> None:
    from rich.console import Console

    if as_json:
        typer.echo(json.dumps(_as_json(done), indent=2))
        return
    console = Console()
    for reproduction in done:
        _print_claims(reproduction, console)
        typer.echo(f"report    {reproduction.folder / 'index.html'}")
    typer.echo(f"overview  {out / 'index.html'}")


def _as_json(done: list[Reproduction]) -> dict[str, Any]:
    return {
        "ok": all(reproduction.ok for reproduction in done),
        "papers": [
            {
                "id": reproduction.facts["id"],
                "quick": reproduction.facts["quick"],
                "trained": reproduction.trained,
                "report": str(reproduction.folder / "index.html"),
                "targets": [
                    {"id": t["id"], "claims": t["claims"], "twins": t["twins"]}
                    for t in reproduction.facts["targets"]
                ],
            }
            for reproduction in done
        ],
    }


def _print_claims(reproduction: Reproduction, console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from glassnet.experiments.pages import marked

    facts = reproduction.facts
    quick = ", quick run" if facts["quick"] else ""
    table = Table(title=f"{facts['id']}{quick}", box=box.SIMPLE, title_justify="left")
    for name in ("target", "claim", "published", "reproduced", "verdict"):
        table.add_column(name)
    for target in facts["targets"]:
        for claim in target["claims"]:
            row = (target["id"], claim["text"], claim["published"], claim["found"])
            table.add_row(*map(Text, row), Text(marked(claim["verdict"])))
    console.print(table)
