"""What Freshline is meant to reach, and which figure of which benchmark says whether it does.

"Half load" is half the throughput measured in the same run; the clock starts at `send()`. A goal whose figure no file
has is shown as not measured: none is left out because it would look bad.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.report import Goal
from benchmarks.written import Written


@dataclass(frozen=True, slots=True)
class Aim:
    """One line of the table: `figure` is a figure's exact name in the file of `benchmark`."""

    what: str
    goal: Goal
    benchmark: str
    figure: str


def _least(bound: float) -> Goal:
    return Goal("≥", bound)


def _most(bound: float) -> Goal:
    return Goal("≤", bound)


AIMS = (
    Aim(
        "embedding ÷ sentence-transformers' default encode on this CPU",
        _least(3), "embedder", "embedder ÷ sentence-transformers' encode",
    ),
    Aim("  its vectors: least cosine to fp32", _least(0.999), "embedder", "least cosine to fp32"),
    Aim(
        "streaming ingest ÷ bare embedding loop on the same cores",
        _least(0.87), "ingest", "ingest ÷ bare embedding loop",
    ),
    Aim("  backfill ÷ the same loop", _least(0.90), "ingest", "backfill ÷ bare embedding loop"),
    Aim(
        "an edit stream ÷ Pathway's, unchanged chunks not embedded again",
        _least(3), "ingest", "edit stream ÷ Pathway",
    ),
    Aim(
        "publish → a worker's snapshot finds it, half load, p50, s",
        _most(1.0), "freshness", "without the tail: publish → findable p50",
    ),
    Aim("  p99, s", _most(2.5), "freshness", "without the tail: publish → findable p99"),
    Aim(
        "publish → a response cites it, with the tail, half load, p50, s",
        _most(0.08), "freshness", "with the tail: publish → cited p50",
    ),
    Aim("  p99, s", _most(0.3), "freshness", "with the tail: publish → cited p99"),
    Aim(
        "  p50 ÷ Pathway's in the same run",
        _most(1), "freshness", "publish → cited p50 ÷ Pathway's publish → findable",
    ),
    Aim(
        "  embeddings computed ÷ distinct chunks",
        _most(1.02), "freshness", "with the tail: embeddings computed ÷ distinct chunks",
    ),
    Aim("  ingest with the tail ÷ without", _least(0.95), "freshness", "ingest with the tail ÷ without"),
    Aim(
        "fixed work of a micro-batch after 5,000 commits ÷ first 100",
        _most(1.3), "commits", "fixed work after 5,000 commits ÷ first 100",
    ),
    Aim(
        "  the same with real batches, 200 at each end",
        _most(1.3), "commits", "real batches: after 5,000 commits ÷ first 100",
    ),
    Aim(
        "a batch while compaction works beside it ÷ alone",
        _most(1.1), "commits", "a batch while segments are merged beside it ÷ alone",
    ),
    Aim(
        "retrieval in the service ÷ bare FAISS at equal recall ≥ .95",
        _least(0.9), "search", "service ÷ bare FAISS",
    ),
    Aim(
        "query → response, Kafka to Kafka, in a transaction, half load, p50, ms",
        _most(25), "serving", "query → response p50, half load",
    ),
    Aim("  p99, ms", _most(100), "serving", "query → response p99, half load"),
    Aim(
        "burst of 2,000 queries, retrieval only ÷ Pathway in the same run",
        _least(1.5), "serving", "burst ÷ Pathway",
    ),
    Aim("service, Kafka to Kafka ÷ bare retrieval loop", _least(0.6), "serving", "service ÷ bare retrieval loop"),
    Aim("transactional ÷ at least once", _least(0.7), "serving", "transactional ÷ at least once"),
    Aim(
        "queries a second under full ingest ÷ idle",
        _least(0.7), "underload", "queries under full ingest ÷ idle",
    ),
    Aim(
        "recall@10 after 100 % drifting churn ÷ freshly built",
        _least(0.98), "churn", "recall@10 after 100 % turnover ÷ freshly built, drifting",
    ),
    Aim(
        "restart to serving with 50,000 chunks, s",
        _most(15), "coldstart", "start of the process to first answer, 50,000 chunks",
    ),
    Aim("  with 200,000 chunks, s", _most(15), "coldstart", "start of the process to first answer, 200,000 chunks"),
    Aim("search p99 while snapshots are swapped ÷ idle", _most(2), "refresh", "search p99 while refreshing ÷ idle"),
    Aim("facts rewritten in the stream, once visible: right", _least(0.985), "factbook", "right"),
    Aim("  outdated", _most(0), "factbook", "outdated"),
    Aim(
        "edits at 20 a second, with the tail: answers not as their stamp says",
        _most(0), "fresh_edits", "with the tail: answers not as their stamp says",
    ),
    Aim(
        "  outdated where the question names the edit",
        _most(0), "fresh_edits", "with the tail: naming the edit: outdated",
    ),
    Aim("nDCG@10 hybrid, SciFact", _least(0.70), "retrieval", "scifact: nDCG@10, hybrid"),
    Aim(
        "  hybrid less the better part, Cranfield",
        _least(-0.01), "retrieval", "cranfield: hybrid - better part",
    ),
    Aim(
        "  hybrid less the better part, 2WikiMultihopQA",
        _least(-0.01), "retrieval", "twowiki: hybrid - better part",
    ),
    Aim("leaked under access control and filters, chunks", _most(0), "access", "leaked"),
)  # fmt: skip


def unanswered(written: Mapping[str, Written]) -> list[str]:
    """Return the goals, in lines, whose benchmark wrote a file without their figure: one of the two names is wrong."""
    return [
        f"{aim.benchmark}.json has no figure {aim.figure!r}, which the goal {aim.what.strip()!r} asks for"
        for aim in AIMS
        if aim.benchmark in written and written[aim.benchmark].figure(aim.figure) is None
    ]
