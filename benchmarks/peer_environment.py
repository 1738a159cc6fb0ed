"""A peer's Python: an environment of its own in the user's cache, made by the benchmark that needs it.

Nothing of Freshline depends on a peer. Its packages come first there and this environment's after them, so that a peer
may run Freshline's own parser and embedder beside its own libraries.
"""

import os
import site
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_cache_path

from freshline.errors import MissingPart

_INSTALL_WITHIN = 900.0  # seconds; 1.6 GB took 100
_DONE = "installed"


def peer_python(*requirements: str) -> Path:
    """Return the interpreter of an environment with exactly these, e.g. "pathway==0.33.0". Raises MissingPart.

    The first call installs them with pip; a half-made environment is made again.
    """
    root = user_cache_path("freshline", False) / "peers" / "-".join(requirements).replace("==", "-")
    python = root / "bin" / "python"
    if (root / _DONE).exists():
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(root)], "make an environment")
    _run([str(python), "-m", "pip", "install", "--quiet", *requirements], f"install {' '.join(requirements)}")
    _see_our_packages(root)
    (root / _DONE).touch()
    return python


def peer_environ() -> Mapping[str, str]:
    """Return the environment variables that a peer starts with: ours are importable, nothing is fetched or told.

    Pathway reports only with a licence key or to a server that is named: neither is passed on.
    """
    ours = str(Path(__file__).parents[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATHWAY_")}
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, [ours, os.environ.get("PYTHONPATH", "")])),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "DO_NOT_TRACK": "1",
    }


def _see_our_packages(root: Path) -> None:
    (folder,) = (root / "lib").glob("python*/site-packages")
    (folder / "zz_after.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")


def _run(argv: list[str], what: str) -> None:
    try:
        subprocess.run(argv, check=True, capture_output=True, text=True, timeout=_INSTALL_WITHIN)
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
        raise MissingPart(
            f"the benchmark could not {what}: {' '.join(said)}. It needs the network once; the side "
            "that it measures against is left out without it."
        ) from error
