"""`python -m benchmarks.stores.child NAME FOLDER`: build one store and answer orders, one JSON line each.

FOLDER holds vectors.npy, part.npy and asked.npy; orders come over the socket FOLDER/NAME.sock:

    child   {"what": …, "settings": […], "filters": …, "seconds": of building}
    parent  {"setting": 64, "share": 100, "batch": 1, "questions": 200, "k": 10}
    child   {"seconds": of asking, "found": [[row, …], …]}

Either answer may be {"error": why}. Timed is the store's call alone, not what becomes of its rows. Runs in the stores'
environment and imports nothing of Freshline.
"""

import json
import socket
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stores.store import Array, Store

#: {name: module and class}
STORES = {
    "hnswlib": ("hnsw", "Hnsw"),
    "LanceDB": ("lance", "Lance"),
    "Milvus-lite": ("milvus", "Milvus"),
    "Redis": ("redis_search", "RedisSearch"),
}


def main(name: str, folder: Path) -> None:
    """Serve until the socket is closed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / f"{name}.sock"))
        with connection.makefile("rw", encoding="utf-8") as lines:
            store: Store | None = None
            try:
                began = time.perf_counter()
                store = _built(name, folder)
                seconds = time.perf_counter() - began
                _tell(
                    lines,
                    {
                        "what": store.what,
                        "settings": list(store.settings),
                        "filters": store.filters,
                        "seconds": seconds,
                    },
                )
                asked = np.load(folder / "asked.npy")
                for line in lines:
                    _tell(lines, _answer(store, asked, json.loads(line)))
            except Exception as error:  # noqa: BLE001 - whatever a store raises is told, not hidden
                _tell(lines, {"error": f"{type(error).__name__}: {error}"[:500]})
            finally:
                if store is not None:
                    store.close()


def _built(name: str, folder: Path) -> Store:
    module, kind = STORES[name]
    store: Store = getattr(import_module(f"benchmarks.stores.{module}"), kind)()
    own = folder / name
    own.mkdir()
    store.build(np.load(folder / "vectors.npy"), np.load(folder / "part.npy"), own)
    return store


def _answer(store: Store, asked: Array, order: dict[str, int]) -> dict[str, Any]:
    asked, batch = asked[: order["questions"]], order["batch"]
    found: list[Any] = []
    began = time.perf_counter()
    for start in range(0, len(asked), batch):
        found += store.ask(asked[start : start + batch], order["setting"], order["share"], order["k"])
    return {"seconds": time.perf_counter() - began, "found": [list(rows) for rows in found]}


def _tell(lines: Any, body: dict[str, Any]) -> None:
    lines.write(json.dumps(body) + "\n")
    lines.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
