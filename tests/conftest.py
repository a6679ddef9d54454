"""Settings for all tests."""

from collections.abc import Iterator

import hypothesis
import numpy as np
import pytest

# The first example of a test may be the one that compiles a kernel, however long that takes.
hypothesis.settings.register_profile("glassnet", deadline=None)
hypothesis.settings.load_profile("glassnet")


@pytest.fixture(autouse=True)
def _numbers_are_strict() -> Iterator[None]:
    """Overflow, division by zero and invalid operations are errors; underflow to 0 is not."""
    with np.errstate(all="raise", under="ignore"):
        yield
