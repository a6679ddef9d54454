"""Reports as pages: one self-contained HTML page and one Markdown a paper, and an index of both."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from glassnet.callbacks.progress import clock
from glassnet.files import write_atomically
from glassnet.metrics import Table, markdown_table

LARGEST_SVG = 300_000
"""Bytes up to which a page holds a figure as SVG; larger ones it holds as PNG."""

MARKS = {"holds": "✓", "confirmed": "✓", "does not hold": "✗", "refuted": "✗"}
"""Signs before a verdict, so that it is read without colour; others have a circle."""

STYLE = """
:root { --ink: #1a1a1a; --soft: #5a5a5a; --line: #d9d9d9; --bad: #9c2f00; --good: #00507f; }
* { box-sizing: border-box; }
body { font: 16px/1.55 Georgia, "Times New Roman", serif; color: var(--ink); background: #fff;
  max-width: 66rem; margin: 2.5rem auto 5rem; padding: 0 1.25rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .4rem; border-top: 1px solid var(--line);
  padding-top: 1.4rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
a { color: var(--good); }
.soft { color: var(--soft); }
.banner { border: 2px solid var(--ink); padding: .5rem .9rem; margin: 1.2rem 0; font-weight: bold; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0 1.2rem; font: 13.5px/1.4 system-ui, sans-serif; }
th { text-align: left; border-bottom: 2px solid var(--ink); padding: .3rem .7rem .3rem 0;
  vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: .35rem .7rem .35rem 0; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
td.verdict { font-weight: 600; min-width: 6.5rem; }
.ok { color: var(--good); } .bad { color: var(--bad); }
.detail { color: var(--soft); font-size: 13px; }
figure { margin: 1.4rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption { font: 14px/1.45 system-ui, sans-serif; color: var(--soft); max-width: 46rem; }
summary { cursor: pointer; font: 14px system-ui, sans-serif; color: var(--soft); }
code { font-size: .9em; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; } }
"""


def write_paper(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write index.html and README.md of a paper from its facts."""
    write_atomically(folder / "index.html", paper_html(facts, folder), overwrite=True)
    write_atomically(folder / "README.md", paper_markdown(facts), overwrite=True)


def write_index(out: Path) -> None:
    """Write the pages over all papers whose results are in a folder."""
    kept = [read_results(path) for path in sorted(out.glob("*/results.json"))]
    found = [facts for facts in kept if facts is not None]
    write_atomically(out / "index.html", index_html(found), overwrite=True)
    write_atomically(out / "README.md", index_markdown(found), overwrite=True)


def read_results(path: Path) -> dict[str, Any] | None:
    """The facts of a paper that were written before; None if there are none that can be read.

    A sweep, for one, has a results.json too.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_paper = isinstance(facts, dict) and isinstance(facts.get("targets"), list)
    return facts if is_paper else None


# HTML.


def paper_html(facts: Mapping[str, Any], folder: Path) -> str:
    """A paper's page, with its figures inside."""
    parts = [
        f"<h1>{_text(facts['title'])}</h1>",
        f"<p class='soft'>{_text(_byline(facts))}</p>",
        _quick_banner(facts["quick"]),
        f"<p>{_text(facts['text'])}</p>" if facts["text"] else "",
        _sentences("What was inferred", facts["inferred"]),
        _sentences("What can't be known", facts["unknown"]),
        _sentences("Slips", facts["remarks"]),
        "<h3>Targets</h3>",
        _overview_html(facts),
        *(_target_html(target, folder, facts["quick"]) for target in facts["targets"]),
        f"<p class='soft'>{_text(_footer(facts))}</p>",
    ]
    return _page(facts["title"], parts)


def index_html(papers: Iterable[Mapping[str, Any]]) -> str:
    """The page over all papers."""
    parts = ["<h1>Papers, run again</h1>", f"<p>{_text(INDEX_WORDS)}</p>"]
    for facts in papers:
        parts.append(
            f"<h2><a href='{quote(facts['id'])}/index.html'>{_text(facts['title'])}</a></h2>"
            f"<p class='soft'>{_text(_byline(facts))}</p>"
            f"{_quick_banner(facts['quick'])}{_overview_html(facts)}"
        )
    return _page("Papers, run again", parts)


INDEX_WORDS = (
    "Each line is a statement of a paper: what is printed there, what came out here as mean ± "
    "standard deviation over the repetitions, and whether the statement holds."
)


def _page(title: str, parts: Iterable[str]) -> str:
    body = "\n".join(part for part in parts if part)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _text(text: object) -> str:
    return html.escape(str(text))


def _sentences(title: str, sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(sentence)}</li>" for sentence in sentences)
    return f"<h3>{title}</h3><ul>{items}</ul>" if items else ""


def _quick_banner(quick: bool) -> str:
    return f"<p class='banner'>{QUICK}</p>" if quick else ""


QUICK = (
    "A quick run: fewer epochs, repetitions or rows than the paper. Its figures show that all of "
    "it runs; they are not the reproduction."
)


def _overview_html(facts: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td>{_text(target)}</td><td>{_text(claim['text'])}</td><td>{claim['kind']}</td>"
        f"<td>{_text(claim['published'])}</td><td>{_text(claim['found'])}</td>{_verdict(claim)}</tr>"
        for target, claim in _claims(facts)
    ]
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    return f"<div class='scroll'><table><tr>{head}</tr>{''.join(rows)}</table></div>"


HEAD = ("target", "claim", "kind", "published", "reproduced", "verdict")


def _claims(facts: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for target in facts["targets"]:
        for claim in target["claims"]:
            yield target["id"], claim


def _verdict(claim: Mapping[str, Any]) -> str:
    tone = "" if not claim["counts"] else "ok" if claim["ok"] else "bad"
    return f"<td class='verdict {tone}'>{_text(marked(claim['verdict']))}</td>"


def marked(verdict: str) -> str:
    """A verdict with its sign.

    >>> marked("holds"), marked("does not hold, explained"), marked("shown")
    ('✓ holds', '✗ does not hold, explained', '○ shown')
    """
    return f"{MARKS.get(verdict.split(',')[0], '○')} {verdict}"


def _target_html(target: Mapping[str, Any], folder: Path, page_is_quick: bool) -> str:
    parts = [
        f"<h2 id='{target['id']}'>{_text(target['title'])}</h2>",
        f"<p class='soft'>{_text(_target_line(target))}</p>",
        _quick_banner(target["quick"] and not page_is_quick),
        f"<p>{_text(target['text'])}</p>" if target["text"] else "",
        _table_html(target["table"]) if target["table"] else "",
        _claims_html(target["claims"]),
        *(_figure_html(figure, folder) for figure in target["figures"]),
        _twins_html(target["twins"]),
        _setup_html(target),
    ]
    return "\n".join(part for part in parts if part)


def _table_html(table: Mapping[str, Any]) -> str:
    printed = _has_printed(table)
    span = 2 if printed else 1
    top = "".join(f"<th class='number' colspan='{span}'>{_text(c)}</th>" for c in table["columns"])
    head = f"<tr><th>{_text(table['row_title'])}</th>{top}</tr>"
    if printed:
        pair = "<th class='number'>published</th><th class='number'>reproduced</th>"
        head += f"<tr><th></th>{pair * len(table['columns'])}</tr>"
    rows = []
    for row in table["rows"]:
        cells = [f"<td>{_text(row['label'])}</td>"]
        for entry in row["entries"]:
            values = [entry["published"], entry["found"]] if printed else [entry["found"]]
            cells += [f"<td class='number'>{_text(value)}</td>" for value in values]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<div class='scroll'><table>{head}{''.join(rows)}</table></div>"


def _has_printed(table: Mapping[str, Any]) -> bool:
    return any(entry["published"] for row in table["rows"] for entry in row["entries"])


def _claims_html(claims: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for claim in claims:
        notes = "".join(
            f"<div class='detail'>{_text(note)}</div>"
            for note in (claim["detail"], claim["explained"])
            if note
        )
        where = f" <span class='soft'>({_text(claim['where'])})</span>" if claim["where"] else ""
        rows.append(
            f"<tr><td>{claim['kind']}</td><td>{_text(claim['text'])}{where}{notes}</td>"
            f"<td>{_text(claim['published'])}</td><td>{_text(claim['found'])}</td>"
            f"{_verdict(claim)}</tr>"
        )
    if not rows:
        return ""
    names = "".join(f"<th>{name}</th>" for name in ("kind", "claim", *HEAD[3:]))
    return f"<div class='scroll'><table><tr>{names}</tr>{''.join(rows)}</table></div>"


def _figure_html(figure: Mapping[str, str], folder: Path) -> str:
    svg = folder / "figures" / f"{figure['stem']}.svg"
    png = svg.with_suffix(".png")
    if not png.is_file():
        return ""
    as_svg = svg.is_file() and svg.stat().st_size <= LARGEST_SVG
    content = base64.b64encode((svg if as_svg else png).read_bytes()).decode()
    kind = "svg+xml" if as_svg else "png"
    title = _text(figure["title"] or figure["caption"] or figure["stem"])
    return (
        f"<figure><img alt='{title}' src='data:image/{kind};base64,{content}'>"
        f"<figcaption>{_text(_caption(figure))}</figcaption></figure>"
    )


def _caption(figure: Mapping[str, str]) -> str:
    where = f"{figure['where']}. " if figure["where"] else ""
    return f"{where}{figure['caption'] or figure['title']}"


def _twins_html(twins: Iterable[Mapping[str, Any]]) -> str:
    items = "".join(f"<li>{_text(_twin_line(twin))}</li>" for twin in twins)
    return f"<h3>Beside other frameworks</h3><ul>{items}</ul>" if items else ""


def _twin_line(twin: Mapping[str, Any]) -> str:
    cell = ", ".join(f"{axis} {label}" for axis, label in twin["cell"].items())
    return (
        f"{twin['framework']}{f', {cell}' if cell else ''}: same initial weights and batches; the "
        f"largest difference in loss is {twin['largest_difference']:.2g} "
        f"(in epoch {twin['at_epoch']}), {twin['relative_difference']:.2g} of the loss there."
        + " Each drew dropout masks of its own."
        * bool(twin.get("own_masks"))
    )


def _setup_html(target: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_text(what)}</td><td>{_text(how)}</td></tr>" for what, how in target["setup"]
    )
    if not rows:
        return ""
    return f"<details><summary>Set-up</summary><table>{rows}</table></details>"


# Markdown.


def paper_markdown(facts: Mapping[str, Any], figures: bool = True) -> str:
    """A paper's report as Markdown, with its figures or with the command that draws them."""
    parts = [f"# {facts['title']}", _byline(facts)]
    if facts["quick"]:
        parts.append(f"**{QUICK}**")
    parts.append(facts["text"])
    for title, key in (
        ("What was inferred", "inferred"),
        ("What can't be known", "unknown"),
        ("Slips", "remarks"),
    ):
        if facts[key]:
            parts += [f"## {title}", "\n".join(f"- {sentence}" for sentence in facts[key])]
    parts += ["## Targets", _overview_markdown([facts])]
    if not figures:
        parts.append(f"`glassnet reproduce {facts['id']}` also draws the figures.")
    for target in facts["targets"]:
        parts += _target_markdown(target, figures)
    parts.append(_footer(facts))
    return "\n\n".join(part for part in parts if part) + "\n"


def index_markdown(papers: Iterable[Mapping[str, Any]]) -> str:
    """The table over all papers, which is what `glassnet/papers/README.md` holds."""
    papers = list(papers)
    parts = ["# Papers, run again", INDEX_WORDS]
    if any(facts["quick"] for facts in papers):
        parts.append(f"**{QUICK}**")
    parts += [
        "`glassnet reproduce --all` writes this page, and a report with figures for each paper.",
        _overview_markdown(papers, with_paper=True),
    ]
    return "\n\n".join(parts) + "\n"


def _overview_markdown(papers: Iterable[Mapping[str, Any]], with_paper: bool = False) -> str:
    head = ["paper"] * with_paper + list(HEAD)
    rows = [
        [f"[{facts['id']}]({facts['id']}/README.md)"] * with_paper
        + [target, claim["text"], claim["kind"], claim["published"], claim["found"]]
        + [marked(claim["verdict"])]
        for facts in papers
        for target, claim in _claims(facts)
    ]
    return markdown_table(Table("", head, rows)).strip()


def _target_markdown(target: Mapping[str, Any], figures: bool) -> list[str]:
    parts = [f"## {target['title']}", f"*{_target_line(target)}*", target["text"]]
    if target["table"]:
        parts.append(_table_markdown(target["table"]))
    for claim in target["claims"]:
        notes = ". ".join(note for note in (claim["detail"], claim["explained"]) if note)
        line = f"- **{marked(claim['verdict'])}**: {claim['text']}"
        parts.append(f"{line}  \n  {notes}" if notes else line)
    for figure in target["figures"] if figures else ():
        title = figure["title"] or target["title"]
        parts.append(f"![{title}](figures/{figure['stem']}.png)\n\n{_caption(figure)}")
    parts += [f"- {_twin_line(twin)}" for twin in target["twins"]]
    if target["setup"]:
        parts.append(markdown_table(Table("", ["set-up", ""], target["setup"])).strip())
    return parts


def _table_markdown(table: Mapping[str, Any]) -> str:
    printed = _has_printed(table)
    head = [table["row_title"]]
    for column in table["columns"]:
        head += [f"{column}: published", f"{column}: reproduced"] if printed else [column]
    rows = []
    for row in table["rows"]:
        values = [row["label"]]
        for entry in row["entries"]:
            values += [entry["published"], entry["found"]] if printed else [entry["found"]]
        rows.append(values)
    return markdown_table(Table("", head, rows)).strip()


# Both.


def _byline(facts: Mapping[str, Any]) -> str:
    original = facts.get("copy_of")
    varied = f"{facts['id']}, a variation of {original}" if original else ""
    return ", ".join(part for part in (varied, facts["authors"], facts["year"]) if part)


def _target_line(target: Mapping[str, Any]) -> str:
    words = [target["where"], f"{target['trainings']} trainings" * bool(target["trainings"])]
    if target["seconds"]:
        words.append(f"{clock(target['seconds'])} of training time")
    words.append(f"experiment {target['experiment']}")
    return " · ".join(word for word in words if word)


def _footer(facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"`glassnet reproduce {facts['id']}` writes this page. {versions}."
