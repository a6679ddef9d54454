"""Bad input on the command line: one clear sentence on stderr, exit status 1, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def clean_errors() -> Iterator[None]:
    """Print a ValueError or OSError as `error: …` and exit with status 1.

    Usable as a context manager and, since it is made by `contextmanager`, as a decorator.

    Raises:
        typer.Exit: with status 1, in place of the error.
    """
    import typer

    try:
        yield
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
