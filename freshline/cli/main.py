"""The command line's root: which verbs there are, and how each failure is told.

A user's mistake is one red line and exit code 2; something that may pass (a broker that is away) the same with 1;
Ctrl-C is 130 without a trace; anything else is a defect and shows where it happened.
"""

import sys
from collections.abc import Callable

import click
import typer

from freshline import __version__
from freshline.cli import ask, config, demo, dlq, doctor, index, publish, rooms, stack, topics

app = typer.Typer(
    name="freshline",
    help="Answers from documents that keep changing, each with exactly as of when it is true.",
    no_args_is_help=True,
    add_completion=False,
    suggest_commands=False,  # click itself suggests
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"freshline {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Answers from documents that keep changing, each with exactly as of when it is true."""


for _module in (demo, stack, doctor, config, topics, publish, ask, dlq, index, rooms):
    _module.register(app)


def main(argv: list[str] | None = None) -> None:
    """Run one verb and exit."""
    sys.exit(told(lambda: app(args=argv, prog_name="freshline", standalone_mode=False)))


def told(run: Callable[[], object]) -> int:
    """Return run()'s exit code; what it raises is told on stderr, in the form that the module's docstring gives."""
    from freshline.errors import FreshlineError, UserError  # noqa: PLC0415

    try:
        code = run()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except FreshlineError as error:
        _say(str(error))
        return 2 if isinstance(error, UserError) else 1
    except BrokenPipeError:  # `freshline logs | head`
        sys.stderr.close()
        return 141
    return code if isinstance(code, int) else 0


def _say(text: str) -> None:
    from rich.text import Text  # noqa: PLC0415

    from freshline.cli.common import err  # noqa: PLC0415

    err().print(Text("error: ", style="bold red"), Text(text, style="red"), sep="")
