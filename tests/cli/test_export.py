"""`glassnet export`: files for other programs, and what is said when they can't be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import glassnet as gn

pytestmark = pytest.mark.usefixtures("without_figures")


def run_script(code: str) -> str:
    """What a Python without glassnet prints in this folder."""
    alone = "import sys; sys.modules['glassnet'] = None; sys.path.insert(0, '.');"
    command = [sys.executable, "-c", alone + code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_script(cli, trained):
    ran = cli("export", trained, "--to", "script", "--json")
    assert ran.code == 0, ran.err
    assert ran.json == {"to": "script", "files": ["run.py", "run.npz"]}
    x = gn.data.load("digits").train.x[:50]
    np.save("x.npy", x)
    printed = run_script("import run, numpy; print(run.predict(numpy.load('x.npy')).tolist())")
    expected = gn.load(trained / "model.safetensors").predict(x)
    assert json.loads(printed) == expected.tolist()


def test_training_script_repeats_the_run(cli, trained):
    ran = cli("export", trained, "--to", "script", "--training", "--out", "again.py")
    assert ran.code == 0, ran.err
    printed = run_script("import again, json; losses = again.train(); print(json.dumps(losses))")
    lines = (trained / "history.jsonl").read_text().splitlines()
    expected = [json.loads(line)["loss"] for line in lines]
    np.testing.assert_allclose(json.loads(printed.splitlines()[-1]), expected, rtol=1e-4)


def test_safetensors(cli, trained):
    ran = cli("export", trained, "--to", "safetensors")
    assert ran.out == "safetensors: run.safetensors\n"
    network = gn.load(trained / "model.safetensors")
    tensors = load_file("run.safetensors")
    network.load_state_dict(tensors)
    for name, array in network.state_dict().items():
        np.testing.assert_array_equal(tensors[f"layers.{name}"], array)


def test_a_model_file_gives_its_name(cli, trained):
    cli("export", trained / "model.safetensors", "--to", "script")
    assert Path("model.py").exists()


def test_nothing_is_overwritten_without_force(cli, refused, trained):
    Path("run.npz").write_text("mine")
    assert "run.npz exists already" in refused("export", trained, "--to", "script")
    assert Path("run.npz").read_text() == "mine"
    assert not Path("run.py").exists()
    assert cli("export", trained, "--to", "script", "--force").code == 0
    assert sorted(file for file in os.listdir() if "run." in file) == ["run.npz", "run.py"]


SLIPS = {
    "export run --to onxx": "--to is 'onxx': expected one of onnx, torch, safetensors, script.",
    "export run --to script --out net.txt": "A script's name ends with .py",
    "export run --to onnx --training": "--training goes with --to script, not with --to onnx",
    "export nothing --to script": "There is no run folder and no model file nothing",
    "export run/model.safetensors --to script --training": "needs the folder of a run",
}


@pytest.mark.parametrize("command", SLIPS)
def test_slips(command, refused, trained):
    assert SLIPS[command] in refused(*command.split())


@pytest.mark.parametrize(("to", "module"), [("onnx", "onnx"), ("torch", "torch")])
def test_a_missing_extra_is_named(to, module, refused, trained, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    assert f"pip install 'glassnet[{module}]'" in refused("export", trained, "--to", to)


def test_tensorboard_needs_its_extra(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    sentence = refused("train", "digits", "--epochs", "1", "--tensorboard", "events")
    assert "pip install 'glassnet[tensorboard]'" in sentence
