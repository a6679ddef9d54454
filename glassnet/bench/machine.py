"""The machine and the versions that figures belong to; nothing that names a host or a person."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

from glassnet import __version__
from glassnet.bench.contender import CONTENDERS, available_cores, contender_class, versions

INSTRUCTIONS = {"avx2": "AVX2", "avx512f": "AVX-512", "neon": "NEON", "fma": "FMA"}
OWN_PACKAGES = ("numpy", "numba", "scipy")
BUSY = 0.3
"""Load a core above which other programs disturb what is measured."""


def describe_machine() -> dict[str, Any]:
    """Processor, cores, instruction sets, memory, system, BLAS."""
    import llvmlite.binding as llvm
    import scipy.linalg  # noqa: F401, so that its BLAS is seen too
    from threadpoolctl import threadpool_info

    features = llvm.get_host_cpu_features()
    blas = {
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', 'unknown')})"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return {
        "processor": _processor() or llvm.get_host_cpu_name(),
        "cores": available_cores(),
        "instructions": [name for flag, name in INSTRUCTIONS.items() if features.get(flag)],
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": sorted(blas),
    }


def describe_packages() -> dict[str, str]:
    """Versions of ours and of every contender that is installed."""
    found = {"glassnet": __version__}
    found |= {name: importlib.metadata.version(name) for name in OWN_PACKAGES}
    for name in CONTENDERS:
        try:
            found |= versions(contender_class(name))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def busy() -> str | None:
    """A warning if other programs are running, where the system tells."""
    if not hasattr(os, "getloadavg"):
        return None
    load = os.getloadavg()[0]
    if load <= BUSY * available_cores():
        return None
    return (
        f"This machine is busy (load {load:.1f} on {available_cores()} cores): "
        "the figures will be wrong. Stop other programs first."
    )


def _processor() -> str | None:
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return None


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
