"""A cell's number as its reader expects it: dates in ISO 8601, no 3.0 for 3, shares with their sign.

    45413      under "yyyy-mm-dd"   "2024-05-01"        0.25   under "0.0%"     "25%"
    45413.5625 under 22             "2024-05-01 13:30"  3.0    under "General"  "3"

A date is a number of days; day 60 of the 1900 system is 29 February 1900, which never was. Source: ECMA-376, part 1,
18.8.30 (formats), 18.17.4 (dates). Colours, currencies and the number of decimals are not kept.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from freshline.parsing.ooxml import Element

_SHARE = frozenset({9, 10})
_DATE = frozenset({*range(14, 18), *range(27, 37), *range(50, 59)})
_TIME = frozenset({*range(18, 22), 45, 47})
_BOTH = 22
_ELAPSED = 46
#: What is no code: text in quotes, characters behind \ _ or *, colours and conditions in brackets.
_LITERAL = re.compile(r'"[^"]*"|[\\_*].|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE | re.DOTALL)
_LAST_DAY = 2_958_466  # 31 December 9999 is the last
_NEVER_WAS = 60
_DAY = 86_400
#: Digits that a 64-bit float holds for certain: 0.1 + 0.2 is 0.3.
_DIGITS = 15


class _Kind(Enum):
    NUMBER = 0
    SHARE = 1
    DATE = 2
    TIME = 3
    BOTH = 4
    ELAPSED = 5


class Formats:
    """What the styles of one workbook make of numbers."""

    def __init__(self, styles: Element | None, *, since_1904: bool = False) -> None:
        self._base = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - no zone in Excel
        self._since_1904 = since_1904
        self._kinds = _kinds(styles)

    def text(self, stored: str, style: str) -> str:
        """Return what a number, as it is stored, is to a reader under the style of this index."""
        kind = self._kinds.get(style, _Kind.NUMBER)
        try:
            number = float(stored)
        except ValueError:
            return stored
        if kind is _Kind.SHARE:
            return f"{_plain(number * 100)}%"
        if kind is _Kind.NUMBER or not 0 <= number < _LAST_DAY:
            return _plain(number)
        return _elapsed(number) if kind is _Kind.ELAPSED else self._moment(number, kind)

    def _moment(self, number: float, kind: _Kind) -> str:
        seconds = round(number * _DAY)
        early = not self._since_1904 and seconds < _NEVER_WAS * _DAY
        moment = self._base + timedelta(days=1 if early else 0, seconds=seconds)
        time = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
        if kind is _Kind.TIME:
            return time
        date = moment.date().isoformat()
        return date if kind is _Kind.DATE else f"{date} {time}"


def _kinds(styles: Element | None) -> Mapping[str, _Kind]:
    """Return what each style of a cell, by its index, makes of a number."""
    if styles is None:
        return {}
    codes = {e.get("numFmtId"): e.get("formatCode", "") for e in styles.iterfind("{*}numFmts/{*}numFmt")}
    found = (e.get("numFmtId", "0") for e in styles.iterfind("{*}cellXfs/{*}xf"))
    return {str(i): _custom(codes[n]) if n in codes else _builtin(n) for i, n in enumerate(found)}


def _builtin(number: str) -> _Kind:
    of = int(number) if number.isdecimal() else 0
    if of in _SHARE:
        return _Kind.SHARE
    if of in _DATE:
        return _Kind.DATE
    if of in _TIME:
        return _Kind.TIME
    return {_BOTH: _Kind.BOTH, _ELAPSED: _Kind.ELAPSED}.get(of, _Kind.NUMBER)


def _custom(code: str) -> _Kind:
    """Return the kind of a format's first section, the one for positive numbers."""
    code = _LITERAL.sub("", code).split(";")[0].lower()
    if code == "general":
        return _Kind.NUMBER
    if "[" in code:
        return _Kind.ELAPSED
    time = "h" in code or "s" in code
    date = "y" in code or "d" in code or ("m" in code and not time)
    if date or time:
        return _Kind.BOTH if date and time else _Kind.DATE if date else _Kind.TIME
    return _Kind.SHARE if "%" in code else _Kind.NUMBER


def _elapsed(days: float) -> str:
    minutes, seconds = divmod(round(days * _DAY), 60)
    text = f"{minutes // 60}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def _plain(number: float) -> str:
    if number.is_integer() and abs(number) < 10**_DIGITS:
        return str(int(number))
    return f"{number:.{_DIGITS}g}"
