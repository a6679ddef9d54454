"""Bad input on the command line: one clear sentence on stderr, exit status 1, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit status after Ctrl-C."""


@contextmanager
def clean_errors() -> Iterator[None]:
    """Print a ValueError, an OSError or a diverged training as `error: …` and exit with status 1.

    Usable as a context manager and, since it is made by `contextmanager`, as a decorator. Ctrl-C
    outside training (which keeps what it learned) ends with status 130, as in a shell.

    Raises:
        typer.Exit: with that status, in place of the error.
    """
    import typer

    from glassnet.trainer import TrainingDiverged

    try:
        yield
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from error
    except (ValueError, OSError, TrainingDiverged) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
