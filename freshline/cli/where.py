"""The options --filter and --where of `freshline ask`: text typed at a shell becomes a filter. Knows no Kafka."""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from freshline.cli.scalars import refuse_constant, scalar
from freshline.errors import UserError

Filter = Annotated[
    str | None,
    typer.Option(
        "--filter", metavar="JSON", help='Only documents that meet it, such as \'{"year": {"$gte": 2000}}\'.'
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY OP VALUE",
        help="A simpler filter, such as year>=2000 or country=France; OP is = != > >= < <= or ^= (begins with). "
        "May be repeated: all must hold.",
    ),
]

_OPERATORS = {
    "=": "$eq", "==": "$eq", "!=": "$ne", ">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte", "^=": "$prefix",
}  # fmt: skip
#: A key that holds = < > needs --filter; a text that begins with one of them is quoted.
_WHERE = re.compile(r"\s*([^=<>]*[^=<>!^\s])\s*(==|!=|>=|<=|\^=|=|>|<)\s*(?![=<>])(.*?)\s*", re.DOTALL)


def filter_of(given: str | None, where: Sequence[str] | None) -> dict[str, Any] | None:
    """Return the filter that both options ask for together, None without any. Raises UserError."""
    from schemas.conditions import InvalidFilter, parse  # noqa: PLC0415

    parts = ([] if given is None else [_object(given)]) + [_comparison(one) for one in where or ()]
    if not parts:
        return None
    for part in parts:
        try:
            parse(part)
        except InvalidFilter as exc:
            raise UserError(f"this filter says nothing: {exc}") from None
    return parts[0] if len(parts) == 1 else {"$and": parts}


def _comparison(text: str) -> dict[str, Any]:
    """Return the filter of one --where.

    year>=2000 -> {"year": {"$gte": 2000}}    country=France -> {"country": {"$eq": "France"}}
    """
    found = _WHERE.fullmatch(text)
    if found is None:
        raise UserError(
            f"--where: found {text!r}, expected KEY OP VALUE such as year>=2000; OP is one of "
            f"{' '.join(_OPERATORS)} (quote it, so that the shell does not read > and <)"
        )
    name, operator, value = found.groups()
    return {name: {_OPERATORS[operator]: value if operator == "^=" else scalar(value)}}


def _object(text: str) -> dict[str, Any]:
    expected = 'expected a JSON object such as {"year": {"$gte": 2000}}'
    try:
        value = json.loads(text, parse_constant=refuse_constant)
    except ValueError as exc:
        place = f" at character {exc.pos + 1}" if isinstance(exc, json.JSONDecodeError) else ""
        raise UserError(f"--filter: not JSON{place}; {expected}, in single quotes at a shell") from None
    except RecursionError:  # Python's reader goes as deep as the text does
        raise UserError(f"--filter: nested too deeply; {expected}") from None
    if not isinstance(value, dict):
        raise UserError(f"--filter: found {text[:40]!r}, {expected}")
    return value
