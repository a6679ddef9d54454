"""The documentation that a report becomes, and the one that is kept with the project."""

from pathlib import Path

import pytest
from bench.reports import a_report, points

from glassnet.bench import pages
from glassnet.bench.results import read_report

ROOT = Path(__file__).parents[2]
SCALING = points("rows", (1_000, 1.0, 2.0), (2_000, 2.0, 4.0))
MARKED = f"# Title\n\n{pages.BEGIN}\nearlier\n{pages.END}\n\nMore.\n"


def test_the_page_says_what_was_found():
    page = pages.benchmarks_page(a_report(), notes="By hand.")
    assert "1 of 2 targets met" in page
    line = "| tiny | PyTorch | 100× | 50.0× to 200× | ≥ 60× | yes | 2.00 µs | 200 µs | best |"
    assert line in page
    assert "| ≤ 1.3× | no | 3.00 ms | 2.00 ms |" in page
    assert "agree within 2e-07" in page
    assert "jax skipped: not installed: jax" in page
    assert "\n\nBy hand.\n\n" in page


def test_a_quick_page_says_so():
    assert "A quick run" in pages.benchmarks_page(a_report(quick=True))
    assert "A quick run" not in pages.benchmarks_page(a_report())


def test_ratios_are_bold_where_ours_is_ahead():
    found = a_report()
    tiny, floor = found.workloads
    slower = {"ratio": 0.8204, "title": "JAX", "against": "jax"}
    tiny.comparisons.append(type(tiny.comparisons[0])(**{**vars(tiny.comparisons[0]), **slower}))
    assert pages.ratio_table(found).splitlines() == [
        "|  | PyTorch | JAX |",
        "| --- | --: | --: |",
        "| train 4-16-3 on iris, batch 16 | **100×** | 0.82× |",
    ]
    assert floor.name not in pages.readme_block(found)  # the floor is nobody's library
    assert "glassnet is ahead in 1 of 2 comparisons" in pages.readme_block(found)


def test_every_part_gets_its_page(tmp_path):
    (tmp_path / "benchmarks-notes.md").write_text("By hand.")
    (tmp_path / "scaling-notes.md").write_text("Because of caches.")
    written = pages.write_docs(a_report(scaling=SCALING), tmp_path)
    names = ["benchmarks.md", "scaling.md", "benchmarks.svg", "scaling.svg"]
    assert [path.name for path in written] == names
    assert "By hand." in (tmp_path / "benchmarks.md").read_text()
    assert "Because of caches." in (tmp_path / "scaling.md").read_text()
    assert (
        "| rows | 2,000 | 2.00 s | 4.00 s | best | 2.00× | 1.00 | 1.00 | 100% |"
        in (tmp_path / "scaling.md").read_text()
    )


def test_docs_are_not_replaced_unasked(tmp_path):
    (tmp_path / "scaling.md").write_text("precious")
    found = a_report(scaling=SCALING)
    with pytest.raises(ValueError, match=r"scaling\.md exists already"):
        pages.write_docs(found, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["scaling.md"]
    pages.write_docs(found, tmp_path, overwrite=True)
    assert "precious" not in (tmp_path / "scaling.md").read_text()


def test_only_what_is_between_the_marks_changes(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(MARKED)
    with pytest.raises(ValueError, match="exists already"):
        pages.write_readme(a_report(), readme)
    pages.write_readme(a_report(), readme, overwrite=True)
    once = readme.read_text()
    assert once.startswith("# Title\n\n")
    assert once.endswith(f"{pages.END}\n\nMore.\n")
    assert "earlier" not in once
    pages.write_readme(a_report(), readme, overwrite=True)
    assert readme.read_text() == once


@pytest.mark.parametrize("text", [None, "", pages.BEGIN, f"{pages.END}{pages.BEGIN}"])
def test_a_file_without_marks_is_refused(tmp_path, text):
    readme = tmp_path / "README.md"
    if text is not None:
        readme.write_text(text)
    with pytest.raises(ValueError, match="has no place for the table"):
        pages.write_readme(a_report(), readme, overwrite=True)


# What the project's own pages say comes from its own figures.

WRITE_AGAIN = (
    "write it again: glassnet bench --from docs/benchmarks.json --docs docs --readme README.md "
    "--force"
)


@pytest.fixture(scope="module")
def measured():
    return read_report(ROOT / "docs" / "benchmarks.json")


@pytest.mark.parametrize(
    ("name", "page"),
    [(pages.BENCHMARKS, pages.benchmarks_page), (pages.SCALING, pages.scaling_page)],
)
def test_pages_are_what_the_figures_give(measured, name, page):
    docs = ROOT / "docs"
    if name == pages.SCALING and not measured.scaling:
        pytest.skip("docs/benchmarks.json has no scaling")
    expected = page(measured, pages.read_notes(docs, name))
    assert (docs / f"{name}.md").read_text("utf-8") == expected, WRITE_AGAIN


def test_the_readme_has_what_the_figures_give(measured):
    assert pages.readme_block(measured) in (ROOT / "README.md").read_text("utf-8"), WRITE_AGAIN
