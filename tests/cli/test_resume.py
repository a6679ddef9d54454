"""Ctrl-C, `--resume`, and what is left when a run breaks off."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("without_figures")

OPTIONS = (
    "--layers",
    "32",
    "--dropout",
    "0.2",
    "--batch-norm",
    "--schedule",
    "exponential:decay=0.9",
)


def history(run: Path) -> list[dict[str, float]]:
    """The records of a run, without the time that they took."""
    records = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def same(first: Path, second: Path) -> bool:
    model = "model.safetensors"
    return history(first) == history(second) and (
        (first / model).read_bytes() == (second / model).read_bytes()
    )


@pytest.mark.parametrize("more", [(), ("--patience", "50"), ("--checkpoint-every", "4")])
def test_a_resumed_run_equals_the_uninterrupted_one(cli: Any, more: tuple[str, ...]) -> None:
    assert cli("train", "digits", *OPTIONS, *more, "--epochs", 6, "--out", "whole").code == 0
    assert cli("train", "digits", *OPTIONS, *more, "--epochs", 3, "--out", "half").code == 0
    assert not same(Path("whole"), Path("half"))
    ran = cli("train", "--resume", "half", "--epochs", 6, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["epochs"] == 6
    assert same(Path("whole"), Path("half"))
    assert "epochs = 6" in Path("half/config.toml").read_text()


def test_epochs_after_the_last_checkpoint_are_done_again(cli: Any) -> None:
    assert cli("train", "digits", *OPTIONS, "--epochs", 3, "--out", "run").code == 0
    before = (Path("run") / "model.safetensors").read_bytes()
    # As if the process had died after two epochs more, before it wrote a checkpoint or a model.
    with Path("run/history.jsonl").open("a") as file:
        file.write('{"epoch": 4, "loss": 9.0}\n{"epoch": 5, "lo')
    for name in ("model.safetensors", "report.json"):
        (Path("run") / name).unlink()
    assert cli("train", "--resume", "run").code == 0
    assert [record["epoch"] for record in history(Path("run"))] == [1, 2, 3]
    assert (Path("run") / "model.safetensors").read_bytes() == before


def test_a_regression_is_resumed_in_the_units_it_was_trained_in(cli: Any, tmp_path: Path) -> None:
    rows = [f"{i},{(i * 7) % 11},{1000 + 3.5 * i}" for i in range(60)]
    (tmp_path / "line.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    flags = ("line.csv", "--target", "y", "--layers", "8")
    assert cli("train", *flags, "--epochs", 4, "--out", "whole").code == 0
    assert cli("train", *flags, "--epochs", 2, "--out", "half").code == 0
    assert cli("train", "--resume", "half", "--epochs", 4).code == 0
    assert same(Path("whole"), Path("half"))


def test_what_can_not_be_resumed(cli: Any, refused: Any, trained: Path, tmp_path: Path) -> None:
    assert "all its 2 epochs" in refused("train", "--resume", trained)
    assert "only --epochs may change" in refused("train", "--resume", trained, "--lr", 0.1)
    assert "digits" in refused("train", "digits", "--resume", trained)
    assert "no run folder" in refused("train", "--resume", "nowhere")
    (tmp_path / "empty").mkdir()
    assert "not the folder of a run" in refused("train", "--resume", "empty")
    (trained / "checkpoint.safetensors").write_bytes(b"cut")
    assert "not a whole safetensors file" in refused("train", "--resume", trained, "--epochs", 9)
    (trained / "checkpoint.safetensors").unlink()
    assert "no checkpoint" in refused("train", "--resume", trained, "--epochs", 9)


def test_an_early_stopped_run_has_nothing_to_go_on_with(cli: Any, refused: Any) -> None:
    flags = ("--patience", 1, "--lr", 0.5, "--epochs", 90, "--out", "run")
    assert cli("train", "iris", *flags).code == 0
    assert "--patience" in refused("train", "--resume", "run", "--epochs", 99)


def test_changed_data_are_noticed(cli: Any, refused: Any, table: Path) -> None:
    flags = ("--target", "kind", "--drop", "size,colour", "--epochs", 1, "--out", "run")
    assert cli("train", table, *flags).code == 0
    assert cli("evaluate", "run").code == 0
    table.write_text(table.read_text() + "1,red,6,big\n")
    for command in (("evaluate", "run"), ("train", "--resume", "run", "--epochs", 3)):
        assert "has changed since the run" in refused(*command)


# In a process of its own.


def test_ctrl_c_keeps_what_was_learned_and_says_how_to_go_on(
    cli: Any, start: Any, tmp_path: Path
) -> None:
    flags = ("--layers", "256,128", "--dropout", "0.1", "--epochs", "40")
    process = start("train", "digits", *flags, "--out", "run")
    record = tmp_path / "run" / "history.jsonl"
    for _ in range(600):
        if record.is_file() and len(record.read_text().splitlines()) >= 3:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "glassnet train --resume run" in err
    assert "accuracy" in out
    done = len(history(Path("run")))
    assert 3 <= done < 40
    assert json.loads(Path("run/report.json").read_text())["interrupted"] is True
    assert cli("evaluate", "run").code == 0

    assert cli("train", "--resume", "run").code == 0
    assert len(history(Path("run"))) == 40
    assert cli("train", "digits", *flags, "--out", "whole").code == 0
    assert same(Path("whole"), Path("run"))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("The disk is full.")])
def test_what_breaks_off_after_the_training_can_be_made_up_for(
    cli: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("glassnet.runs.training.score_rows", fail)
        ran = cli("train", "iris", "--epochs", 1, "--out", "run")
    assert ran.code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert "go on with: glassnet train --resume run" in ran.err
    assert cli("train", "--resume", "run").code == 0
    assert Path("run/report.md").is_file()


def test_a_full_disk_ends_in_a_sentence_and_leaves_nothing_half_written(
    start: Any, tmp_path: Path
) -> None:
    # A limit on the size of files stands for the full disk: 20 blocks of 512 bytes or 1 kB.
    process = start("train", "digits", "--epochs", "2", "--out", "run", limit="20")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.strip().splitlines()[-1].startswith("error: run/checkpoint.safetensors cannot be")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
