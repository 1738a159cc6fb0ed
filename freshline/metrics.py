"""Every metric of Freshline: one typed list with meaning, registered in one place.

Use: `metrics.DOCUMENTS.labels(outcome="accepted").inc()`. Served by freshline.observability.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"freshline_{name}", meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"freshline_{name}", meaning, labels, registry=REGISTRY)


def _seconds(name: str, meaning: str, *labels: str) -> Histogram:
    return Histogram(f"freshline_{name}_seconds", meaning, labels, registry=REGISTRY, buckets=_SECONDS)


# the stream
BATCHES = _counter("stream_batches", "micro-batches decided")
RECORDS = _counter("stream_records", "records of decided micro-batches", "outcome")  # accepted | rejected
CHUNKS = _counter("stream_chunks", "chunks of decided micro-batches")
STAGE = _seconds("stream_stage", "time of one numbered step of a micro-batch", "stage")
COVERED = _gauge("stream_covered_offset", "next offset to read, by manifest", "topic", "partition")
TOPIC_RESTARTS = _counter("stream_topic_restarts", "times that `documents` was found to be created anew")
COMPACTIONS = _counter("index_compactions", "compactions: done, conflict, failed, stopped", "outcome")
COMPACTED_ROWS = _counter("index_compacted_rows", "rows that the stream's compactions wrote anew")
COMPACTIONS_DUE = _gauge(
    "index_compactions_due", "compactions that are due, by who does them", "by"
)  # background | batch
TIDIES = _counter("lake_tidies", "merges of small table files and cuts of logs: done, failed", "outcome")
DAMAGED = _gauge("index_damaged_segments", "live segments that are not what was written, at the last check")
REBUILDS = _counter("index_rebuilds", "rebuilds of a shard from the tables: done, failed", "outcome")
SEGMENTS = _gauge("index_segments", "live segments", "generation", "shard")

# serving
RESPONSES = _counter("serving_responses", "responses committed", "status")
DUPLICATES = _counter("serving_duplicates", "queries dropped because their query_id was answered before")
ANSWER_STAGE = _seconds("serving_stage", "time of one stage of a batch of queries", "stage")
# loaded | as_of_unknown | as_of_unavailable | unsupported | internal
PAST_SECONDS = _seconds("serving_past", "time of loading a past state for as_of", "outcome")
SNAPSHOT_SEQ = _gauge("serving_snapshot_seq", "manifest seq of the snapshot in use")
SNAPSHOT_ROWS = _gauge("serving_snapshot_rows", "live chunks of the snapshot in use")
SNAPSHOT_REFUSED = _counter("serving_snapshot_refused", "segments refused for damaged bytes")
DENSE_RECALL = _gauge("serving_dense_recall", "recall@50 of dense search in the newest self-check, 0 to 1")
# reranked | partly | out_of_time | nothing_to_do | failed
RERANKED = _counter("serving_reranked", "questions by what reranking did to their ranking", "outcome")
PARTIAL = _counter("serving_partial", "responses committed that lack the documents of some shards")
# written | abstained | no_evidence, or a reason of freshline.generation.failure: then the extractive answer was given
GENERATED = _counter("serving_generated", "questions of a language model by what became of them", "outcome")
# answered | away | late | broken | refused
PEER_SECONDS = _seconds("serving_peer", "time of asking another worker for its shards", "outcome")
# hit | shared (the same question in one batch) | waited (another worker made it) | generated
CACHED_ANSWERS = _counter("serving_cached_answers", "questions put to the answer cache", "outcome")
# the tail: documents before they are durable
TAIL_EVENTS = _counter("tail_events", "records that the tail covers: accepted, rejected", "outcome")
TAIL_ENTRIES = _counter("tail_entries", "entries made: a range of offsets and its states")
# of a record: wait (broker's time to being read); of an entry: accept, embed, make, append
TAIL_STAGE = _seconds("tail_stage", "time of one stage on the way into the tail", "stage")
TAIL_EMBEDDED = _counter("tail_embedded", "texts that this process embedded; others came from the cache")
TAIL_BACKLOG = _gauge(
    "tail_backlog_records", "offsets of its partitions that are read neither by tail nor stream"
)
TAIL_DOCUMENTS = _gauge(
    "tail_not_durable_documents", "documents in the tail that the manifest does not cover"
)
TAIL_BYTES = _gauge("tail_not_durable_bytes", "memory that they take in each worker")
# backlog | documents | bytes | limit | reject | redis | gap
TAIL_ASIDE = _counter("tail_step_asides", "times that a partition was left to the stream", "reason")
HELD_DOCUMENTS = _gauge(
    "serving_tail_documents", "states in memory that the snapshot's manifest does not cover whole"
)
HELD_BYTES = _gauge("serving_tail_bytes", "memory of these states")
HELD_ENTRIES = _gauge("serving_tail_entries", "entries of the tail in memory")
TAIL_WAITING = _gauge("serving_tail_waiting_entries", "entries of the tail that wait for offsets before them")
TAIL_AHEAD = _gauge("serving_tail_ahead_offsets", "offsets that are answered from and not durable yet")
TAIL_SWAPS = _counter(
    "serving_tail_swaps", "snapshots that a tail's entry changed, the manifest being the same"
)
# undecodable | foreign (of another topic, generation or partition)
TAIL_LEFT_OUT = _counter("serving_tail_left_out", "entries of the tail that are not used: a gap", "reason")
# rebuilt (a state of the tail is not in the manifest) | failed (done without the tail until it is durable)
TAIL_FAULTS = _counter("serving_tail_faults", "times that the tail and the manifest did not agree", "outcome")
ARCHIVED = _counter("archive_records", "records of `responses`: archived, invalid, lost", "outcome")
ARCHIVE_BEHIND = _gauge("archive_behind", "offsets of `responses` that the table does not cover yet")
REDIS_FAULTS = _counter("redis_faults", "Redis operations that failed and were done without", "operation")
