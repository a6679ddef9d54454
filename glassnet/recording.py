"""Recording: a training step written down once, then run again and again.

A step is a fixed list of kernel calls on fixed arrays: all that changes from step to step (which
batch, the learning rate, dropout's counter) lives in those arrays. So the list is captured once,
and run in one of three ways, which give the same bits:

    plain      the Python code of layers, loss and optimizer, which is also what is captured
    replayed   the calls of the list, one after the other, from Python
    compiled   the calls of the list by address, from a native loop (`glassnet.kernels.executor`)

Which one is a fixed rule (`way`): compiled when every call is a kernel of ours with a compiled
twin, else replayed; a layer, loss or optimizer of the user's own is one call of the list.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glassnet.accelerate import Array, Call, Kernel, OwnCall, capture, is_ours, twins_are_on
from glassnet.arena import packed
from glassnet.fusing import fused
from glassnet.layers.base import Layer, separate_buffers
from glassnet.threads import second_is_free

if TYPE_CHECKING:
    from glassnet.kernels.executor import Program
    from glassnet.owners import Owners

Way = Literal["plain", "replayed", "compiled"]
Compile = bool | Literal["auto"]


class Recording:
    """A captured list of calls.

    Arguments:
        calls: what `glassnet.accelerate.capture` wrote down.
        keep_gradient: whether the whole gradient vector must be filled, for somebody to look at.
        work: arrays that may get another place in memory (see `glassnet.arena`).

    Attributes:
        calls: kernels (or methods of a user's own parts), each with its arrays.
        fused: the calls that are run: the same in fewer passes (see `glassnet.fusing`).
    """

    def __init__(
        self, calls: list[Call], keep_gradient: bool = False, work: Iterable[Array] = ()
    ) -> None:
        self.calls = calls
        self.fused = packed(fused(calls, keep_gradient), work)
        self._functions = [
            (kernel.function if isinstance(kernel, Kernel) else kernel, arrays)
            for kernel, arrays in self.fused
        ]
        self._program: Program | None = None

    @functools.cached_property
    def _owners(self) -> Owners | None:
        from glassnet.owners import owners_of

        return owners_of(self.fused)

    @property
    def is_divided(self) -> bool:
        """Whether two threads may share a step (see `glassnet.owners`)."""
        return self._owners is not None

    def obstacle(self) -> str | None:
        """Why the list cannot be compiled, in words; None if it can."""
        for kernel, _ in self.calls:
            if isinstance(kernel, OwnCall):
                return f"{type(kernel.part).__name__} is a part of your own, in plain NumPy"
        if not twins_are_on():
            return "compiled kernels are turned off (GLASSNET_KERNELS=reference)"
        from glassnet.kernels import executor

        if not executor.works():
            return "this version of Numba lays out calls in another way"
        return None

    @property
    def program(self) -> Program:
        """The list for the executor, made once."""
        if self._program is None:
            from glassnet.kernels.executor import Program

            self._program = Program(self._functions)
        return self._program

    def repeated(self, times: int, native: bool) -> list[Call]:
        """So many steps, to be part of a longer list for a `Program`, or for a `Replay`."""
        if not native:
            return self.fused * times
        from glassnet.kernels.executor import repeat

        return [(repeat, (self.program.calls, np.array(times)))]

    def replay(self) -> None:
        """Run the calls once, from Python."""
        for function, arrays in self._functions:
            function(*arrays)

    def run(self, steps: int) -> None:
        """Run the calls `steps` times natively.

        Raises:
            FloatingPointError: if a kernel raised it (`stop_unless_finite`); the calls after it in
                that step were not run.
        """
        while steps > 0:
            number, failed = self._run_some(steps)
            steps -= number
            if failed is not None:
                kernel, arrays = failed
                getattr(kernel, "reference", kernel)(*arrays)  # raises again, in words
                raise FloatingPointError

    def _run_some(self, steps: int) -> tuple[int, Call | None]:
        """Run some of these steps, on two threads where that pays; how many, and what raised."""
        owners = self._owners if second_is_free() else None
        if owners is None or (steps == 1 and not owners.pays_for_one):
            return steps, self._run_alone(steps)
        if owners.apart == 0:
            number = min(steps, owners.together)
            return number, owners.run(number)
        number = min(steps, owners.apart)
        owners.apart -= number
        return number, self._run_alone(number)

    def _run_alone(self, steps: int) -> Call | None:
        """Run the calls in this thread; returns the one that raised, if one did."""
        failed = self.program.run(steps)
        return None if failed < 0 else self.fused[failed]


class Replay:
    """A list of calls that is run from Python, where `glassnet.kernels.executor.Program` is native.

    Attributes:
        calls: functions, each with its arrays.
    """

    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls

    def run(self, times: int) -> int:
        """Run all calls so often; returns -1, or the number of the call that raised."""
        for _ in range(times):
            for number, (function, arrays) in enumerate(self.calls):
                try:
                    function(*arrays)
                except FloatingPointError:
                    return number
        return -1


def way(recording: Recording, compile: Compile) -> Way:
    """The fixed rule for how a recorded step is run.

    Raises:
        ValueError: if it must be compiled (`compile=True`) but cannot be; the message says why.
    """
    if compile is False:
        return "plain"
    obstacle = recording.obstacle()
    if obstacle is None:
        return "compiled"
    if compile is True:
        raise ValueError(
            f"compile=True, but the step cannot be compiled: {obstacle}. Use compile='auto'."
        )
    return "replayed"


def checked_compile(value: Any) -> Compile:
    """`"auto"`, True or False.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if value == "auto":
        return "auto"
    raise ValueError(f"compile must be 'auto', True or False. Received: {value!r}.")


class ForwardPass:
    """Inference for batches of one size, recorded: the same arrays every time.

    Arguments:
        layers: what computes, each with work arrays of this pass's own.
        run: computes outputs from inputs by the layers, as kernel calls.
        x: the array that every batch is copied into, (rows, *input_shape).

    Attributes:
        x: see above.
        outputs: the array that holds the outputs of the last batch.
        is_native: whether a call leaves the interpreter, and so may run in a thread.
    """

    def __init__(self, layers: Sequence[Layer], run: Callable[[Array], Array], x: Array) -> None:
        self.x = x
        ours = all(map(is_ours, layers))
        with separate_buffers(layers) as work, capture(run=not ours) as calls:
            self.outputs = run(x)
        kept = self.outputs if self.outputs.base is None else self.outputs.base
        self._recording = Recording(calls, work=[a for a in work if ours and a is not kept])
        self.is_native = self._recording.obstacle() is None

    def __call__(self, x: Array) -> Array:
        """Outputs for this batch; the array is overwritten by the next one."""
        self.x[...] = x
        if self.is_native:
            self._recording.run(1)
        else:
            self._recording.replay()
        return self.outputs
