"""Settings for all tests."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _numbers_are_strict() -> Iterator[None]:
    """Overflow, division by zero and invalid operations are errors; underflow to 0 is not."""
    with np.errstate(all="raise", under="ignore"):
        yield
