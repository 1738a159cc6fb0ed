"""The one pass over a real lake folder with the tiny embedder."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from freshline.cache.memory import MemoryEmbeddingCache
from freshline.cache.port import NoEmbeddingCache
from freshline.chunking.make import make_chunker
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.load import load_embedder
from freshline.index.segment import read_segment
from freshline.ingest import one_pass as module
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.one_pass import PassPlan, one_pass
from freshline.ingest.parts import Parts
from freshline.ingest.record import RawRecord
from freshline.ingest.result import PassResult
from freshline.lake.parquet import table_path
from freshline.lake.storage import Storage
from freshline.parsing.registry import parse
from freshline.settings import ChunkingSettings, CollectionsSettings, LimitSettings, ModelSettings

TINY = ModelSettings(backend="tiny")


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    embedder = load_embedder(TINY)
    return Parts(
        acceptor=Acceptor(
            CollectionsSettings(),
            LimitSettings(max_chunks=50),
            make_chunker(ChunkingSettings(), TINY),
            parse,
            ContentReader(LimitSettings(content_roots=(str(tmp_path / "allowed"),))),
        ),
        embedder=CachedEmbedder(embedder, NoEmbeddingCache()),
        storage=Storage(str(tmp_path)),
        fingerprint_id=embedder.fingerprint.id,
    )


def put(offset: int, doc_id: str, text: str, *, timestamp: int = 1000, **fields: object) -> RawRecord:
    body = {"schema_version": 1, "collection": "c", "doc_id": doc_id, "content": text, **fields}
    return RawRecord("documents", 0, offset, timestamp, f"c/{doc_id}".encode(), json.dumps(body).encode())


def run(parts: Parts, *records: RawRecord, shards: int = 1) -> PassResult:
    return one_pass(records, PassPlan(generation=0, shards=shards, clocks={}), parts)


def test_every_record_is_accepted_or_rejected_and_counted(parts: Parts) -> None:
    bad = RawRecord("documents", 0, 3, 1000, b"c/x", b"\xff")
    gone = RawRecord("documents", 0, 4, 1200, b"c/a", None)
    result = run(parts, put(1, "a", "Alpha."), put(2, "b", "Beta."), bad, gone)
    assert (result.accepted, result.rejected, result.chunks) == (3, 1, 2)
    assert result.reject_codes == {"invalid_utf8": 1}
    assert result.clocks == {"documents": {0: 1200}}
    assert {file.table: file.rows for file in result.files} == {"documents": 3, "chunks": 2, "rejects": 1}
    (segment,) = result.segments
    assert (segment.rows, segment.states) == (2, 3)


def test_a_document_lies_in_one_shard(parts: Parts) -> None:
    result = run(parts, *(put(n, f"d{n}", f"Text {n}. " * 40) for n in range(30)), shards=4)
    assert [segment.shard for segment in result.segments] == [0, 1, 2, 3]
    keys = [set(read_segment(parts.storage, segment).rows["key"].to_pylist()) for segment in result.segments]
    assert len(set.union(*keys)) == sum(map(len, keys)) == 30


def test_groups_are_bounded_in_bytes_too(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_A_GROUP", 5_000)
    result = run(parts, *(put(n, f"d{n}", "word " * 400) for n in range(6)))
    assert result.accepted == 6
    # by hand: 2,000 bytes of text and 71 of JSON around it, 512 for the record: 2,583; two are over 5,000, one is not
    assert [file.rows for file in result.files if file.table == "documents"] == [2, 2, 2]


def test_fields_that_would_be_copied_into_many_chunks_are_bounded(parts: Parts) -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 300 for n in range(20))
    acl = [f"group:{n:0200}" for n in range(250)]
    fine = run(parts, put(1, "a", text, acl=acl[:10]))
    assert fine.accepted == 1
    heavy = run(parts, put(2, "b", text, metadata={f"k{n}": "v" * 2000 for n in range(900)}))
    assert heavy.reject_codes == {"too_large": 1}


def test_a_timestamp_beyond_any_calendar_costs_nothing(parts: Parts) -> None:
    result = run(parts, put(1, "a", "Alpha.", timestamp=253_402_300_800_000))
    assert (result.accepted, result.rejected) == (1, 0)


def test_a_task_stops_at_its_bytes_and_says_where(parts: Parts) -> None:
    plan = PassPlan(generation=0, shards=1, clocks={}, task_bytes=5_000)
    records = [put(n, f"d{n}", "word " * 400, timestamp=1000 + n) for n in range(6)]
    result = one_pass(records, plan, parts)
    assert (result.accepted, result.bytes) == (2, 2 * 2583)  # 512 for the record, 2,071 of value
    assert result.left == {"documents": {0: 2}}
    assert result.clocks == {"documents": {0: 1001}}  # of the records taken
    rest = one_pass(records[2:], replace(plan, clocks=result.clocks, task_bytes=None), parts)
    assert (rest.accepted, rest.left, rest.clocks) == (4, {}, {"documents": {0: 1005}})


def test_what_is_rejected_counts_with_its_value(parts: Parts) -> None:
    plan = PassPlan(generation=0, shards=1, clocks={}, task_bytes=3_000)
    result = one_pass([put(n, f"d{n}", "x" * 900_001) for n in range(2)], plan, parts)
    assert (result.rejected, result.left) == (1, {"documents": {0: 1}})
    # by hand: 512 for the record, 71 of JSON around 900,001 bytes of text
    assert result.bytes == 512 + 71 + 900_001


def test_a_reject_holds_no_value(parts: Parts) -> None:
    record = put(1, "a", "x" * 900_001)
    outcome = parts.acceptor.accept(record, 5)
    assert not hasattr(outcome, "content")
    assert outcome.record.value is None
    assert len(getattr(outcome, "preview", "")) <= 4 * 120


def test_content_by_uri_is_stored_as_it_was_read_and_counts_towards_the_group(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BYTES_A_GROUP", 5_000)
    (tmp_path / "allowed").mkdir()
    file = tmp_path / "allowed" / "tea.txt"
    file.write_text("Tea is at four. " * 300)  # 4,800 bytes; with 512 for the record over 5,000
    by_uri = {"schema_version": 1, "collection": "c", "uri": file.as_uri()}

    def record(offset: int, doc_id: str, **fields: str) -> RawRecord:
        body = json.dumps({**by_uri, "doc_id": doc_id, **fields}).encode()
        return RawRecord("documents", 0, offset, 1000, f"c/{doc_id}".encode(), body)

    result = run(parts, record(0, "a"), record(1, "b"), record(2, "c", uri=file.as_uri() + "x"))
    assert result.reject_codes == {"content_unavailable": 1}
    documents = [entry for entry in result.files if entry.table == "documents"]
    assert [entry.rows for entry in documents] == [1, 1]
    stored = pq.read_table(tmp_path / table_path("documents") / documents[0].path).to_pylist()[0]
    assert (stored["content"], stored["uri"]) == (file.read_bytes(), file.as_uri())


PARAGRAPHS = [f"Paragraph {n} speaks of topic {n}. " + f"word{n} " * 120 for n in range(12)]


@pytest.fixture
def remembering(parts: Parts) -> Parts:
    """The same parts with a cache, as Redis is one."""
    return replace(parts, embedder=CachedEmbedder(load_embedder(TINY), MemoryEmbeddingCache()))


def test_a_change_beside_the_text_embeds_nothing(remembering: Parts) -> None:
    text = "\n\n".join(PARAGRAPHS)
    first = run(remembering, put(1, "a", text))
    assert first.embedded == first.chunks > 3
    changed = [
        put(2, "a", text, acl=["group:board"]),
        put(3, "a", text, metadata={"owner": "somebody else"}),
        put(4, "a", text, version=9),
        put(5, "a", text, uri="https://example.org/a", expires_at="2100-01-01T00:00:00Z"),
        put(6, "copy", text),
    ]
    for record in changed:
        again = run(remembering, record)
        assert (again.embedded, again.chunks) == (0, first.chunks)
    (segment,) = run(remembering, changed[0]).segments
    acls = read_segment(remembering.storage, segment).rows["acl"].to_pylist()
    assert acls == [["group:board"]] * first.chunks


def test_an_edit_embeds_the_changed_chunks_only(remembering: Parts) -> None:
    first = run(remembering, put(1, "a", "\n\n".join(PARAGRAPHS)))
    edited = [*PARAGRAPHS]
    edited[5] = edited[5].replace("speaks of", "now tells of")
    second = run(remembering, put(2, "a", "\n\n".join(edited)))
    # the paragraph lies in one chunk, or in two where a boundary cuts it; chunk ids say which ones are new
    old, new = (ids(remembering, result) for result in (first, second))
    assert second.embedded == len(new - old) <= 2
    shorter = run(remembering, put(3, "a", "\n\n".join(PARAGRAPHS[:3])))
    assert shorter.chunks < first.chunks
    assert shorter.embedded == len(ids(remembering, shorter) - old - new) <= 1


def ids(parts: Parts, result: PassResult) -> set[str]:
    return {
        name
        for segment in result.segments
        for name in read_segment(parts.storage, segment).rows["chunk_id"].to_pylist()
    }


def test_a_document_that_becomes_empty_is_a_state_without_text_and_a_letter(parts: Parts) -> None:
    result = run(parts, put(1, "a", "Alpha."), put(2, "a", " \n\t "), put(3, "b", "Beta."))
    assert (result.accepted, result.rejected, result.chunks) == (3, 1, 2)
    assert result.reject_codes == {"empty_document": 1}
    assert {file.table: file.rows for file in result.files} == {"documents": 3, "chunks": 2, "rejects": 1}
    (segment,) = result.segments
    loaded = read_segment(parts.storage, segment)
    assert loaded.states["kind"].to_pylist() == ["put"] * 3
    assert loaded.rows["state"].to_pylist() == [0, 2]
