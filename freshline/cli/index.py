"""`freshline index status`: segments, tiers, dead rows, sizes, and what compaction is due."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, err, load, out, print_json

if TYPE_CHECKING:
    from freshline.index.status import IndexStatus, ShardStatus
    from freshline.retrieval.inspection import ShardInside

    Insides = dict[tuple[int, int], ShardInside]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Look at the index.", no_args_is_help=True)
    group.command(epilog="Examples:  freshline index status   ·   freshline index status --deep")(status)
    group.callback()(lambda: None)  # one verb alone would take the group's name
    app.add_typer(group, name="index")


def status(
    deep: Annotated[
        bool, typer.Option("--deep", help="Open the segments: live and dead rows, recall of dense search.")
    ] = False,
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Show segments, runs by tier, sizes, and what compaction is due."""
    import msgspec  # noqa: PLC0415 - and what reads a lake: none of it is needed for --help

    from freshline.index.manifest import Manifest  # noqa: PLC0415
    from freshline.index.plan import Rules  # noqa: PLC0415
    from freshline.index.status import index_status  # noqa: PLC0415
    from freshline.lake.storage import Storage  # noqa: PLC0415
    from freshline.lake.tables import Lake  # noqa: PLC0415

    settings = load(sets, config, ("lake",)).settings
    storage = Storage(settings.lake.uri)
    state = Manifest(Lake(storage)).fold()
    rules = Rules(compact_at=settings.index.compact_at, garbage_ratio=settings.index.garbage_ratio)
    found = index_status(state, rules, settings.index.background_rows)
    inside = _inside(storage, state, found) if deep else {}
    if as_json:
        shown = msgspec.to_builtins(found, str_keys=True)
        for shard in shown["shards"]:
            shard.update(msgspec.to_builtins(inside.get((shard["generation"], shard["shard"]), {})))
        print_json(shown)
    else:
        _show(found, inside)


def _inside(storage: Any, state: Any, found: "IndexStatus") -> "Insides":
    from freshline.retrieval.inspection import look_inside  # noqa: PLC0415

    insides = {}
    with err().status("opening segments") as shown:
        for number, one in enumerate(found.shards, start=1):
            shown.update(f"opening the segments of shard {one.shard} ({number} of {len(found.shards)})")
            which = one.generation, one.shard
            insides[which] = look_inside(storage, state, *which)
    return insides


def _show(found: "IndexStatus", insides: "Insides") -> None:
    from rich.table import Table  # noqa: PLC0415

    if not found.shards:
        out().print(f"The index is empty (seq {found.seq}).")
        return
    columns = ["generation", "shard", "segments", "tier:runs", "rows", "states", "size"]
    columns += ["live", "dead", "recall"] if insides else []
    table = Table(*columns, title=f"index at seq {found.seq}", title_justify="left", box=None)
    for one in found.shards:
        table.add_row(*_cells(one), *_deep_cells(insides.get((one.generation, one.shard))))
    out().print(table)
    dues = [(one, due) for one in found.shards for due in one.due]
    for one, due in dues:
        what = f"{due.segments} segments, {due.rows:,} rows, by the rule of {due.why}"
        out().print(f"due: shard {one.shard}: {what}; {_WHO[due.where]}")


_WHO = {
    "stream": "the stream does it",
    "freshline compact": "too large for the stream: run freshline compact",
}


def _cells(one: "ShardStatus") -> list[str]:
    from rich.filesize import decimal  # noqa: PLC0415

    runs = " ".join(f"{tier}:{count}" for tier, count in one.runs.items())
    generation = f"{one.generation} {one.status}"
    size = decimal(one.bytes)
    return [generation, str(one.shard), str(one.segments), runs, f"{one.rows:,}", f"{one.states:,}", size]


def _deep_cells(inside: "ShardInside | None") -> list[str]:
    if inside is None:
        return []
    recall = "exact" if inside.recall is None else f"{inside.recall:.3f}"
    return [f"{inside.live:,}", f"{inside.dead:,}", recall]
