"""How dead letters look: tables for a person, plain values for --json. Nothing of a record is printed unescaped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from freshline.cli.common import out

if TYPE_CHECKING:
    from freshline.dead_letters.candidate import Judged
    from freshline.dead_letters.letters import Letter
    from freshline.dead_letters.listing import Listing
    from freshline.dead_letters.replay import Replay
    from freshline.transport.port import Record

_KEY_SHOWN = 40


def escaped(value: bytes) -> str:
    r"""Return bytes as one line of printable ASCII.

    >>> escaped(b"caf\xc3\xa9\x1b[2J")
    'caf\\xc3\\xa9\\x1b[2J'
    """
    return value.decode("latin-1").encode("unicode_escape").decode("ascii")


def show_listing(listing: "Listing") -> None:
    """Print the newest letters, then the counts."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not listing.codes:
        out().print("No dead letters.")
        return
    table = Table("time (UTC)", "position", "code", "key", "bytes")
    for letter in listing.newest:
        told = letter.told
        cells = (_time(told.rejected_at), str(letter.place), told.code, _key(letter), f"{told.size:,}")
        table.add_row(*map(Text, map(_safe, cells)))
    out().print(table)
    counts = ", ".join(f"{code} {number:,}" for code, number in listing.codes.most_common())
    shown = f"{len(listing.newest):,} of {listing.codes.total():,} letters"
    out().print(Text(_safe(f"{shown}; {counts}")))


def listing_json(listing: "Listing") -> object:
    """Return the same as plain values."""
    return {
        "letters": [_plain(letter) for letter in listing.newest],
        "codes": dict(listing.codes.most_common()),
    }


def show_letter(judged: "Judged", record: "Record | None", *, value: bool) -> None:
    """Print a whole letter, its meaning, the remedy, and what replaying would mean."""
    from rich.text import Text  # noqa: PLC0415

    for name, text in _lines(judged):
        out().print(Text(f"{name:<10}", "dim").append(_safe(text), "default"))
    if value:
        whole = "gone" if record is None else "null" if record.value is None else escaped(record.value)
        out().print(Text(f"{'value':<10}", "dim").append(whole, "default"))


def letter_json(judged: "Judged", record: "Record | None") -> object:
    """Return the same as plain values."""
    extra = {} if record is None else {"value": None if record.value is None else escaped(record.value)}
    return {**_judged(judged), **dict(_lines(judged)[-3:-1]), **extra}


def show_plan(plan: "Replay", judged: "Sequence[Judged]") -> None:
    """Print a line for each letter: whether it is to be published, and why not."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not judged:
        out().print("No dead letters.")
        return
    table = Table("position", "code", "key", "replay")
    for one in judged:
        verdict = f"{one.verdict}: {one.why}" if one.why else one.verdict.value
        style = "green" if plan.allows(one) else "yellow"
        cells = (str(one.letter.place), one.letter.told.code, _key(one.letter))
        table.add_row(*map(Text, map(_safe, cells)), Text(_safe(verdict), style))
    out().print(table)


def show_published(
    judged: "Sequence[Judged]", published: "Sequence[Letter]", agreed: "Sequence[Letter]"
) -> None:
    """Print how many were published; name those that a second look has ruled out."""
    from rich.text import Text  # noqa: PLC0415

    ruled_out = set(agreed) - set(published)
    out().print(f"{len(published):,} published again, {len(judged) - len(published):,} not.")
    for one in judged:
        if one.letter in ruled_out and one.why:
            out().print(Text(_safe(f"  {one.letter.place}  {one.verdict}: {one.why}"), "yellow"))
    if published:
        out().print("Whatever is refused again is a new letter: freshline dlq list --since 5m")


def replay_json(judged: "Sequence[Judged]", published: "Sequence[Letter]") -> object:
    """Return verdicts, and what was published."""
    written = set(published)
    return [{**_judged(one), "published": one.letter in written} for one in judged]


def _lines(judged: "Judged") -> list[tuple[str, str]]:
    from freshline.dead_letters.remedies import remedy  # noqa: PLC0415
    from schemas.reject import REJECT_CODES  # noqa: PLC0415

    letter, told = judged.letter, judged.letter.told
    return [
        ("position", str(letter.place)),
        ("time", _time(told.rejected_at)),
        ("key", "none" if letter.key is None else escaped(letter.key)),
        ("size", f"{told.size:,} bytes"),
        ("sha256", told.sha256),
        ("preview", told.preview),
        ("code", told.code),
        ("detail", escaped(told.detail.encode()) or "none"),
        ("meaning", REJECT_CODES.get(told.code, "a code of another release")),
        ("remedy", remedy(told.code)),
        ("replay", f"{judged.verdict}: {judged.why}" if judged.why else judged.verdict.value),
    ]


def _judged(one: "Judged") -> dict[str, object]:
    return {**_plain(one.letter), "replay": one.verdict.value, "why": one.why}


def _plain(letter: "Letter") -> dict[str, object]:
    told = letter.told
    return {
        "position": str(letter.place),
        "topic": told.topic,
        "partition": told.partition,
        "offset": told.offset,
        "key": None if letter.key is None else escaped(letter.key),
        "code": told.code,
        "detail": told.detail,
        "sha256": told.sha256,
        "size": told.size,
        "preview": told.preview,
        "rejected_at": told.rejected_at,
    }


def _key(letter: "Letter") -> str:
    if letter.key is None:
        return "none"
    text = escaped(letter.key)
    return text if len(text) <= _KEY_SHOWN else text[: _KEY_SHOWN - 1] + "…"


def _safe(text: str) -> str:
    """Return text that cannot act on a terminal: whoever may write to a dead-letter topic could write anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
