"""Ctrl-C that ends training between two steps, so that θ is never half updated."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts_set(interrupted: threading.Event) -> Iterator[None]:
    """Let Ctrl-C set an event instead of raising; a second one breaks off at once.

    Outside the main thread signals are not ours to handle, and where they are ignored (a shell's
    background jobs) they stay so.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not in_main_thread or before in (None, signal.SIG_IGN):
        yield
        return

    def on_interrupt(number: int, frame: Any) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
