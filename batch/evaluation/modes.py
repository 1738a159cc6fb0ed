"""Which ways of searching are compared: dense, lexical, hybrid, and hybrid reranked where a reranker is configured."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from freshline.errors import UserError
from freshline.retrieval.policy import Mode, Policy, policy_of
from freshline.retrieval.reranker import Reranker
from freshline.settings import Settings

RERANKED = "reranked"


@dataclass(frozen=True, slots=True)
class Side:
    """One way of searching; every part of the policy but its mode is as the settings say."""

    name: str
    policy: Policy
    reranker: Reranker | None = None


def named_modes(text: str, *, reranker: bool) -> list[str]:
    """Return the modes that `dense,lexical` names; "" = all there are. Raises UserError with the nearest name."""
    there = ["dense", "lexical", "hybrid", *([RERANKED] if reranker else [])]
    wanted = [name.strip() for name in text.split(",") if name.strip()] or there
    for name in wanted:
        if name == RERANKED and not reranker:
            raise UserError("--modes names reranked, but models.reranker is empty: set it.")
        if name not in there:
            near = difflib.get_close_matches(name, there, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(there)}."
            raise UserError(f"--modes {text}: there is no mode {name!r}; {hint}")
    return list(dict.fromkeys(wanted))


def sides(names: Sequence[str], settings: Settings, reranker: Reranker | None) -> list[Side]:
    """Return the sides of these modes."""
    policy = policy_of(settings.retrieval)
    return [
        Side(name, _unhurried(replace(policy, mode="hybrid")), reranker)
        if name == RERANKED
        else Side(name, replace(policy, mode=cast("Mode", name)))
        for name in names
    ]


def own_side(settings: Settings, reranker: Reranker | None) -> Side:
    """Return what a worker of these settings does, given time."""
    return Side("worker", _unhurried(policy_of(settings.retrieval)), reranker)


def _unhurried(policy: Policy) -> Policy:
    """Return the policy without a limit of time: what a reranker does is measured, not how busy this machine is."""
    return replace(policy, rerank=replace(policy.rerank, budget=math.inf))
