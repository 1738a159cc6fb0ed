"""`python -m benchmarks NAME [--json FILE]`, `python -m benchmarks all`, `python -m benchmarks publish`."""

import importlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import suite
from benchmarks.names import NAMES, is_there
from benchmarks.publish import publish
from freshline.errors import UserError

_FOLDER = Path("docs/benchmarks")
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

Seed = Annotated[int, typer.Option(help="what is drawn, and in which order")]
Quick = Annotated[bool, typer.Option(help="one short repetition, to see that it runs: no figure to keep")]


def _one(name: str) -> Callable[..., None]:
    def run(
        json: Annotated[Path | None, typer.Option(help="write every figure to this file")] = None,
        table: Annotated[Path | None, typer.Option(help="write the figures as a Markdown table")] = None,
        seed: Seed = 1,
        quick: Quick = False,
    ) -> None:
        if not is_there(name):
            raise UserError(f"the benchmark {name!r} is planned and not there yet")
        began = datetime.now(UTC)
        report = importlib.import_module(f"benchmarks.{name}").measure(seed=seed, quick=quick)
        report.show()
        if json:
            report.write(json, began=began)
        if table:
            table.write_text(report.markdown(), encoding="utf-8")
        if any(figure.holds is False for figure in report.figures):
            raise typer.Exit(1)

    return run


for _name, _benchmark in NAMES.items():
    app.command(_name, help=f"{_benchmark.what}. Exit 1 if a goal is missed.")(_one(_name))


@app.command("all", epilog="Example:  python -m benchmarks all --quick --out build/quick")
def run_all(
    only: Annotated[list[str] | None, typer.Argument(help="these; by default those of `make bench`")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the JSON; docs/benchmarks by default")] = None,
    seed: Seed = 1,
    quick: Quick = False,
) -> None:
    """Run every benchmark of `make bench`, each in a process; exit 1 if one failed or missed a goal."""
    folder = out or (Path("build/benchmarks-quick") if quick else _FOLDER)
    if quick and folder.resolve() == _FOLDER.resolve():
        raise UserError(f"figures of --quick are none to keep in {_FOLDER}: name another folder with --out")
    outcomes = suite.run_all(suite.chosen(only or ()), folder, seed=seed, quick=quick)
    print(f"==> {sum(one.seconds for one in outcomes):,.0f} s in all; figures are in {folder}")
    for line in suite.summary(outcomes):
        print(f"    {line}")
    if not suite.good(outcomes):
        raise typer.Exit(1)


@app.command("publish", epilog="Example:  python -m benchmarks publish")
def publish_page(
    folder: Annotated[Path, typer.Option("--from", help="folder of the JSON files")] = _FOLDER,
) -> None:
    """Write the page of all figures, with plots, from the JSON files: docs/benchmarks.md."""
    print(f"written: {publish(folder)}")


if __name__ == "__main__":
    try:
        app(prog_name="python -m benchmarks")
    except UserError as error:
        sys.exit(f"error: {error}")
