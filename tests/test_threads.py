"""Several threads at once: results are those of one, and what is the process's is restored."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import glassnet as gn
from glassnet.network import FEW_OPERATIONS
from glassnet.threads import LARGE_PRODUCT, SMALL_PRODUCT, blas_threads, run_workers


def blas_counts():
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def in_threads(work, count=2):
    """Run work(0), work(1), … at once, and raise what they raised."""
    run_workers(work, count)


def test_the_last_who_leaves_lifts_the_limit():
    before = blas_counts()
    first, second = blas_threads(SMALL_PRODUCT), blas_threads(SMALL_PRODUCT)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_counts() == {1}
    second.__exit__(None, None, None)
    assert blas_counts() == before


REFERENCES_FIRST = """
from threadpoolctl import threadpool_info
from glassnet.accelerate import references
from glassnet.threads import SMALL_PRODUCT, blas_threads

def counts():
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}

before = counts()
with references():
    first = blas_threads(SMALL_PRODUCT)
    first.__enter__()
with blas_threads(SMALL_PRODUCT):
    both = counts()
    first.__exit__(None, None, None)
    second = counts()
print(both, second, before == counts())
"""


def test_compiled_kernels_are_limited_though_references_came_first():
    """Whose limit knows nothing of the library that compiled kernels call: it is not loaded."""
    run = subprocess.run([sys.executable, "-c", REFERENCES_FIRST], capture_output=True, text=True)
    assert run.stdout == "{1} {1} True\n", run.stderr


@pytest.mark.parametrize("largest", [SMALL_PRODUCT - 1, LARGE_PRODUCT])
def test_products_that_need_no_limit_get_none(largest):
    before = blas_counts()
    with blas_threads(largest):
        assert blas_counts() == before


def test_two_workers_of_ours_get_a_blas_thread_each_however_large_the_products():
    with blas_threads(LARGE_PRODUCT, workers=2):
        assert blas_counts() == {1}


def test_an_exception_of_a_worker_is_raised_after_all_have_ended():
    ended = []

    def work(number):
        if number == 1:
            raise ValueError("in the second")
        ended.append(number)

    with pytest.raises(ValueError, match="in the second"):
        run_workers(work, 3)
    assert sorted(ended) == [0, 2]


@pytest.mark.parametrize("few", [0, FEW_OPERATIONS], ids=["compiled", "references"])
@pytest.mark.parametrize("rows", [1, 40])
def test_one_network_predicts_in_many_threads(rows, few, monkeypatch):
    monkeypatch.setattr("glassnet.network.FEW_OPERATIONS", few)
    rng = np.random.default_rng(0)
    net = gn.Network([gn.Dense(30), gn.ReLU(), gn.Dense(3)], (5,), seed=0)
    inputs = rng.normal(size=(4, rows, 5))
    expected = [net.outputs(x) for x in inputs]
    wrong = []

    def work(number):
        for _ in range(200):
            if (net.outputs(inputs[number]) != expected[number]).any():
                wrong.append(number)

    in_threads(work, 4)
    assert not wrong


def test_large_jobs_on_two_threads_give_what_one_gives():
    rng = np.random.default_rng(0)
    net = gn.Network([gn.Dense(256), gn.ReLU(), gn.Dense(3)], (64,), seed=0, dtype="float64")
    x = rng.normal(size=(5000, 64))
    pieces = np.concatenate([net.outputs(x[i : i + 500]) for i in range(0, 5000, 500)])
    np.testing.assert_allclose(net.outputs(x), pieces, rtol=1e-12, atol=1e-13)


TWO_FITS = """
import threading, numpy as np, glassnet as gn
from glassnet.threads import run_workers
x = np.random.default_rng(0).normal(size=(64, 5)); y = np.arange(64) % 3
thetas = {}
def work(number):
    net = gn.Network([gn.Dense(9), gn.BatchNorm(), gn.ReLU(), gn.Dense(3)], (5,), seed=0)
    net.fit(x, y, loss="cross_entropy", epochs=3)
    thetas[number] = net.theta
run_workers(work, 2)
print((thetas[0] == thetas[1]).all())
"""


def test_kernels_may_be_loaded_by_two_threads_at_once():
    run = subprocess.run([sys.executable, "-c", TWO_FITS], capture_output=True, text=True)
    assert run.stdout == "True\n", run.stderr


def test_training_outside_the_main_thread_leaves_signals_alone():
    net = gn.Network([gn.Dense(2)], (2,))
    results = []

    def train():
        results.append(net.fit(np.eye(2), [0, 1], loss="cross_entropy", epochs=1))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert len(results[0]) == 1
