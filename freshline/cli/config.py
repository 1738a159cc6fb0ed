"""`freshline config show`: every setting's value and where it came from."""

from typing import Annotated

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, load, out, print_json


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(help="Look at the settings.", no_args_is_help=True)
    group.command(epilog="Example:  freshline config show kafka")(show)
    group.callback()(_group)
    app.add_typer(group, name="config")


def _group() -> None:
    """Look at the settings."""


def show(
    section: Annotated[str, typer.Argument(help="Only settings whose name begins so.")] = "",
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Print each setting with its value and its origin."""
    from freshline import config as settings  # noqa: PLC0415

    loaded = load(sets, config)
    rows = {
        key: (hidden(value), loaded.origin(key))
        for key, value in settings.values(loaded).items()
        if key.startswith(section)
    }
    if as_json:
        print_json({key: {"value": value, "origin": origin} for key, (value, origin) in rows.items()})
    else:
        _table(rows)


def hidden(value: object) -> object:
    """Return a value with the password of a URL left out.

    >>> hidden("rediss://app:secret@cache:6379/0")
    'rediss://app:…@cache:6379/0'
    """
    if isinstance(value, str) and "://" in value and "@" in value:
        scheme, _, rest = value.partition("://")
        user, _, host = rest.rpartition("@")
        return f"{scheme}://{user.partition(':')[0]}:…@{host}"
    return value


def _table(rows: dict[str, tuple[object, str]]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from freshline.config_keys import help_of  # noqa: PLC0415

    table = Table("setting", "value", "origin", "meaning")
    for key, (value, origin) in rows.items():
        style = "" if origin == "default" else "bold"
        table.add_row(
            Text(key, style), Text(_text(value), style), Text(origin, style), Text(help_of(key), "dim")
        )
    out().print(table)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
