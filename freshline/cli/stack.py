"""Verbs of the local stack: up, down, status, logs."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, environment, err, load, out, print_json

if TYPE_CHECKING:
    from freshline.config import Loaded
    from freshline.embedded.layout import Layout
    from freshline.embedded.recipes import Origin
    from freshline.embedded.supervisor import Listener


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(epilog="Example:  freshline up --detach --workers 2")(up)
    app.command(epilog="Example:  freshline down")(down)
    app.command(epilog="Example:  freshline status --json")(status)
    app.command(epilog="Example:  freshline logs -f stream")(logs)


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when the stack is ready.")] = False,
    workers: Annotated[int | None, typer.Option(min=0, help="Workers to run (stack.workers).")] = None,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Run broker, redis-server, stream and workers on this machine, until Ctrl-C."""
    from freshline.cli.stack_view import Told  # noqa: PLC0415
    from freshline.embedded.supervisor import AlreadyRunning  # noqa: PLC0415

    overrides = [*(sets or ()), *([f"stack.workers={workers}"] if workers is not None else [])]
    loaded = load(overrides, config, needs=None)
    with Told(err()) as told:
        try:
            if detach:
                _detached(overrides, config, loaded, told)
            else:
                _foreground(overrides, config, loaded, told)
        except AlreadyRunning as error:
            told.note(str(error))
    if detach:
        status(as_json=False, sets=overrides, config=config)


def down(sets: Sets = None, config: ConfigFile = None) -> None:
    """End the stack that runs here, in order."""
    from freshline.cli.stack_view import Told  # noqa: PLC0415
    from freshline.embedded import detached  # noqa: PLC0415

    layout = layout_of(load(sets, config, needs=None))
    with Told(err()) as told:
        ran = detached.stop(layout, told)
    out().print("The stack has ended." if ran else f"No stack runs in {layout.root}.")


def status(as_json: AsJson = False, sets: Sets = None, config: ConfigFile = None) -> None:
    """Show each part: pid, uptime, address, health, lag. Exit code 1 where one is not ready."""
    from freshline.cli import stack_view  # noqa: PLC0415
    from freshline.embedded import status as parts  # noqa: PLC0415

    loaded = load(sets, config)
    rows = parts.look(loaded.settings, layout_of(loaded))
    if as_json:
        print_json(rows)
    else:
        stack_view.show(out(), rows, layout_of(loaded).root)
    if not rows or any(row.health != "ready" for row in rows):
        raise typer.Exit(1)


def logs(
    part: Annotated[
        str | None, typer.Argument(help="broker, redis, stream, worker-1, tail, archive, supervisor")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("-n", min=0, help="Lines of each part to begin with.")] = 20,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Print what the parts wrote."""
    from freshline.embedded import log_files  # noqa: PLC0415

    files = log_files.choose(layout_of(load(sets, config, needs=None)), part)
    for name, line in log_files.read(files, lines, follow=follow):
        typer.echo(line if part else f"{name:<10} {line}")


def layout_of(loaded: "Loaded") -> "Layout":
    """Return the stack's folder."""
    from freshline.embedded.layout import Layout  # noqa: PLC0415

    return Layout(Path(loaded.settings.stack.directory).resolve())


def _origin(overrides: list[str], config: Path | None, loaded: "Loaded") -> "Origin":
    from freshline.embedded import recipes  # noqa: PLC0415

    return recipes.Origin(
        settings=loaded.settings,
        arguments=recipes.as_words(overrides),
        environ=recipes.with_file(environment(), config),
    )


def _foreground(overrides: list[str], config: Path | None, loaded: "Loaded", listen: "Listener") -> None:
    from functools import partial  # noqa: PLC0415

    from freshline import topics  # noqa: PLC0415
    from freshline.embedded import recipes  # noqa: PLC0415
    from freshline.embedded.supervisor import Supervisor  # noqa: PLC0415

    origin = _origin(overrides, config, loaded)
    supervisor = Supervisor(origin, topics.apply, listen, partial(recipes.rooms, origin, layout_of(loaded)))

    def handle(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C does not wait
        supervisor.stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handle)
    supervisor.run()


def _detached(overrides: list[str], config: Path | None, loaded: "Loaded", listen: "Listener") -> None:
    from freshline.embedded import detached, recipes, state  # noqa: PLC0415
    from freshline.embedded.supervisor import already_running  # noqa: PLC0415

    layout = layout_of(loaded)
    if state.running(layout.root):
        raise already_running(layout)
    argv = detached.command(recipes.as_words(overrides))
    detached.start(argv, layout, recipes.with_file(environment(), config), listen)
