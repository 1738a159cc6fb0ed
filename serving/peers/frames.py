"""Frames on a TCP connection: bounded, each within a time, each with a tag that only who knows the key can make.

    connection  each side sends  "FLPEER" version 0 0 · 16 random bytes
    frame       4 bytes length, big endian · 32 bytes tag · body
    tag         HMAC-SHA256(key, random bytes of who connects · of the other · side · number of the frame · body)

Both sides' random bytes are in every tag, so nothing that was recorded is accepted on another connection, nor twice nor
elsewhere on this one; no clock is compared. Without a key the tag is a checksum. Nothing is encrypted.
This module knows no message.
"""

import hmac
import secrets
import socket
import struct
import time

PROTOCOL = 1
_GREETING = b"FLPEER" + bytes([PROTOCOL, 0, 0])
_NONCE, _TAG = 16, 32
_LENGTH = struct.Struct(">I")
_NUMBER = struct.Struct(">BQ")


class BadFrame(Exception):  # noqa: N818 - the other side's fault, not the program's
    """What came is not of this protocol, not of this key, or too large."""


class Frames:
    """One side of a connection; OSError (TimeoutError, BlockingIOError: no time is left) and BadFrame end its use."""

    def __init__(self, connection: socket.socket, key: bytes, *, asks: bool, most: int, until: float) -> None:
        """Greet. `asks` = this side has connected; frames of more than `most` bytes are refused."""
        self._socket = connection
        self._key = key
        self._asks = asks
        self._most = most
        self._sent = self._received = 0
        mine = secrets.token_bytes(_NONCE)
        self._write(_GREETING + mine, until)
        greeting = self._read(len(_GREETING), until)
        if greeting != _GREETING:
            raise BadFrame(
                f"greeted with {greeting!r}, expected {_GREETING!r}: another release, or no worker"
            )
        theirs = self._read(_NONCE, until)
        self._nonces = mine + theirs if asks else theirs + mine

    def send(self, body: bytes, until: float) -> None:
        """Write a frame."""
        tag = self._tag(asks=self._asks, number=self._sent, body=body)
        self._sent += 1
        self._write(_LENGTH.pack(len(body)) + tag + body, until)

    def receive(self, until: float) -> bytes:
        """Return the next frame's body. EOFError: the connection ended before it began."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, until))
        if length > self._most:
            raise BadFrame(f"a frame of {length} bytes, at most {self._most} are taken")
        tag, body = self._read(_TAG, until), self._read(length, until)
        expected = self._tag(asks=not self._asks, number=self._received, body=body)
        self._received += 1
        if not hmac.compare_digest(tag, expected):
            raise BadFrame("a tag is wrong: another serving.peer_key_file, or damaged bytes")
        return body

    def _tag(self, *, asks: bool, number: int, body: bytes) -> bytes:
        return hmac.digest(self._key, self._nonces + _NUMBER.pack(asks, number) + body, "sha256")

    def _write(self, data: bytes, until: float) -> None:
        self._socket.settimeout(max(until - time.monotonic(), 0.0))
        self._socket.sendall(data)

    def _read(self, count: int, until: float) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            self._socket.settimeout(max(until - time.monotonic(), 0.0))  # 0: what has come already is taken
            part = self._socket.recv(min(count - len(parts), 1 << 20))
            if not part:
                raise EOFError("the connection ended")
            parts += part
        return bytes(parts)
