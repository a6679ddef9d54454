"""The estimators keep scikit-learn's conventions: its own checks, on all four."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassnet.estimators import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
)

QUICK = {"max_iter": 100, "random_state": 0}  # scikit-learn's checks of its MLP take 100 as well
ESTIMATORS = [
    MLPClassifier(**QUICK),
    MLPRegressor(**QUICK),
    NetworkClassifier(**QUICK),
    NetworkRegressor(**QUICK),
    MLPClassifier(**QUICK, solver="lbfgs"),
    MLPRegressor(**QUICK, solver="lbfgs"),
]


def expected_to_fail(estimator):
    """Checks that cannot pass, and why: none."""
    return {}


@pytest.fixture(autouse=True)
def _numbers_are_strict():
    """Instead of this project's: the checks themselves take logarithms of 0."""
    with np.errstate(all="ignore"):
        yield


CHECKS = parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_to_fail)
NAMES, PAIRS = CHECKS.args


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(NAMES, list(PAIRS), **CHECKS.kwargs)  # older ones give a generator
def test_scikit_learns_checks(estimator, check):
    check(estimator)
