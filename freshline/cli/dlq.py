"""`freshline dlq list | show | replay`: what was refused, why, and publishing it again once the cause is mended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, err, load, print_json
from freshline.errors import UserError

if TYPE_CHECKING:
    from freshline.dead_letters.candidate import Judged
    from freshline.dead_letters.desk import Desk
    from freshline.dead_letters.letters import Letter
    from freshline.dead_letters.replay import Replay

Topic = Annotated[
    str, typer.Option("--topic", metavar="documents|queries", help="Only letters of this topic's records.")
]
Code = Annotated[list[str] | None, typer.Option("--code", help="Only this reason code; may be repeated.")]
Since = Annotated[str, typer.Option("--since", help="Letters written since: 90s, 30m, 24h, 7d, or all.")]
PlaceWord = Annotated[str, typer.Argument(metavar="POSITION", help="TOPIC:PARTITION:OFFSET of the record.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Look at refused records and publish them again.", no_args_is_help=True)
    group.command(
        "list",
        epilog="Examples:  freshline dlq list --since 24h   ·   freshline dlq list --code too_large --json",
    )(list_letters)
    group.command(
        epilog="Examples:  freshline dlq show documents:2:41   ·   "
        "freshline dlq show documents:2:41 --save mended.json"
    )(show)
    group.command(
        epilog="Examples:  freshline dlq replay documents:2:41   ·   freshline dlq replay --code unknown_collection"
        "   ·   freshline dlq replay documents:2:41 --file mended.json"
    )(replay)
    app.add_typer(group, name="dlq")


def list_letters(
    *,
    code: Code = None,
    topic: Topic = "",
    since: Since = "7d",
    limit: Annotated[int, typer.Option(min=1, help="Newest letters to show.")] = 50,
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Show the newest letters, and how many there are of each reason code."""
    from freshline.cli import dlq_view  # noqa: PLC0415
    from freshline.dead_letters.listing import gather  # noqa: PLC0415

    desk = _desk(sets, config)
    with _progress("reading letters") as progress:
        listing = gather(desk.letters(topic, code, since, progress), limit)
    if as_json:
        print_json(dlq_view.listing_json(listing))
    else:
        dlq_view.show_listing(listing)


def show(
    *,
    position: PlaceWord,
    value: Annotated[bool, typer.Option("--value", help="Print the record's bytes, escaped.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write the record's value to this new file.")] = None,
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Show one letter, what its code means, what to do, and whether its record may come back."""
    from freshline.cli import dlq_view  # noqa: PLC0415

    if save is not None and save.exists():
        raise UserError(f"{save} exists already; expected a new file, so that nothing is overwritten")
    desk = _desk(sets, config)
    with _progress("looking") as progress:
        letter = desk.find([position], progress)[0]
        judged = desk.replay(letter).judge(desk.log, [letter], progress)[0]
        record = desk.original(letter) if value or save is not None else None
    if save is not None:
        _save(save, record)
    if as_json:
        print_json(dlq_view.letter_json(judged, record if value else None))
    else:
        dlq_view.show_letter(judged, record, value=value)


def replay(
    *,
    positions: Annotated[
        list[str] | None, typer.Argument(metavar="POSITION…", help="TOPIC:PARTITION:OFFSET of each record.")
    ] = None,
    code: Code = None,
    topic: Topic = "documents",
    since: Since = "7d",
    file: Annotated[
        Path | None, typer.Option(help="Publish this value instead, under the key that its body asks for.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also what is superseded, hopeless, expired or published again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Publish refused records again, as they were. Exit code 1 where a record that was named was not published."""
    from freshline.cli import dlq_view  # noqa: PLC0415

    if bool(positions) == bool(code):
        raise UserError(
            "name either the POSITIONs of records or a --code, as `freshline dlq list` shows them"
        )
    fixed, desk = _read(file), _desk(sets, config)
    with _progress("looking") as progress:
        letters = _chosen(desk, positions, code, topic, since, progress)
        plan = desk.replay(*letters, force=force, fixed=fixed)
        judged = plan.judge(desk.log, letters, progress)
    agreed = [one.letter for one in judged if plan.allows(one)]
    if not as_json:
        dlq_view.show_plan(plan, judged)
    published: list[Letter] = []
    if agreed and not dry_run and (yes or _confirmed(len(agreed))):
        judged = _again(judged, _publish(desk, plan, agreed))
        asked = set(agreed)
        published = [one.letter for one in judged if one.letter in asked and plan.allows(one)]
    if as_json:
        print_json(dlq_view.replay_json(judged, published))
    elif not dry_run:
        dlq_view.show_published(judged, published, agreed)
    if positions and not dry_run and len(published) < len(letters):
        raise typer.Exit(1)


def _chosen(
    desk: "Desk",
    positions: Sequence[str] | None,
    code: Sequence[str] | None,
    topic: str,
    since: str,
    progress: Any,
) -> "list[Letter]":
    from freshline.dead_letters.letters import distinct  # noqa: PLC0415

    if positions:
        return desk.find(positions, progress)
    return distinct(desk.letters(topic, code, since, progress))


def _publish(desk: "Desk", plan: "Replay", letters: "Sequence[Letter]") -> "list[Judged]":
    with _progress("publishing") as progress:
        return plan.publish(desk.log, letters, progress, progress)


def _again(first: "list[Judged]", again: "list[Judged]") -> "list[Judged]":
    """Return the first verdicts, with those of the second look in their places."""
    newer = {one.letter: one for one in again}
    return [newer.get(one.letter, one) for one in first]


def _confirmed(number: int) -> bool:
    return typer.confirm(f"Publish {number} record{'s' if number > 1 else ''} again?", err=True)


def _read(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"--file {file}: {error.strerror}; expected a file that can be read") from error


def _save(file: Path, record: Any) -> None:
    if record is None or record.value is None:
        raise UserError(f"nothing to write to {file}: the record is gone, or its value is null")
    with file.open("xb") as opened:
        opened.write(record.value)


def _desk(sets: list[str] | None, config: Path | None) -> "Desk":
    from freshline.clock import SystemClock  # noqa: PLC0415
    from freshline.dead_letters.desk import Desk  # noqa: PLC0415
    from freshline.transport.kafka import open_log  # noqa: PLC0415

    kafka = load(sets, config, ("kafka",)).settings.kafka
    with err().status("connecting"):
        log = open_log(kafka)
    return Desk(log, kafka, SystemClock())


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    with err().status(what) as status:
        yield lambda number: status.update(f"{what}: {number:,} records")
