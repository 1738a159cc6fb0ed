"""What figures depend on beside the code: processor, system, versions of the libraries that do the work."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_FLAGS = ("amx_tile", "avx512f", "avx2")
#: What libraries choose their inner loops by, as far as a figure may depend on it.
_TOLD = (*_FLAGS, "amx_bf16", "avx512_bf16", "avx512_vnni", "avx_vnni", "fma", "hypervisor")
_KIB_PER_GIB = 1024 * 1024


def machine() -> dict[str, str | int]:
    """Return processor with its best vector unit, its flags that count, cores, memory, system, kernel, Python."""
    return {
        "cpu": _cpu(),
        "flags": " ".join(flag for flag in _TOLD if flag in _info().get("flags", "").split()),
        "cores": os.cpu_count() or 0,
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "kernel": platform.release(),
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
    named = _info()
    flags = named.get("flags", "").split()
    best = next((flag for flag in _FLAGS if flag in flags), "")
    return f"{named.get('model name', platform.processor() or 'unknown')} {best}".strip()


def _info() -> dict[str, str]:
    """Return what Linux says of the last processor, {} elsewhere."""
    return _fields(Path("/proc/cpuinfo"))


def _memory() -> str:
    total = _fields(Path("/proc/meminfo")).get("MemTotal", "").removesuffix(" kB")
    return f"{round(int(total) / _KIB_PER_GIB)} GiB" if total.isdigit() else "unknown"


def _fields(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}
