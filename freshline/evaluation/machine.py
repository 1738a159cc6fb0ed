"""What figures depend on beside the code: processor, system, versions of the libraries that do the work."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_FLAGS = ("amx_tile", "avx512f", "avx2")


def machine() -> dict[str, str | int]:
    """Return processor with its best vector unit, cores, system, Python."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed versions; what is not installed is left out."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = named.get("flags", "").split()
    best = next((flag for flag in _FLAGS if flag in flags), "")
    return f"{named.get('model name', platform.processor() or 'unknown')} {best}".strip()
