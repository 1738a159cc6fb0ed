"""What a run of the demo measured: everything that `--json` writes."""

from dataclasses import dataclass, field

from schemas.messages import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One question with its answer; `verified`: every quote is the cited document's text at the cited span."""

    question: str
    response: Response
    seconds: float
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a document: seconds from send() until an answer showed it, and until no restart takes it back."""

    name: str
    seconds: float
    durable_seconds: float
    proven: bool
    told: Told


@dataclass(slots=True, kw_only=True)
class Figures:
    """One run."""

    documents: int = 0
    bytes: int = 0
    start_seconds: float = 0.0
    publish_seconds: float = 0.0
    answerable_seconds: float = 0.0
    told: list[Told] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def shortcomings(self, least_answered: int) -> list[str]:
        """Return what the run failed to show, in words."""
        answered = [told for told in self.told if told.response.status == "answered"]
        found = []
        if len(answered) < least_answered:
            found.append(f"{len(answered)} questions answered, expected at least {least_answered}")
        found += [f"citation not in the document: {told.question}" for told in self.told if not told.verified]
        found += [f"not shown: {change.name}" for change in self.changes if not change.proven]
        return found
