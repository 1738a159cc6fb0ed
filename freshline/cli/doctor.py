"""`freshline doctor`: what this machine lacks, and how to mend it."""

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, environment, load, out, print_json


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example:  freshline doctor")(doctor)


def doctor(as_json: AsJson = False, sets: Sets = None, config: ConfigFile = None) -> None:
    """Check Python, Java, Redis, memory, disk, ports, jars and model. Exit code 1 where there is a problem."""
    from freshline.embedded.doctor import examine  # noqa: PLC0415

    findings = examine(load(sets, config).settings, environment())
    if as_json:
        print_json(findings)
    else:
        from rich.text import Text  # noqa: PLC0415

        for found in findings:
            mark = Text("ok      ", "green") if found.ok else Text("problem ", "bold red")
            out().print(mark, Text(f"{found.name:<9}"), Text(found.says), sep="")
    if not all(found.ok for found in findings):
        raise typer.Exit(1)
