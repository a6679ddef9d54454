# Everything runs in .venv, which `make setup` fills from the committed lock. `make` lists the targets.

PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
DEPENDENCIES := $(VENV)/.dependencies
INSTALLED := $(VENV)/.installed
PEERS := $(VENV)/.peers
COMPARE := $(VENV)/.compare

# Directories are listed too: a file that was deleted changes only its directory.
SOURCES := pyproject.toml README.md LICENSE \
	$(shell find glassnet -name __pycache__ -prune -o ! -name '*.pyc' -print)

# Tests import the installed package, never the source folder that happens to be the current one
# (PYTHONSAFEPATH); figures need no screen; one BLAS thread, since the tests' products are small.
OPENBLAS_NUM_THREADS ?= 1
PYTEST := PYTHONSAFEPATH=1 MPLBACKEND=Agg OPENBLAS_NUM_THREADS=$(OPENBLAS_NUM_THREADS) $(BIN)/pytest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-oldest test-peers setup-peers bench doctor-suite doctor-cost papers inside setup-compare check lint types format size lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv and install the package with its pinned dependencies

demo: setup ## train on scikit-learn's handwritten digits, a minute from clone to figures
	$(BIN)/glassnet train digits --layers 128,64 --epochs 60 --test 0.2 --seed 0 \
		--cross-validate 5 --force --out runs/demo

test: setup ## run the tests and the documentation's examples against the installed package
	$(PYTEST) --ignore=tests/peers tests
	$(PYTEST) --doctest-modules --ignore-glob='*_twin.py' --ignore-glob='*/torch_modules.py' --pyargs glassnet

setup-peers: $(PEERS) ## add the frameworks that the comparisons need (PyTorch)

test-peers: setup setup-peers ## compare live with PyTorch, and test what needs the extras
	$(PYTEST) tests/peers tests/cli/test_sweep.py

doctor-suite: setup ## judge the doctor on sick and healthy trainings; rewrites docs/doctor-suite.md
	PYTHONSAFEPATH=1 $(BIN)/python -m glassnet.doctor.suite --docs docs

doctor-cost: setup ## time a training with the doctor beside it and without, in pairs
	PYTHONSAFEPATH=1 $(BIN)/python tools/doctor_cost.py

test-oldest: setup ## scikit-learn's checks of the estimators, with the oldest scikit-learn that is supported
	$(BIN)/pip install --quiet --no-deps --upgrade --target $(VENV)/oldest scikit-learn==1.6.1
	PYTHONPATH=$(VENV)/oldest $(PYTEST) tests/estimators/test_conventions.py

papers: setup setup-peers ## run all papers again, up to an hour on two cores; rewrites the READMEs in glassnet/papers
	PYTHONSAFEPATH=1 $(BIN)/glassnet reproduce --all; status=$$?; test $$status -ne 1 && \
		PYTHONSAFEPATH=1 $(BIN)/python tools/publish_papers.py runs/papers && exit $$status

inside: setup ## draw the pictures of docs/inside.md
	PYTHONSAFEPATH=1 MPLBACKEND=Agg $(BIN)/python tools/draw_inside.py

setup-compare: $(COMPARE) ## add all frameworks of the benchmark (PyTorch, JAX, Keras, ONNX Runtime)

bench: setup setup-compare ## time all side by side, three quarters of an hour; rewrites docs/ and the README's table
	PYTHONSAFEPATH=1 $(BIN)/glassnet bench $(WORKLOADS) --json docs/benchmarks.json --docs docs \
		--readme README.md --force $(BENCH_OPTIONS)

check: lint types test ## lint, types and tests: what has to pass before a commit

lint: setup ## ruff: mistakes, import order, format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup ## mypy, strict, over the package
	$(BIN)/mypy glassnet

format: setup ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

size: setup ## lines of code by file, without blank lines, comments and docstrings
	@$(BIN)/python tools/size.py glassnet

# What dev.lock pins already is left out of the others, and so are the CUDA packages, which only
# PyTorch's build for GPUs wants: neither that build nor the one for CPUs is named, pip takes the one it finds.
# compare.lock has what peers.lock has, at the same versions, and more.
lock: ## pin the dependencies anew (needs uv; UPGRADE=--upgrade takes newer versions)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv, and there is no '$(UV)' here: install it, or name it with UV=path."; exit 1; }
	$(UV) pip compile $(LOCK_OPTIONS) --extra dev --generate-hashes -o requirements/dev.lock
	$(UV) pip compile $(LOCK_OPTIONS) --extra peers --annotation-style line \
		-c requirements/dev.lock -o requirements/peers.lock
	$(UV) pip compile $(LOCK_OPTIONS) --extra compare --annotation-style line \
		-c requirements/dev.lock -c requirements/peers.lock -o requirements/compare.lock
	for lock in requirements/peers.lock requirements/compare.lock; do \
		grep -vE '^(cuda|nvidia|triton)|-c requirements/dev.lock' $$lock > $$lock.new && mv $$lock.new $$lock; done

# One set of versions for all supported Pythons and platforms.
LOCK_OPTIONS := pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--custom-compile-command 'make lock' $(UPGRADE)

clean: ## remove .venv, caches and builds; runs/ stays
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find glassnet tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "glassnet needs Python 3.11 or newer, and '$(PYTHON)' says: $$($(PYTHON) --version 2>&1 || true). Name a newer one, as in 'make setup PYTHON=python3.12'."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

$(DEPENDENCIES): requirements/dev.lock | $(BIN)/pip
	$(BIN)/pip install --quiet --requirement $<
	@touch $@

# Built as a user's would be and copied into .venv, anew whenever a source file changes. The build
# backend is among the pinned dependencies, so this takes two seconds and no network.
$(INSTALLED): $(DEPENDENCIES) $(SOURCES)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation .
	@$(BIN)/pip check
	@touch $@

$(PEERS): requirements/peers.lock $(DEPENDENCIES)
	$(BIN)/pip install --quiet --requirement $<
	@touch $@

$(COMPARE): requirements/compare.lock $(DEPENDENCIES)
	$(BIN)/pip install --quiet --requirement $<
	@touch $@
