"""The pages that are kept beside the papers' files: of all claims, and of no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassnet import papers
from glassnet.metrics import Table, markdown_table

FOLDER = Path(papers.__file__).parent


def claims(name: str, link: bool) -> list[str]:
    """How the lines of a paper's claims begin, in the order of its files."""
    rows = [
        [f"[{name}]({name}/README.md)"] * link
        + [target.id, claim.text, claim.kind, claim.published or ""]
        for _, target in papers.load(name).targets()
        for claim in target.claims
    ]
    lines = markdown_table(Table("", [""] * len(rows[0]), rows)).strip().splitlines()
    return lines[2:]


@pytest.mark.parametrize("name", papers.PAPERS)
@pytest.mark.parametrize("page", ["overview", "report"])
def test_every_claim_has_its_line(name: str, page: str) -> None:
    is_overview = page == "overview"
    path = FOLDER / "README.md" if is_overview else FOLDER / name / "README.md"
    verdicts = ("✓ holds", "✓ confirmed", "○ ", "✗ does not hold, explained", "✗ refuted")
    lines = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| [{name}]" if is_overview else "| ")
        and any(line.removesuffix(" |").rpartition("| ")[2].startswith(v) for v in verdicts)
    ]
    expected = claims(name, is_overview)
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start)


def test_no_quick_run_is_published() -> None:
    for path in [FOLDER / "README.md", *FOLDER.glob("*/README.md")]:
        assert "quick run" not in path.read_text(encoding="utf-8").lower()
