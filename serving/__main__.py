"""The worker's composition root: `freshline serve` or `python -m serving`. Reads settings, builds adapters, runs.

Exit status: 0 after SIGTERM or SIGINT, 1 where a supervisor should start it again, 2 for a mistake in the settings.
"""

import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from threading import Event
from uuid import uuid4

import structlog

from freshline.cache.factory import open_heartbeats, open_hints
from freshline.clock import SystemClock
from freshline.embedding.load import load_embedder
from freshline.embedding.port import Embedder
from freshline.exits import end_process
from freshline.generation.assembly import assemble
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import languages_of
from freshline.observability import serve_health
from freshline.reranking.load import load_reranker
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.port import NewIndex
from freshline.retrieval.past import PastSnapshots
from freshline.retrieval.policy import policy_of
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.tail import NoTail
from freshline.settings import KafkaSettings, Settings
from freshline.transport.connection import topic_name
from freshline.transport.kafka import open_log
from freshline.transport.port import Log
from freshline.transport.watchdog import Watchdog
from serving.answering import Answerer
from serving.background import beating, checking, listening
from serving.checking import PERIOD, SelfCheck
from serving.command import status_of
from serving.knowledge import Refresher
from serving.past import PastDesk, Snapshots
from serving.peers.circle import Circle
from serving.peers.desk import Desk
from serving.peers.kept import KeptSnapshots, Remembering
from serving.peers.past import PastEverywhere
from serving.peers.server import serve_peers
from serving.peers.settings import peer_key, warn_of_absent
from serving.peers.tcp import TcpPeer
from serving.retrieval import Retrieved, Retriever
from serving.tail.book import Book
from serving.tail.following import book_of, following
from serving.topics import check_topics
from serving.worker import Worker
from serving.writing import Names

_log = structlog.get_logger()

#: Gives, by address, the shards of each peer
Peers = Callable[[], Mapping[str, object]]

#: A worker that was told to stop and has not after this time ends at once, seconds.
_STOP_WITHIN = 9.0


def names(settings: Settings) -> Names:
    """Return what this worker is called on the broker: with an instance the same at each start."""
    instance = settings.serving.instance or None
    group = f"{settings.kafka.group_prefix}-serving"
    return Names(
        queries=topic_name(settings.kafka, "queries"),
        responses=topic_name(settings.kafka, "responses"),
        dead_letters=topic_name(settings.kafka, "queries.dlq"),
        documents=topic_name(settings.kafka, "documents"),
        group=group,
        transactional_id=f"{group}-{instance or uuid4().hex}",
        instance=instance,
    )


def _held(settings: Settings) -> frozenset[int] | None:
    return frozenset(settings.serving.shards) or None


def _refresher(settings: Settings, embedder: Embedder, kept: KeptSnapshots, book: Book | None) -> Refresher:
    storage = Storage(settings.lake.uri)
    reader = SnapshotReader(
        storage,
        Manifest(Lake(storage)),
        embedder.fingerprint.id,
        new_index=_lexical_index(settings),
        shards=_held(settings),
        tail=book or NoTail(),
    )
    return Refresher(reader if book else Remembering(reader, kept), settings.serving.refresh)


def _lexical_index(settings: Settings) -> NewIndex:
    return partial(TantivyIndex, languages_of(settings.collections))


def _past(settings: Settings, embedder: Embedder, refresher: Refresher) -> PastSnapshots:
    storage = Storage(settings.lake.uri)
    return PastSnapshots(
        storage,
        Manifest(Lake(storage)),
        embedder.fingerprint.id,
        keep=settings.serving.past_snapshots,
        retention=settings.history.retention,
        new_index=_lexical_index(settings),
        newest=lambda: refresher.current,
        shards=_held(settings),
    )


def _worker(
    settings: Settings,
    log: Log,
    embedder: Embedder,
    *,
    refresher: Refresher,
    checked: SelfCheck[Retrieved],
    past: Snapshots,
) -> Worker:
    clock = SystemClock()
    generator = assemble(settings, embedder)
    return Worker(
        log,
        names(settings),
        answerer=Answerer(
            embedder,
            generator,
            clock,
            policy=policy_of(settings.retrieval),
            reranker=load_reranker(settings.models, embedder),
            retrieve=checked.search,
        ),
        knowledge=refresher,
        past=PastDesk(past),
        clock=clock,
        window=settings.serving.guard_window,
        patience=settings.serving.peer_timeout,
    )


def _stop_on_signals(stop: Event) -> None:
    def handle(*_: object) -> None:
        if not stop.is_set():
            stop.set()
            Watchdog(_STOP_WITHIN, "stopping").__enter__()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def _health(
    worker: Worker, refresher: Refresher, peers: Peers = dict, book: Book | None = None
) -> Callable[[], dict[str, object]]:
    def check() -> dict[str, object]:
        snapshot = refresher.current
        return {
            "ready": worker.joined and refresher.looked and refresher.fault is None,
            "fault": refresher.fault,
            "seq": snapshot.seq,
            "rows": snapshot.rows,
            "coverage": snapshot.coverage,
            "durable": snapshot.durable,
            "tail": book.held._asdict() if book else None,
            "shards": {"of": snapshot.shards, "held": sorted(snapshot.held), "peers": peers()},
        }

    return check


def run(settings: Settings, connect_to: Callable[[KafkaSettings], Log] = open_log) -> None:
    """Serve until SIGTERM."""
    stop = Event()
    _stop_on_signals(stop)
    log = connect_to(settings.kafka)
    reader = log.reader()
    check_topics(reader, names(settings))
    reader.close()
    embedder = load_embedder(replace(settings.models, threads=settings.serving.threads))
    embedder.queries(["ready"])  # the first call compiles
    kept = KeptSnapshots()
    book = book_of(settings)
    refresher = _refresher(settings, embedder, kept, book)
    refresher.start()
    key = peer_key(settings.serving)
    connect = partial(TcpPeer, key=key)
    circle = Circle(settings.serving.peers, connect)
    warn_of_absent(refresher.current, settings.serving)
    checked = SelfCheck(Retriever(circle, settings.serving.peer_timeout), lambda: refresher.current)
    past = _past(settings, embedder, refresher)
    everywhere = PastEverywhere(past, circle.living, connect)
    desk = Desk(kept, wake=refresher.wake, ready=past.ready, load=past.at)
    worker = _worker(settings, log, embedder, refresher=refresher, checked=checked, past=everywhere)
    health = _health(worker, refresher, circle.held, book)
    process = f"{settings.serving.name}@{socket.gethostname()}:{os.getpid()}"
    with ExitStack() as cleanup:
        cleanup.callback(refresher.close)
        cleanup.enter_context(listening(open_hints(settings), refresher.wake))
        if book is not None:
            fingerprint = embedder.fingerprint.id
            cleanup.enter_context(following(book, settings, log, fingerprint, refresher.tail_moved))
        cleanup.enter_context(beating(open_heartbeats(settings), process, health))
        cleanup.enter_context(checking(checked.check, PERIOD))
        cleanup.enter_context(serve_health(settings, settings.serving.name, health))
        if settings.serving.peer_port:
            where = settings.serving.peer_host, settings.serving.peer_port
            cleanup.enter_context(serve_peers(*where, desk, key))
        cleanup.enter_context(circle.greeting())
        cleanup.callback(worker.close)  # first: the others of the group wait for it
        refresher.wait(stop)  # not a question is read before
        worker.run(stop, settings.serving.max_poll)


if __name__ == "__main__":
    end_process(status_of("serve", run, lambda settings: settings.serving.name))
