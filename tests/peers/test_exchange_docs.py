"""The examples of docs/exchange.md, run as they stand, one after the other."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.peers

PAGE = Path(__file__).parents[2] / "docs" / "exchange.md"


def test_python_examples(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 8
    try:
        for block in blocks:
            exec(block, names)
    finally:
        for module in ("digits", "training"):
            sys.modules.pop(module, None)
    assert "'2.weight': (32, 64)" in capsys.readouterr().out
    assert list((tmp_path / "events").iterdir())


def test_the_excerpt_of_the_script(tmp_path):
    """What the page shows of a script is in the script."""
    import glassnet as gn

    net = gn.Network(
        [gn.Rescale(1 / 16), gn.Flatten(), gn.Dense(32), gn.BatchNorm(), gn.ReLU(), gn.Dense(10)],
        input_shape=(8, 8),
    )
    text = net.to_script(tmp_path / "digits.py").read_text(encoding="utf-8")
    excerpt = re.search(r"```\n(def relu.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    for part in excerpt.split("    …\n"):
        assert part.strip("\n") in text
