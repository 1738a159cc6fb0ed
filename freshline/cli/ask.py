"""`freshline ask`: one question, its answer with citations, and exactly as of when it is true."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, err, load, out, print_json
from freshline.cli.heard import Heard, address
from freshline.cli.past import AsOfSeq, AsOfTime, as_of_request, told
from freshline.cli.positions import After, positions_of, require_topic
from freshline.cli.where import Filter, Where, filter_of
from freshline.errors import UserError

if TYPE_CHECKING:
    from schemas.messages import AsOfRequest, Citation, Response, Staleness


_EXAMPLES = """Example:  freshline ask 'When is tea?' --collection notes --json

Only some documents:  freshline ask 'Who reigns?' --where 'year>=2000' --where country=France

The same as JSON:  freshline ask 'Who reigns?' --filter '{"year": {"$gte": 2000}, "country": "France"}'

See it being written:  freshline ask 'When is tea?' --stream

As fresh as you need:  freshline ask 'When is tea?' --max-staleness 2

What you have just published:  freshline publish tea.md | freshline ask 'When is tea?' --after -

What was the answer then:  freshline ask 'When is tea?' --as-of 2026-11-22T10:00Z"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog=_EXAMPLES)(ask)


def ask(
    *,
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    collection: Annotated[
        list[str] | None, typer.Option(help="Search only this one; may be repeated.")
    ] = None,
    k: Annotated[int, typer.Option(help="Chunks to retrieve.")] = 5,
    principal: Annotated[list[str] | None, typer.Option(help="Who is asking; may be repeated.")] = None,
    generate: Annotated[bool, typer.Option(help="Write an answer, or only retrieve.")] = True,
    where: Where = None,
    filter_: Filter = None,
    after: After = None,
    max_staleness: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="SECONDS", help="See every event that is so old or older, or say what is missed."
        ),
    ] = None,
    as_of: AsOfTime = None,
    as_of_seq: AsOfSeq = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.")] = 30.0,
    stream: Annotated[
        bool, typer.Option("--stream", help="Show the answer on stderr while it is made, unchecked.")
    ] = False,
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Ask a question and wait for its answer. Exit code 1 where the answer is an error."""
    from freshline.client import Asker  # noqa: PLC0415

    past = as_of_request(as_of, as_of_seq)
    if past is not None and max_staleness is not None:
        raise UserError(
            "--as-of asks for the past and --max-staleness for the present. Expected one of them."
        )
    condition = filter_of(filter_, where)
    positions = positions_of(after)
    settings = load(sets, config, ("kafka", "redis") if stream else ("kafka",)).settings
    require_topic(positions, settings.kafka)
    heard = Heard() if stream else None
    with (
        nullcontext() if heard else err().status("asking"),
        Asker(settings.kafka, tokens=address(settings) if heard else "") as asker,
    ):
        response = asker.ask(
            question,
            collections=tuple(collection) if collection else None,
            principals=tuple(principal or ()),
            k=k,
            generate=generate,
            after=positions,
            max_staleness=max_staleness,
            as_of=past,
            filter=condition,
            timeout=timeout,
            on_token=heard.show if heard else None,
        )
    if heard:
        heard.end()
    if as_json:
        print_json(response)
    else:
        _show(response, past)
        if condition is not None and response.status != "error" and not response.hits:
            _tell_empty(condition)
    if response.status == "error":
        raise typer.Exit(1)


def _tell_empty(condition: dict[str, object]) -> None:
    """Say how the filter was understood: a mistyped key or kind is no error, it only leaves nothing."""
    import json  # noqa: PLC0415

    said = json.dumps(condition, ensure_ascii=False)
    note = f"No passage that you may see meets {_one_line(said)} (names and kinds count: true is not 'True')."
    err().print(note, markup=False)


def _show(response: "Response", past: "AsOfRequest | None") -> None:
    from rich.text import Text  # noqa: PLC0415

    console = out()
    styles = {"answered": "bold", "abstained": "yellow", "error": "red"}
    console.print(Text(_answer(response), styles[response.status]))
    for number, citation in enumerate(response.citations, 1):
        console.print(Text(f"  [{number}] {_cited(citation)}", "dim"))
    if not response.citations:
        for hit in response.hits:
            console.print(
                Text(f"  {hit.score:.3f}  {hit.collection}/{hit.doc_id}  {_one_line(hit.text)[:160]}")
            )
    console.print(Text(_stamp(response, told(past if response.status != "error" else None)), "cyan"))


def _answer(response: "Response") -> str:
    if response.text:
        return _one_line(response.text)
    if response.status == "answered":
        return f"{len(response.hits)} passages:"
    return f"{response.status}: {response.code or 'the documents do not say'}"


def _cited(citation: "Citation") -> str:
    place = " > ".join(part for part in (citation.title, citation.heading) if part)
    where = f"{citation.collection}/{citation.doc_id} {citation.start}-{citation.end}"
    return f"“{_one_line(citation.quote)}” {place} ({where})"


def _stamp(response: "Response", begins: str) -> str:
    from freshline.client import not_durable  # noqa: PLC0415 - loads the Kafka client

    as_of = response.as_of
    if as_of is None:
        return f"{begins}: unknown"
    offsets = ", ".join(
        f"{topic}[{partition}] below {offset}"
        for topic, partitions in as_of.coverage.items()
        for partition, offset in sorted(partitions.items())
    )
    stale = _stale(response.stale) if response.stale else ""
    if response.partial:
        stale += f" PARTIAL, without shards {', '.join(map(str, response.partial.missing_shards))}"
    stages = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in response.timings.items())
    ahead = f", of them {count} not durable yet" if (count := not_durable(as_of)) else ""
    return f"{begins}{stale}: {offsets or 'no document yet'}{ahead} (manifest {as_of.seq}); {stages}"


def _stale(stale: "Staleness") -> str:
    """Say what was missed, and by how much."""
    if not stale.missing:
        return " PERHAPS STALE (the worker could not ask the broker what there is)"
    missed = ", ".join(
        f"{count} of {topic}[{partition}]"
        for topic, partitions in stale.missing.items()
        for partition, count in sorted(partitions.items())
    )
    return f" STALE{'' if stale.seconds is None else f' by {stale.seconds:.1f} s'}, without {missed}"


def _one_line(text: str) -> str:
    """Return text without line breaks and control characters: a document must not move the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
