"""How a search is done: every choice that is not the asker's, as frozen dataclasses. Knows no snapshot."""

from dataclasses import dataclass, field
from typing import Literal

from freshline.retrieval.fusion import Fusion
from freshline.retrieval.recency import RecencyPolicy
from freshline.retrieval.reranker import RerankPolicy
from freshline.retrieval.selection import SelectionPolicy
from freshline.settings import RetrievalSettings

Mode = Literal["hybrid", "dense", "lexical"]
#: Candidates of each ranking that are fused; where k is greater, k.
DEPTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Defaults are those of the settings."""

    mode: Mode = "hybrid"
    depth: int = DEPTH
    fusion: Fusion = field(default_factory=Fusion)
    recency: RecencyPolicy = field(default_factory=RecencyPolicy)
    rerank: RerankPolicy = field(default_factory=RerankPolicy)
    selection: SelectionPolicy = field(default_factory=SelectionPolicy)
    #: chunks before and after each hit that a generator reads too
    neighbours: int = 0


def policy_of(settings: RetrievalSettings) -> Policy:
    """Return the policy that the section [retrieval] asks for."""
    return Policy(
        mode=settings.mode,
        depth=settings.depth,
        fusion=Fusion(method=settings.fusion, weight=settings.dense_weight),
        recency=RecencyPolicy(
            half_life=settings.half_life, weight=settings.recency_weight, field=settings.recency_field
        ),
        rerank=RerankPolicy(
            top=settings.rerank_top, weight=settings.rerank_weight, budget=settings.rerank_budget
        ),
        selection=SelectionPolicy(max_per_document=settings.max_per_document, repeats=settings.repeats),
        neighbours=settings.neighbours,
    )
