"""What every verb shares: the options --set and --config, loaded settings, and where text goes.

Answers and tables go to stdout, progress and errors to stderr, so that output can be piped. The command line is a
composition root: this is the file that reads the environment.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from freshline.config import Loaded

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as spark.tasks=1; may be repeated."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings file instead of ./freshline.toml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]


def environment() -> Mapping[str, str]:
    """Return this process's environment."""
    return os.environ


def load(sets: Iterable[str] | None, file: Path | None, needs: Iterable[str] | None = ()) -> "Loaded":
    """Return the settings; needs: parts whose addresses must be known; None = leave the addresses as they are set."""
    from freshline import config  # noqa: PLC0415

    loaded = config.load(list(sets or ()), environment(), file)
    return loaded if needs is None else config.with_addresses(loaded, needs)


def out() -> "Console":
    """Return the console of results."""
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False, soft_wrap=True)


def err() -> "Console":
    """Return the console of progress and errors."""
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Print one value as one line of JSON."""
    import msgspec  # noqa: PLC0415

    typer.echo(msgspec.json.encode(value).decode())
