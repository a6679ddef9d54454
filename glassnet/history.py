"""What a training leaves behind: a record for each epoch, and why it ended."""

from __future__ import annotations

from glassnet.recording import Way


class TrainingDiverged(ArithmeticError):
    """Numbers are infinite or not numbers any more; the message names the layer where it began."""


class History(list[dict[str, float]]):
    """One record an epoch, oldest first.

    Attributes:
        stopped: why training ended before its last epoch, or None.
        interrupted: whether it was Ctrl-C.
        way: how steps were run: "plain", "replayed" or "compiled" (see `glassnet.recording`).
    """

    stopped: str | None = None
    interrupted: bool = False
    way: Way = "plain"

    def column(self, key: str) -> list[float]:
        """The values of one key over all epochs.

        >>> History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]).column("loss")
        [0.5, 0.25]
        """
        return [record[key] for record in self]
