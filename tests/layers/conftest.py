"""Every test of a layer runs twice: with the compiled kernels, and with their NumPy references."""

from collections.abc import Iterator

import pytest

from glassnet.accelerate import references


@pytest.fixture(autouse=True, scope="module", params=["compiled", "reference"])
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """Of the module's scope, so that a file is run through once with either."""
    if request.param == "compiled":
        yield
    else:
        with references():
            yield
