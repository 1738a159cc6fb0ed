"""HTTP as far as a model's endpoint may have it: bounded in bytes and time, with the headers it needs and no others.

The official client reads further headers from the environment and adds some about this machine; it bounds the wait for
each part of a reply, not the whole. Here a request carries what HTTP needs and the key that the settings name, no proxy
or redirection is followed, and a reply ends at its number of bytes or at its time, however slowly it drips.
"""

import time
from collections.abc import Iterator

import httpx2

from freshline.generation.failure import Unwritten

_HEADERS = frozenset({"host", "content-type", "content-length", "transfer-encoding", "connection"})


def bounded_client(key: str, most: int, lanes: int) -> httpx2.Client:
    """Return an HTTP client for `lanes` threads; a reply of more than `most` bytes raises Unwritten(too_long)."""
    limits = httpx2.Limits(max_connections=lanes, max_keepalive_connections=lanes)
    inner = httpx2.HTTPTransport(limits=limits, trust_env=False)
    return httpx2.Client(transport=_Bounded(inner, key, most), trust_env=False, follow_redirects=False)


class _Bounded(httpx2.BaseTransport):
    def __init__(self, inner: httpx2.BaseTransport, key: str, most: int) -> None:
        self._inner = inner
        self._key = key
        self._most = most

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        until = time.monotonic() + (request.extensions.get("timeout", {}).get("read") or 0.0)
        for name in set(request.headers) - _HEADERS:
            del request.headers[name]
        request.headers.update({"accept": "text/event-stream", "accept-encoding": "identity"})
        if self._key:
            request.headers["authorization"] = f"Bearer {self._key}"
        response = self._inner.handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise Unwritten("failed", "a compressed reply, which was not asked for")
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Counted(response, self._most, until),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._inner.close()


class _Counted(httpx2.SyncByteStream):
    def __init__(self, response: httpx2.Response, most: int, until: float) -> None:
        self._response = response
        self._most = most
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        left = self._most
        for part in self._response.stream:  # type: ignore[union-attr]  # a synchronous transport's
            left -= len(part)
            if left < 0:
                raise Unwritten("too_long", f"a reply of more than {self._most} bytes")
            if time.monotonic() >= self._until:
                raise Unwritten("timed_out")
            yield part

    def close(self) -> None:
        self._response.close()
