"""What every way of asking a peer promises: over TCP, and its twin within the process."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from serving.peers.memory import MemoryNetwork
from serving.peers.port import Handler, Peer, PeerLost
from serving.peers.server import serve_peers
from serving.peers.tcp import TcpPeer

WITHIN = 20.0
KEY = b"0123456789abcdef"
#: Gives a peer that answers by a handler
Listen = Callable[[Handler], Peer]


@pytest.fixture(params=["memory", "tcp"])
def listen(request: pytest.FixtureRequest) -> Iterator[Listen]:
    with ExitStack() as stack:

        def memory(handler: Handler) -> Peer:
            network = MemoryNetwork()
            network.handlers["there"] = handler
            return network.connect("there")

        def tcp(handler: Handler) -> Peer:
            port = stack.enter_context(serve_peers("127.0.0.1", 0, handler, KEY))
            return TcpPeer(f"127.0.0.1:{port}", KEY)

        made: list[Peer] = []

        def start(handler: Handler) -> Peer:
            made.append(memory(handler) if request.param == "memory" else tcp(handler))
            return made[-1]

        yield start
        for peer in made:
            peer.close()


def soon() -> float:
    return time.monotonic() + WITHIN


def ask(peer: Peer, request: bytes, until: float | None = None) -> bytes:
    return peer.ask(request, until or soon()).reply()


def test_each_request_has_its_own_answer(listen: Listen) -> None:
    peer = listen(lambda request: request[::-1])
    for size in (0, 1, 5, 3_000_000):
        body = bytes(range(256)) * (size // 256 + 1)
        assert ask(peer, body[:size]) == body[:size][::-1]


def test_an_answer_that_comes_late_is_lost_and_is_nobody_elses(listen: Listen) -> None:
    go = threading.Event()

    def handler(request: bytes) -> bytes:
        if request == b"slow":
            go.wait(WITHIN)
        return b"to " + request

    peer = listen(handler)
    began = time.monotonic()
    with pytest.raises(PeerLost) as lost:
        ask(peer, b"slow", time.monotonic() + 0.2)
    assert lost.value.outcome == "late"
    assert time.monotonic() - began < WITHIN / 2
    go.set()
    assert ask(peer, b"quick") == b"to quick"


def test_a_request_that_is_given_up_does_not_answer_the_next(listen: Listen) -> None:
    peer = listen(lambda request: request)
    peer.ask(b"first", soon())
    assert ask(peer, b"second") == b"second"


def test_a_handler_that_fails_costs_this_request(listen: Listen) -> None:
    def handler(request: bytes) -> bytes:
        if request == b"bad":
            raise RuntimeError("a fault")
        return request

    peer = listen(handler)
    with pytest.raises(PeerLost) as lost:
        ask(peer, b"bad")
    assert lost.value.outcome in {"broken", "late"}
    assert ask(peer, b"good") == b"good"


def test_nobody_there_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for peer in (TcpPeer(f"127.0.0.1:{port}"), MemoryNetwork().connect("nowhere")):
        began = time.monotonic()
        with pytest.raises(PeerLost) as lost:
            ask(peer, b"x")
        assert lost.value.outcome == "away"
        assert time.monotonic() - began < WITHIN / 2


def test_a_peer_that_was_started_again_is_asked_over_a_new_connection() -> None:
    with serve_peers("127.0.0.1", 0, lambda _: b"before") as port:
        peer = TcpPeer(f"127.0.0.1:{port}")
        assert ask(peer, b"x") == b"before"
    with pytest.raises(PeerLost):
        ask(peer, b"x")
    with serve_peers("127.0.0.1", port, lambda _: b"after"):
        assert ask(peer, b"x") == b"after"
        peer.close()


@pytest.mark.parametrize(("ours", "theirs"), [(KEY, b""), (b"", KEY), (KEY, b"another secret..")])
def test_another_key_is_refused_by_both_sides(ours: bytes, theirs: bytes) -> None:
    asked: list[bytes] = []

    def handler(request: bytes) -> bytes:
        asked.append(request)
        return request

    with serve_peers("127.0.0.1", 0, handler, theirs) as port:
        peer = TcpPeer(f"127.0.0.1:{port}", ours)
        with pytest.raises(PeerLost) as lost:
            ask(peer, b"x")
        assert lost.value.outcome == "broken"
        assert asked == []
        peer.close()


@pytest.mark.parametrize(
    "talk", [b"GET / HTTP/1.1\r\n\r\n", b"", b"FLPEER\x02\x00\x00" + bytes(16), bytes(100)]
)
def test_whoever_does_not_speak_the_protocol_is_left(talk: bytes) -> None:
    """Neither a server that talks so nor a client."""
    with serve_peers("127.0.0.1", 0, lambda request: request) as port:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.settimeout(WITHIN)
            client.sendall(talk)
            with suppress(OSError):  # it may have been left already
                client.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):  # the end, where the server left something unread
                while client.recv(1000):  # a greeting, and then the end
                    pass
        peer = TcpPeer(f"127.0.0.1:{port}")
        assert ask(peer, b"still there") == b"still there"
        peer.close()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(talk)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        peer = TcpPeer(f"127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(PeerLost):
            ask(peer, b"x", time.monotonic() + 5)
        peer.close()
        thread.join(WITHIN)


def test_a_frame_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.peers.server.LARGEST_REQUEST", 1000)
    with serve_peers("127.0.0.1", 0, lambda request: request) as port:
        peer = TcpPeer(f"127.0.0.1:{port}")
        assert len(ask(peer, bytes(1000))) == 1000
        with pytest.raises(PeerLost):
            ask(peer, bytes(1001))
        assert len(ask(peer, bytes(999))) == 999
        peer.close()
