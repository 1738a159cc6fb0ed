"""Where the public evaluation data lies: the folder that FRESHLINE_EVAL_DATA names. Knows no data set."""

import os
from pathlib import Path

from freshline.errors import UserError

VARIABLE = "FRESHLINE_EVAL_DATA"


def folder(name: str) -> Path:
    """Return the folder of one data set. Raises UserError where it is not there."""
    root = os.environ.get(VARIABLE, "")
    found = Path(root) / name
    if not root or not found.is_dir():
        raise UserError(
            f"{VARIABLE} is {root!r}: expected a folder that holds {name}/ (docs/benchmarks says where it is from)."
        )
    return found
