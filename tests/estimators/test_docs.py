"""The examples of docs/estimators.md, run as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "estimators.md"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    printed = capsys.readouterr().out
    scores = [float(number) for number in re.findall(r"^0\.\d+", printed, re.MULTILINE)]
    assert len(scores) == 3
    assert min(scores) > 0.9
    assert (tmp_path / "digits.safetensors").exists()
