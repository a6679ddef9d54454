"""What holds for the project as a whole: its public names, its import, its lock, its files."""

import importlib.metadata
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cached_property
from pathlib import Path

import pytest

import glassnet

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
COSTLY = {"matplotlib", "numba", "polars", "pooch", "pydantic", "rich", "scipy", "sklearn", "typer"}


@pytest.mark.parametrize("name", glassnet.__all__)
def test_public_name_has_a_docstring(name):
    documentation = getattr(glassnet, name).__doc__
    assert documentation, f"glassnet.{name} has no docstring"
    assert not documentation.startswith(f"{name}("), f"glassnet.{name} has only a dataclass's own"


def public_methods():
    """Every public method and property of every public class, as `Class.name`."""
    public = (getattr(glassnet, name) for name in glassnet.__all__)
    return [
        pytest.param(getattr(owner, name), id=f"{owner.__name__}.{name}")
        for owner in filter(inspect.isclass, public)
        for name, member in vars(owner).items()
        if not name.startswith("_")
        and (inspect.isroutine(member) or isinstance(member, property | cached_property))
    ]


@pytest.mark.parametrize("method", public_methods())
def test_public_method_has_a_docstring(method):
    """Its own, or that of the method which it overrides."""
    assert inspect.getdoc(method)


def test_import_stays_light():
    """A program that imports glassnet pays for NumPy alone; the rest comes where it is used."""
    script = f"import glassnet, sys; print(*sorted({COSTLY} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_versions_agree():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert glassnet.__version__ == declared
    assert importlib.metadata.version("glassnet") == declared


def test_tests_see_the_installed_package():
    assert ROOT / "glassnet" not in Path(glassnet.__file__).parents, (
        "the source folder was imported, not the installed package: run the tests with 'make test'"
    )


def test_there_is_a_lock_for_each_environment():
    assert [lock.name for lock in LOCKS] == ["compare.lock", "dev.lock", "peers.lock"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_pins_versions_and_names_no_address(lock):
    text = lock.read_text()
    assert "://" not in text
    requirements = re.findall(r"^[a-zA-Z].*$", text, flags=re.MULTILINE)
    assert requirements
    assert [line for line in requirements if not re.match(r"[\w.-]+==[\w.!]+( |$)", line)] == []


def test_no_file_names_a_place_on_somebodys_machine():
    git = shutil.which("git")
    listed = git and subprocess.run([git, "-C", ROOT, "ls-files", "-z"], capture_output=True)
    if not listed or listed.returncode != 0:
        pytest.skip("not a git checkout")
    homes = re.compile(rb"/(home|root|Users)/[\w.]")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert [file for file in files if file.is_file() and homes.search(file.read_bytes())] == []
