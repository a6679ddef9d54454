"""`glassnet doctor`: what it says of runs, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SICK = ("--optimizer", "sgd", "--lr", "50", "--layers", "32", "--epochs", "4")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table whose second column never changes."""
    lines = ["a,b,c,kind"]
    lines += [f"{i % 7},1,{(i * 37) % 11},{'yes' if i % 7 > 3 else 'no'}" for i in range(120)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_run_on_ones_own_table(cli: Any, table: Path) -> None:
    ran = cli("train", table, "--target", "kind", "--epochs", 30, "--out", "run")
    assert ran.code == 0, ran.err
    ran = cli("doctor", "run")
    assert ran.code == 0, ran.out
    assert "note: constant-features" in ran.out
    assert "column 'b'" in ran.out
    assert "‖ΔW‖ / ‖W‖" in ran.out


def test_a_sick_run_and_its_pages(cli: Any) -> None:
    ran = cli("train", "digits", *SICK, "--out", "run")
    assert ran.code == 0, ran.err
    assert "see glassnet doctor run" in ran.out
    assert "· doctor: " in ran.err
    assert "## Findings" in Path("run/report.md").read_text()
    ran = cli("doctor", "run", "--json", "--html", "run.html", "--markdown", "run.md")
    assert ran.code == 3
    found = ran.json
    assert found == json.loads(Path("run/report.json").read_text())["findings"]
    assert found[0]["severity"] == "error"
    assert "<svg" in Path("run.html").read_text()
    assert Path("run.md").read_text().startswith("# What the doctor found")


def test_a_run_that_broke_down_in_its_first_epoch(cli: Any) -> None:
    ran = cli("train", "digits", "--optimizer", "sgd", "--lr", "1e30", "--out", "run")
    assert ran.code == 1
    assert "Lower the learning rate" in ran.err
    assert "glassnet doctor run" in ran.err
    assert not Path("run/checkpoint.safetensors").exists()
    ran = cli("doctor", "run")
    assert ran.code == 3
    assert "error: not-finite" in ran.out
    assert "layers.dense.dense_forward" in ran.out


def test_bad_input(cli: Any, refused: Any) -> None:
    assert "no run folder" in refused("doctor", "nowhere")
    assert cli("train", "iris", "--epochs", 1, "--out", "run").code == 0
    assert "no threshold 'x'" in refused("doctor", "run", "--threshold", "x=1")
    assert "dead_share=0.7" in refused("doctor", "run", "--threshold", "dead_share")
    assert "'dead_share=nan'" in refused("doctor", "run", "--threshold", "dead_share=nan")
    Path("page.html").write_text("mine")
    pages = ("--html", "new.html", "--markdown", "page.html")
    assert "--force" in refused("doctor", "run", *pages)
    assert not Path("new.html").exists()
    Path("run/doctor.json").unlink()
    assert "Train it again" in refused("doctor", "run")


def test_a_run_that_goes_on_keeps_its_record(cli: Any) -> None:
    assert cli("train", "iris", "--epochs", 4, "--out", "run").code == 0
    assert cli("train", "--resume", "run", "--epochs", 8).code == 0
    moments = json.loads(Path("run/doctor.json").read_text())["moments"]
    assert [moment["epoch"] for moment in moments] == [0, 1, 2, 3, 4, 6, 8]
