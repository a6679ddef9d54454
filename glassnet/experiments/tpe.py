"""A guided search (tree-structured Parzen estimator), by Optuna.

Trials live in a database, so several machines can work on one search, and a search that was broken
off goes on. Within the first seed, a configuration whose validation score is worse than the median
of the others at the same epoch is broken off.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from glassnet.callbacks import Callback
from glassnet.experiments.runner import one_thread_products
from glassnet.experiments.sweep import Range, Sweep, Trial
from glassnet.experiments.work import run_cell

if TYPE_CHECKING:
    from glassnet.experiments.runner import Runner, Told
    from glassnet.trainer import Trainer


class Prune(Callback):
    """Tells Optuna each epoch's validation score, and ends what it gives up."""

    def __init__(self, trial: Any, metric: str, halt: threading.Event) -> None:
        self.trial = trial
        self.metric = metric
        self.halt = halt

    def on_epoch_end(self, trainer: Trainer) -> None:
        self.trial.report(trainer.history[-1][f"val_{self.metric}"], trainer.epoch)
        if self.trial.should_prune():
            self.halt.set()
            trainer.stop("pruned")


def run_tpe(sweep: Sweep, runner: Runner, told: Told | None) -> list[Trial]:
    """Run the search until it has as many trials as it should, and return all of them.

    Raises:
        ValueError: if Optuna is not installed, or the storage can't be opened.
    """
    try:
        import optuna
    except ImportError:
        raise ValueError(
            "The method tpe needs Optuna: pip install 'glassnet[optuna]', or use method = 'random'."
        ) from None
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    settings = sweep.settings
    study = optuna.create_study(
        storage=_open_storage(sweep),
        study_name=_study_name(sweep),
        direction="minimize" if sweep.smaller_is_better else "maximize",
        sampler=optuna.samplers.TPESampler(seed=int(sweep.base.get("seed", 0))),
        pruner=optuna.pruners.MedianPruner() if settings.prune else optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    finished = (TrialState.COMPLETE, TrialState.PRUNED)
    stop = optuna.study.MaxTrialsCallback(settings.trials, states=finished)
    done = len(study.get_trials(deepcopy=False, states=finished))
    if done < settings.trials:
        with one_thread_products():
            study.optimize(
                lambda trial: _objective(trial, sweep, runner),
                n_trials=settings.trials - done,
                n_jobs=1,
                callbacks=[stop, lambda study, trial: _say(trial, sweep, told)],
            )
    return [
        Trial(
            {key: json.loads(text) for key, text in trial.user_attrs["settings"].items()},
            tuple(trial.user_attrs.get("scores", ())),
            trial.state == TrialState.PRUNED,
        )
        for trial in study.get_trials(deepcopy=False, states=finished)
    ]


def _open_storage(sweep: Sweep) -> Any:
    """The database of the trials; a new one is set up."""
    import optuna
    import sqlalchemy.exc

    sweep.out.mkdir(parents=True, exist_ok=True)
    url = sweep.settings.storage or f"sqlite:///{sweep.out / 'trials.db'}"
    try:
        return optuna.storages.get_storage(url)
    except (ImportError, sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        # the URL itself is not shown: it may hold a password
        raise ValueError(
            f"sweep.storage can't be opened ({str(error).splitlines()[0]}): expected the URL of a "
            "database, such as sqlite:///trials.db or postgresql://host/name."
        ) from None


def _study_name(sweep: Sweep) -> str:
    """Equal for equal searches, so that one that was changed does not go on with another's."""
    import hashlib

    what = [sweep.base, sweep.settings.model_dump(exclude={"trials", "storage"})]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _objective(trial: Any, sweep: Sweep, runner: Runner) -> float:
    import optuna

    changes = {key: _suggest(trial, key, axis) for key, axis in sweep.settings.axes.items()}
    trial.set_user_attr("settings", {key: json.dumps(value) for key, value in changes.items()})
    first, *rest = [sweep.cell(changes, k) for k in range(sweep.settings.seeds)]
    record = runner.store.get(first, runner.key(first))
    if record is None:
        halt = threading.Event()
        watch = [Prune(trial, sweep.metric, halt)]
        record = run_cell(first, runner.rows(first), halt, callbacks=watch)
        if record is None:
            raise optuna.TrialPruned
        record["digest"] = runner.key(first)
        runner.store.put(first, record["digest"], record)
        runner.trained += 1
    scores = [sweep.score(record) for record in (record, *runner.run(rest))]
    trial.set_user_attr("scores", scores)
    mean = sum(scores) / len(scores)
    if mean != mean:
        raise optuna.TrialPruned
    return mean


def _say(trial: Any, sweep: Sweep, told: Told | None) -> None:
    """A line for each trial that has ended."""
    if told is not None:
        score = "pruned" if trial.value is None else f"validation {sweep.metric} {trial.value:.4f}"
        told.say(f"trial {trial.number + 1}/{sweep.settings.trials} · {score}")


def _suggest(trial: Any, key: str, choices: list[Any] | Range) -> Any:
    if isinstance(choices, Range):
        if choices.whole:
            return trial.suggest_int(key, round(choices.low), round(choices.high), log=choices.log)
        return trial.suggest_float(key, choices.low, choices.high, log=choices.log)
    return choices[trial.suggest_categorical(key, list(range(len(choices))))]
