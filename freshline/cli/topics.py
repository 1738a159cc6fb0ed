"""`freshline topics plan | apply | check`: a cluster's topics against their contracts."""

from collections.abc import Sequence

import typer

from freshline.cli.common import ConfigFile, Sets, load, out


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Compare a cluster's topics with their contracts.", no_args_is_help=True)
    group.command(epilog="Example:  freshline topics plan --set kafka.bootstrap=localhost:9092")(plan)
    group.command(epilog="Example:  freshline topics apply")(apply)
    group.command(epilog="Example:  freshline topics check && echo fine")(check)
    app.add_typer(group, name="topics")


def plan(sets: Sets = None, config: ConfigFile = None) -> None:
    """Say what `apply` would do."""
    from freshline import topics  # noqa: PLC0415

    _say(topics.plan(load(sets, config, ("kafka",)).settings.kafka), "Nothing to do.")


def apply(sets: Sets = None, config: ConfigFile = None) -> None:
    """Create and configure what is missing; never deletes anything."""
    from freshline import topics  # noqa: PLC0415

    _say(topics.apply(load(sets, config, ("kafka",)).settings.kafka), "Nothing to do.")


def check(sets: Sets = None, config: ConfigFile = None) -> None:
    """Say what differs; exit code 1 where anything does."""
    from freshline import topics  # noqa: PLC0415

    found = topics.check(load(sets, config, ("kafka",)).settings.kafka)
    _say(found, "All topics are as their contracts say.")
    if found:
        raise typer.Exit(1)


def _say(lines: Sequence[object], otherwise: str) -> None:
    from rich.text import Text  # noqa: PLC0415

    for line in lines or [otherwise]:
        out().print(Text(str(line)))
