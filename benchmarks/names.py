"""Every benchmark by name: what it measures, and for those of `make bench` the seconds that it may take.

A budget is for two cores without a GPU, tables and embedder warm; together they are 20 minutes at most. What takes
longer is told. A name may stand here before its module does: it is then said to be missing,
and passed over.
"""

from dataclasses import dataclass
from importlib.util import find_spec

#: Seconds that all benchmarks of `make bench` may take together.
TOTAL = 20 * 60


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`budget` in seconds; None: not part of `make bench`."""

    what: str
    budget: int | None = None


NAMES = {
    "embedder": Benchmark(
        "the embedder ÷ sentence-transformers' own encode, and how close its vectors are", 50
    ),
    "ingest": Benchmark(
        "streaming ingest and backfill ÷ bare embedding loop; edits, beside Pathway; publish → retrievable",
        240,
    ),
    "freshness": Benchmark(
        "publish → cited at half load and idle, with and without the tail, by stage; beside Pathway", 270
    ),
    "serving": Benchmark(
        "Kafka to Kafka: latency at half load, bursts beside Pathway, transactions, overload"
    ),
    "underload": Benchmark("questions a second under full ingest ÷ idle", 75),
    "commits": Benchmark(
        "a micro-batch's fixed work after 5,000 commits ÷ the first 100; a batch beside compaction", 175
    ),
    "search": Benchmark("recall against questions a second, beside raw FAISS, hnswlib and other stores", 125),
    "churn": Benchmark("recall after 100 % turnover, random and drifting, ÷ freshly built", 55),
    "refresh": Benchmark("time to the next snapshot by what changed; searches meanwhile", 55),
    "coldstart": Benchmark("a worker's restart to its first answer", 60),
    "scale": Benchmark("cost of a question, of a refresh and of memory from 10,000 to 500,000 chunks", 75),
    "shards": Benchmark("two workers with half the shards each, beside one with all", 15),
    "factbook": Benchmark(
        "a year of real edits through Kafka: does everything agree, and is the newest found"
    ),
    "fresh_edits": Benchmark(
        "real edits at 20 a second, asked about throughout: right, outdated, missing; with and without the tail"
    ),
    "chunking": Benchmark(
        "gold passages met at equal retrieved tokens, beside recursive splitting; locality; speed"
    ),
    "retrieval": Benchmark(
        "public sets through the pipeline: each mode, beside exact search; FRESHLINE_EVAL_DATA"
    ),
    "fusion": Benchmark(
        "rules of making dense and lexical rankings one, on development sets; FRESHLINE_EVAL_DATA"
    ),
    "reranking": Benchmark("late interaction over the first stage: gain and time; FRESHLINE_EVAL_DATA"),
    "poison": Benchmark(
        "10,000 messages of which a tenth is bad: what that costs the good ones; letters counted"
    ),
    "latency": Benchmark(
        "one hybrid query at 200,000 chunks beside raw FAISS and tantivy; dense under filters"
    ),
    "access": Benchmark(
        "100,000 pairs of principals and question against brute force; recall by selectivity"
    ),
    "cache": Benchmark(
        "an answer from the cache ÷ one that a model generates; a year of edits asked throughout"
    ),
    "abstention": Benchmark("answered rates of the extractive generator by threshold"),
    "answers": Benchmark(
        "right, outdated and missing answers of each generator; accuracy against abstention"
    ),
}


def is_there(name: str) -> bool:
    """Whether the benchmark's module is installed."""
    return find_spec(f"benchmarks.{name}") is not None


def budgets() -> dict[str, int]:
    """Return {name: seconds} of the benchmarks of `make bench`, in their order."""
    return {name: one.budget for name, one in NAMES.items() if one.budget is not None}
