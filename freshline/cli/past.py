"""`freshline ask --as-of …`: what was asked for, as the message says it, and as the stamp of the answer tells it."""

from typing import TYPE_CHECKING, Annotated

import typer

from freshline.errors import UserError

if TYPE_CHECKING:
    from schemas.messages import AsOfRequest

AsOfTime = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Answer from what was live then: 2026-11-22T10:00Z."),
]
AsOfSeq = Annotated[
    int | None,
    typer.Option(
        "--as-of-seq", metavar="N", min=0, help="The same by the number of a manifest, as a stamp shows it."
    ),
]


def as_of_request(time: str | None, seq: int | None) -> "AsOfRequest | None":
    """Return the past that is asked for, None = now. Raises UserError."""
    from datetime import datetime  # noqa: PLC0415

    from schemas.messages import AsOfRequest  # noqa: PLC0415

    if time is None:
        return None if seq is None else AsOfRequest(seq=seq)
    if seq is not None:
        raise UserError("--as-of and --as-of-seq both say when. Expected one of them.")
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise UserError(f"--as-of is {time!r}. Expected a time with its zone, such as 2026-11-22T10:00Z.")
    return AsOfRequest(time=parsed)


def told(past: "AsOfRequest | None") -> str:
    """Return how a stamp begins: whether an answer is about now or about the past."""
    if past is None:
        return "as of"
    if past.time is None:
        return f"THE PAST, seq {past.seq}, as of"
    return f"THE PAST, {past.time.isoformat(timespec='seconds')}, as of"
