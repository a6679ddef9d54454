"""Sides that answer from a list, so that the harness can be tested without frameworks or time."""

from glassnet.bench.worker import ContenderFailed


class Fake:
    """Answers checks with `losses` and each measurement with the next of `seconds`."""

    def __init__(self, name, log, losses=(1.0, 0.5), seconds=(9.0,), fails_at=None):
        self.name, self.log, self.losses, self.fails_at = name, log, list(losses), fails_at
        self.seconds = list(seconds)
        self.closed = False

    def ask(self, command):
        self.log.append((self.name, command))
        if self.fails_at == command:
            raise ContenderFailed("no compiler")
        if command.startswith("check"):
            return self.losses
        return self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]

    def close(self):
        self.closed = True
