"""The fresh tail on real parts but the stream: owners and workers are processes, batches are decided by the test.

A Tails remembers what was asked; faults() then judges every committed response by readers that share no code with
Freshline: true at the offsets that it claims (tests.support.stamped), and one for each question (answered).
"""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import uuid4

from kafka import KafkaProducer

from freshline.client import Asker
from freshline.client.asking import Asked, question
from freshline.config import load
from schemas.messages import Query, Response
from tests.support import answered, independent, stamped
from tests.support.batches import Batches
from tests.support.rooms import Room
from tests.support.spine import Spine
from tests.support.waiting import wait_for

#: {topic: {partition: next offset}}: what a question must have seen
Seen = dict[str, dict[int, int]]
#: s; a process with its libraries starts in some 5 on an idle machine, and the broker waits 10 for a lost member
WITHIN = 60.0
_DOCUMENTS = 12
#: s between two rounds of edit_and_ask
_PACE = 0.05


@dataclass
class Tails(Spine):
    """A spine with a Redis and a lake with one batch."""

    redis_url: str
    asked: dict[str, stamped.Question] = field(default_factory=dict)
    named: dict[str, Room] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        # no stream runs to which a backlog could be left
        self.settings |= {"redis.url": self.redis_url, "serving.abstain_below": 0.2, "tail.max_backlog": 500}
        settings = load([f"{key}={value}" for key, value in self.settings.items()], {}).settings
        self.batches = Batches(settings)
        self.producer = KafkaProducer(bootstrap_servers=self.broker)
        self.put("first", "The harbour has lamps.")
        self.batches.decide()
        self.asker = Asker(settings.kafka, spread=True).__enter__()

    def close(self) -> None:
        """End everything."""
        self.asker.__exit__(None, None, None)
        self.producer.close()
        self.batches.close()
        super().close()

    def owner(self, name: str, **settings: object) -> Room:
        """Start `python -m serving.tail`."""
        return self._named(name, "serving.tail", settings)

    def worker(self, name: str, **settings: object) -> Room:
        """Start `python -m serving`."""
        return self._named(name, "serving", {"serving__name": name, **settings})

    def lives(self, name: str) -> bool:
        """Tell whether a process was started and runs."""
        return name in self.named and self.named[name].process.poll() is None

    def ready(self, *names: str) -> None:
        """Wait until processes say that they are."""
        for name in names:
            wait_for(lambda name=name: self.health(name).get("ready"), what=f"{name} ready", within=WITHIN)  # type: ignore[misc]

    def health(self, name: str) -> dict[str, Any]:
        """Return what /healthz of a process says, {} where it does not answer 200."""
        try:
            return dict(json.loads(self._get(name, "healthz")))
        except (OSError, ValueError):
            return {}

    def metric(self, name: str, metric: str) -> float:
        """Return the sum of a process' metric over its labels, 0 where there is none."""
        lines = (line for line in self._get(name, "metrics").splitlines() if not line.startswith("#"))
        found = (line.rpartition(" ") for line in lines)
        return sum(float(value) for what, _, value in found if what.partition("{")[0] == metric)

    def put(self, doc_id: str, text: str | None, **fields: object) -> Seen:
        """Publish a state of a document, None = without content; return min_offsets of who must see it."""
        body = {"schema_version": 1, "collection": "docs", "doc_id": doc_id, **fields}
        if text is not None:
            body["content"] = text
        return self.write(doc_id, json.dumps(body).encode())

    def write(self, doc_id: str, value: bytes | None) -> Seen:
        """Publish a record as it is, None = a delete; return min_offsets of who must see it."""
        topic = self.topic("documents")
        done = self.producer.send(topic, key=f"docs/{doc_id}".encode(), value=value).get(10)
        return {topic: {done.partition: done.offset + 1}}

    def ask(self, about: str, text: str, seen: Seen | None = None, **fields: Any) -> Response:
        """Ask and wait. `about`: the document that the text names, "" where it is not for this asker to see."""
        timeout = fields.pop("timeout", WITHIN)
        return self.asker.wait(self.submit(about, text, seen, timeout=timeout, **fields), timeout)

    def submit(self, about: str, text: str, seen: Seen | None = None, **fields: Any) -> Asked:
        """Ask and return at once."""
        query = replace(question(text, fields.pop("timeout", WITHIN)), min_offsets=seen, **fields)
        self._remember(about, query)
        return self.asker.submit(query)

    def edit_and_ask(
        self,
        rounds: int,
        happens: Mapping[int, Callable[[], object]] | None = None,
        *,
        patience: float = WITHIN,
    ) -> list[Response]:
        """Edit documents and ask for them all the while; return the responses.

        Of three questions a round one must see the edit, for at most `patience` seconds. `happens`: what else is done
        before a round. Prints its seed.
        """
        seed = time.time_ns() % 10**6
        print(f"seed {seed}")  # noqa: T201 - what replays it
        random, asked = Random(seed), list[Asked]()  # noqa: S311 - replayed by its seed
        for number in range(rounds):
            (happens or {}).get(number, lambda: None)()
            doc_id, seen = self._edit(random, number)
            asked.append(self.submit(doc_id, naming(doc_id), seen, timeout=patience))
            for _ in range(2):
                other = f"beacon{random.randrange(_DOCUMENTS):04d}"
                asked.append(self.submit(other, naming(other)))
            time.sleep(_PACE)
        return [self.asker.wait(one, 2 * WITHIN) for one in asked]

    def faults(self) -> Counter[str]:
        """Count what is wrong with all that was answered so far."""
        documents, queries, responses = (
            independent.committed_records(self.broker, self.topic(name))
            for name in ("documents", "queries", "responses")
        )
        bodies = [answered.parsed(record.value) for record in responses]
        topic, history = self.topic("documents"), stamped.History.of(documents)
        found = answered.faults(queries, responses) + stamped.faults(topic, history, self.asked, bodies)
        overrated = stamped.overrated(topic, independent.manifest(self.lake), bodies)
        return found + Counter(overrated=overrated)

    def ahead(self, responses: Sequence[Response]) -> int:
        """Count the responses that saw more than what was durable."""
        bodies = [body for _, body in self._written(responses)]
        return stamped.ahead(self.topic("documents"), independent.manifest(self.lake), bodies)

    def went_back(self, responses: Sequence[Response]) -> int:
        """Count the responses that saw less than one before them in their partition, which is one worker's."""
        topic = self.topic("documents")
        seen: dict[tuple[int, str], int] = {}
        found = 0
        for queue, body in self._written(responses):
            covered = body["as_of"]["coverage"].get(topic, {})
            found += any(offset < seen.get((queue, number), 0) for number, offset in covered.items())
            seen |= {(queue, number): offset for number, offset in covered.items()}
        return found

    def _written(self, responses: Sequence[Response]) -> list[tuple[int, dict[str, Any]]]:
        """Return (partition, body) of these responses in the order in which they were written there."""
        ids = {response.query_id.encode() for response in responses}
        records = independent.committed_records(self.broker, self.topic("responses"))
        return [(record.partition, json.loads(record.value)) for record in records if record.key in ids]

    def _edit(self, random: Random, number: int) -> tuple[str, Seen]:
        """Write the next state of some document: of ten one is a delete and one comes late, by its version."""
        doc_id, chance = f"beacon{random.randrange(_DOCUMENTS):04d}", random.random()
        if chance < 0.1:
            return doc_id, self.write(doc_id, None)
        version = number + 10 if chance < 0.9 else max(0, number - 20)
        return doc_id, self.put(doc_id, shows(doc_id), version=version)

    def _remember(self, about: str, query: Query) -> None:
        wants = {
            str(partition): offset
            for partitions in (query.min_offsets or {}).values()
            for partition, offset in partitions.items()
        }
        self.asked[query.query_id] = stamped.Question(f"docs/{about}", wants, deadline=True)

    def _named(self, name: str, module: str, settings: Mapping[str, object]) -> Room:
        record = self.directory / f"{name}.json"
        record.unlink(missing_ok=True)
        self.named[name] = self._started(name, ["-m", module], {"observability__record": record, **settings})
        return self.named[name]

    def _get(self, name: str, path: str) -> str:
        port = json.loads((self.directory / f"{name}.json").read_text())["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as reply:
            return bytes(reply.read()).decode()


def shows(doc_id: str, signal: str = "") -> str:
    """Return a text about a beacon that was never said before."""
    return f"The {doc_id} shows the signal {signal or uuid4().hex[:12]} to ships."


def naming(doc_id: str) -> str:
    """Return the question that `shows` answers."""
    return f"which signal shows the {doc_id} to ships"
