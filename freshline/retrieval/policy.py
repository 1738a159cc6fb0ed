"""How a search is done: every choice that is not the asker's, as frozen dataclasses. Knows no snapshot."""

from dataclasses import dataclass
from typing import Literal

from freshline.settings import RetrievalSettings

Mode = Literal["hybrid", "dense", "lexical"]
#: Candidates of each ranking that are fused; where k is greater, k.
DEPTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Defaults are those of the settings."""

    mode: Mode = "hybrid"
    depth: int = DEPTH


def policy_of(settings: RetrievalSettings) -> Policy:
    """Return the policy that the section [retrieval] asks for."""
    return Policy(mode=settings.mode, depth=settings.depth)
