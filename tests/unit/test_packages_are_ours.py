"""`streaming` is also another project's import name: a foreign one must never be imported in place of ours."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "freshline", "streaming", "batch", "serving")


@pytest.mark.parametrize("name", PACKAGES)
def test_package_is_this_projects(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / name / "__init__.py"


def test_from_outside_the_tree_too(tmp_path: Path) -> None:
    script = (
        "import " + ", ".join(PACKAGES) + "\n" + "".join(f"print({name}.__file__)\n" for name in PACKAGES)
    )
    printed = subprocess.run(
        [sys.executable, "-I", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert [Path(line).resolve() for line in printed] == [ROOT / name / "__init__.py" for name in PACKAGES]


@pytest.mark.parametrize("name", PACKAGES[2:])
def test_no_module_is_named_like_one_of_the_standard_library(name: str) -> None:
    names = {path.stem for path in (ROOT / name).rglob("*.py")} - {"__init__", "__main__"}
    assert not names & sys.stdlib_module_names
