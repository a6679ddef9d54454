"""The peak of a process's resident memory. Imports nothing that costs any."""

import sys
from pathlib import Path


def peak_bytes() -> int:
    """The most memory that this process ever had, in bytes.

    Linux's VmHWM begins anew with a program, unlike `ru_maxrss`, which takes over what the process
    that started it had.

    >>> peak_bytes() > 1_000_000
    True
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
