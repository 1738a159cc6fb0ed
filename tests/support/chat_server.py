"""A server of this process that speaks OpenAI's chat completions, well or badly."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

Act = Callable[["Reply"], None]


@dataclass
class Reply:
    """What a test's behaviour answers with; `over` is set when the server is told to end."""

    handler: BaseHTTPRequestHandler
    over: Event

    def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self.handler.send_response(status)
        for name, value in {"content-type": kind, **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def raw(self, data: bytes) -> None:
        self.handler.wfile.write(data)
        self.handler.wfile.flush()

    def say(self, *parts: str, finish: str | None = "stop") -> None:
        """Stream parts of an answer, then its end."""
        deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant"}, None)]
        deltas += [({"content": part}, None) for part in parts]
        for delta, end in [*deltas, ({}, finish)]:
            choice = {"index": 0, "delta": delta, "finish_reason": end}
            chunk = {
                "id": "1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "choices": [choice],
            }
            self.raw(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.raw(b"data: [DONE]\n\n")


@dataclass
class ChatServer:
    """Its address, and each request that it had: headers and body."""

    url: str
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)


@contextmanager
def chat_server(*acts: Act) -> Iterator[ChatServer]:
    """Run one for as long as the block; the n-th request meets the n-th behaviour, later ones the last."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            held.requests.append(
                ({k.lower(): v for k, v in self.headers.items()}, {"path": self.path, **body})
            )
            with suppress(OSError):  # the client went away
                acts[min(len(held.requests), len(acts)) - 1](Reply(self, over))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held = ChatServer(f"http://127.0.0.1:{server.server_port}/v1")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
