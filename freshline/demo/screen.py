"""The demo as a person sees it."""

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from freshline.client import not_durable
from freshline.demo.figures import Change, Figures, Told
from schemas.messages import Citation, Response


def show_told(console: Console, told: Told) -> None:
    """Print one question, its answer, citations, stamp and stage times."""
    response = told.response
    console.print()
    console.print(f"[bold]? {escape(told.question)}[/bold]", highlight=False)
    answer = (
        response.text if response.status == "answered" else f"({response.status}) no answer in the documents"
    )
    style = "green" if response.status == "answered" else "yellow"
    console.print(f"  {escape(' '.join(answer.split()))}", style=style, highlight=False)
    for citation in response.citations:
        console.print(f"    {escape(_citation(citation))}", style="dim", highlight=False)
    console.print(f"    {stamp(response)} · {told.seconds * 1000:.0f} ms", style="cyan", highlight=False)
    if not told.verified:
        console.print("    a citation is NOT in the cited document", style="bold red")


def show_change(console: Console, change: Change) -> None:
    """Print a change and the answer that shows it."""
    verdict = "[green]shown[/green]" if change.proven else "[bold red]NOT shown[/bold red]"
    console.print()
    times = f"answerable in {change.seconds:.2f} s, durable in {change.durable_seconds:.2f} s"
    title = f"{change.name} → {times}: {verdict}"
    console.print(Panel(title, expand=False, style="bold"))
    show_told(console, change.told)


def show_summary(console: Console, figures: Figures) -> None:
    """Print the whole run in a few lines."""
    answered = sum(told.response.status == "answered" for told in figures.told)
    latencies = sorted(told.seconds for told in figures.told)
    changes = ", ".join(
        f"{change.name} {change.seconds:.2f} → {change.durable_seconds:.2f} s" for change in figures.changes
    )
    console.print()
    console.print(
        f"{figures.documents} documents ({figures.bytes / 1e6:.1f} MB) answerable after "
        f"{figures.answerable_seconds:.1f} s; {answered} of {len(figures.told)} questions answered, median "
        f"{latencies[len(latencies) // 2] * 1000:.0f} ms; publish → answerable → durable: {changes}",
        style="bold",
        highlight=False,
    )


def stamp(response: Response) -> str:
    """Return as_of and stage times in one line."""
    if response.as_of is None:
        return "as of: unknown"
    covered = ", ".join(
        f"{topic}[{partition}]<{offset}"
        for topic, partitions in response.as_of.coverage.items()
        for partition, offset in sorted(partitions.items())
    )
    stages = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in response.timings.items())
    ahead = f" · of them {count} not durable yet" if (count := not_durable(response.as_of)) else ""
    return f"as of seq {response.as_of.seq}: {covered or 'nothing yet'}{ahead} · ms: {stages}"


def _citation(citation: Citation) -> str:
    place = " > ".join(part for part in (citation.title, citation.heading) if part)
    quote = " ".join(citation.quote.split())
    where = f"{citation.collection}/{citation.doc_id}[{citation.start}:{citation.end}]"
    return f"“{quote}” — {place} ({where})"
