"""The contenders that need nothing installed: ours, scikit-learn, the products; a real process."""

import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from pydantic import TypeAdapter

from glassnet.bench import inputs, worker
from glassnet.bench.check import TOLERANCE, worst_difference
from glassnet.bench.contender import (
    CONTENDERS,
    Variant,
    batches_in_order,
    contender_class,
    steps_of,
)
from glassnet.bench.ours import Ours
from glassnet.bench.worker import ContenderFailed, Job, Process
from glassnet.bench.workloads import WORKLOADS, Architecture, workload

TINY = replace(workload("tiny"), epochs=2)
GRID = replace(workload("grid"), epochs=1, learning_rates=(0.01, 0.1), momenta=(0.0, 0.9))


@pytest.mark.parametrize("work", WORKLOADS, ids=lambda work: work.name)
def test_every_workload_names_contenders_that_there_are(work):
    assert {target.against for target in work.targets} <= CONTENDERS.keys()
    assert str(work)


@pytest.mark.parametrize("work", WORKLOADS, ids=lambda work: work.name)
def test_rows_are_whole_batches_where_shapes_are_fixed(work):
    if work.measure in ("train", "networks"):
        assert work.rows % work.batch == 0
        assert work.quick().rows % work.batch == 0


def test_a_workload_survives_the_way_to_another_process():
    job = Job("torch", Variant("eager", 1, {"compile": True}, {"A": "b"}), workload("grid"))
    adapter = TypeAdapter(Job)
    assert adapter.validate_json(adapter.dump_json(job)) == job


@pytest.mark.parametrize("work", [TINY, GRID], ids=["tiny", "grid"])
def test_scikit_learn_computes_the_same_losses(work):
    theirs = contender_class("sklearn")(work, Variant("")).check()
    ours = Ours(work, Variant("")).check(plain=True)
    assert len(ours) == work.check_steps
    assert worst_difference(theirs, ours) <= TOLERANCE


def test_the_check_sees_another_learning_rate():
    other = replace(TINY, optimizer=replace(TINY.optimizer, learning_rate=1.2e-3))
    ours, theirs = (Ours(work, Variant("")).check() for work in (TINY, other))
    assert theirs[0] == ours[0]
    assert worst_difference(theirs, ours) > TOLERANCE


@pytest.mark.parametrize("contender", ["ours", "sklearn"])
def test_training_is_timed(contender):
    side = contender_class(contender)(TINY, Variant(""))
    assert side.measure() > 0


@pytest.mark.parametrize("contender", ["ours", "sklearn"])
def test_a_grid_trains_every_cell(contender):
    side = contender_class(contender)(GRID, Variant(""))
    assert side.measure() > 0
    assert len(side.scores) == 4
    assert all(0 <= score <= 1 for score in side.scores)


def test_predictions_are_timed_and_checked():
    side = Ours(replace(workload("predict-one"), calls=2), Variant(""))
    numbers = np.array(side.check()).reshape(-1, 10)
    np.testing.assert_allclose(numbers.sum(axis=1), 1, rtol=1e-5)
    assert side.measure() > 0


def test_a_fresh_process_predicts_what_this_one_does():
    side = Ours(workload("start"), Variant(""))
    here = side.network.predict_proba(np.ones((1, 128), np.float32))[0]
    np.testing.assert_allclose(side.check(), here, rtol=1e-6)


def test_the_floor_has_all_products_of_a_step():
    work = replace(workload("tabular-floor"), rows=64)
    side = contender_class("products")(work, Variant(""))
    before = [out.copy() for *_, out in side.products]
    assert side.measure() > 0
    operations = sum(2 * a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in side.products)
    sizes = (128, 256, 256, 256, 10)
    weights = [a * b for a, b in pairwise(sizes)]
    assert operations == 2 * 64 * (3 * sum(weights) - weights[0])
    assert all((a != out).any() for a, (*_, out) in zip(before, side.products, strict=True))


def test_a_process_answers_and_ends():
    side = Process(Job("ours", Variant("1 core", cores=1), TINY))
    try:
        assert side.ask("check") == pytest.approx(Ours(TINY, Variant("")).check(), rel=1e-5)
        assert side.ask("measure") > 0
    finally:
        side.close()


def test_a_process_says_why_it_cannot_begin():
    with pytest.raises(ContenderFailed, match="ValueError: There is no contender 'nobody'"):
        Process(Job("nobody", Variant(""), TINY))


def test_errors_are_answers():
    job = TypeAdapter(Job).dump_json(Job("products", Variant(""), TINY)).decode()
    answers = io.StringIO()
    worker.serve(io.StringIO(f"{job}\ncheck\nmeasure\n"), answers)
    ready, check, measure = map(json.loads, answers.getvalue().splitlines())
    assert ready == {"value": "ready"}
    assert check["error"].startswith("NotImplementedError")
    assert measure["value"] > 0


def test_threads_are_limited_only_where_a_variant_says_so(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    assert "OPENBLAS_NUM_THREADS" not in worker.environment(Variant("all"))
    assert worker.environment(Variant("one", cores=1))["OPENBLAS_NUM_THREADS"] == "1"


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"There is no workload 'x'\. Choose from: per-sample"):
        workload("x")
    with pytest.raises(ValueError, match=r"There is no contender 'x'\. Choose from: ours"):
        contender_class("x")


def test_slow_contenders_get_fewer_steps():
    assert steps_of(workload("per-sample"), "torch") == 5_000
    assert steps_of(workload("tiny"), "jax") == 9_000


def test_batches_begin_anew():
    starts = [rows.start for rows in batches_in_order(TINY)]
    assert starts == [*range(0, 144, 16), *range(0, 144, 16), 0, 16]


def test_a_layer_before_batch_norm_has_no_bias():
    layers = inputs.initial_weights(Architecture((3, 4, 2), batch_norm=True))
    assert [bias is None for _, bias in layers] == [True, False]


def test_the_stand_in_can_be_read_like_mnist(tmp_path, monkeypatch):
    import gzip

    from glassnet.data.mnist import read_idx

    monkeypatch.setattr(inputs, "MNIST_ROWS", 500)
    inputs.write_stand_in(tmp_path)
    packed = (tmp_path / "train-images-idx3-ubyte.gz").read_bytes()
    images = read_idx(gzip.decompress(packed), "images", 3)
    assert images.shape == (500, 28, 28)
    assert (images == 0).mean() == pytest.approx(inputs.MNIST_ZEROS, abs=0.01)
