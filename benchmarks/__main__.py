"""`python -m benchmarks NAME [--json FILE]`."""

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from freshline.errors import UserError

NAMES = {
    "ingest": "streaming ingest ÷ bare embedding loop; publish → retrievable",
    "factbook": "a year of real edits through Kafka: does everything agree, and is the newest fact found",
    "chunking": "gold passages met at equal retrieved tokens, against recursive splitting; locality; speed",
    "retrieval": "public sets through the pipeline: each mode, against exact search; needs FRESHLINE_EVAL_DATA",
    "fusion": "rules of making dense and lexical rankings one, on the development sets; needs FRESHLINE_EVAL_DATA",
    "reranking": "late interaction over the first stage: gain and time; needs FRESHLINE_EVAL_DATA",
    "poison": "10,000 messages of which a tenth is bad: what that costs the good ones; each letter counted",
    "latency": "one hybrid query at 200,000 chunks beside raw FAISS and raw tantivy; dense search under filters",
    "access": "100,000 pairs of principals and question against brute force; recall at every selectivity",
    "abstention": "answered rates of the extractive generator by threshold",
}
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.command(epilog="Example:  python -m benchmarks ingest --json ingest.json")
def run(
    name: Annotated[str, typer.Argument(help="; ".join(f"{k}: {v}" for k, v in NAMES.items()))],
    json: Annotated[Path | None, typer.Option(help="write every figure to this file")] = None,
    table: Annotated[Path | None, typer.Option(help="write the figures as a Markdown table")] = None,
    seed: Annotated[int, typer.Option(help="order of the documents")] = 1,
    quick: Annotated[bool, typer.Option(help="one short repetition, to see that it runs")] = False,
) -> None:
    """Run one benchmark; exit 1 if a goal is missed."""
    if name not in NAMES:
        raise UserError(f"no benchmark {name!r}; there is: {', '.join(NAMES)}")
    report = importlib.import_module(f"benchmarks.{name}").measure(seed=seed, quick=quick)
    report.show()
    if json:
        report.write(json)
    if table:
        table.write_text(report.markdown(), encoding="utf-8")
    if any(figure.holds is False for figure in report.figures):
        raise typer.Exit(1)


if __name__ == "__main__":
    try:
        app(prog_name="python -m benchmarks")
    except UserError as error:
        sys.exit(f"error: {error}")
