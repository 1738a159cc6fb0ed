"""Values typed at a shell: a JSON scalar where the text is one, else the text itself. For --where and --meta."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from freshline.errors import UserError

Meta = Annotated[
    list[str] | None,
    typer.Option(
        "--meta",
        metavar="KEY=VALUE",
        help="Metadata of the documents, such as year=2000 or country=France; to filter by. May be repeated.",
    ),
]


def scalar(text: str) -> Any:
    """Return the JSON scalar that a text is, or else the text: 2000, 1.5, true, null, "2000"."""
    try:
        value = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):  # Python's reader goes as deep as the text does
        return text
    return text if isinstance(value, dict | list) else value


def metadata_of(given: Sequence[str] | None) -> dict[str, Any]:
    """Return what --meta says: ["year=2000", "note=a=b"] -> {"year": 2000, "note": "a=b"}. Raises UserError."""
    found: dict[str, Any] = {}
    for one in given or ():
        key, equals, value = one.partition("=")
        if not key or not equals:
            raise UserError(f"--meta: found {one!r}, expected KEY=VALUE such as year=2000.")
        if key in found:
            raise UserError(f"--meta names {key!r} twice, expected each key once.")
        found[key] = scalar(value)
    return found


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's reader would take. For json.loads(parse_constant=…)."""
    raise ValueError(f"{name} is not JSON")
