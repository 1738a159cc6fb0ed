"""Every class of bad document, as records with their one right outcome: `code` None = accepted, no letter.

empty_document is a state without text and a letter as well.

Grouped as docs/messages.md and the reject codes group them. Files of other formats are in bad_files.py.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support.raw_producer import Raw, RawName

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples" / "documents" / "v1"
#: What the tests set as collections.docs.max_bytes.
MAX_BYTES = 900_000


@dataclass(frozen=True)
class Case:
    """One record; a callable makes it when it is needed. `also`: a second outcome that is as right."""

    name: str
    made: Raw | Callable[[], Raw]
    code: str | None = None
    also: str | None = None

    @cached_property
    def record(self) -> Raw:
        return self.made if isinstance(self.made, Raw) else self.made()


def value_of(doc_id: str, **fields: Any) -> bytes:
    own = {"schema_version": 1, "collection": "docs", "doc_id": doc_id, "content": f"About {doc_id}."}
    if "content_base64" in fields or "uri" in fields:
        del own["content"]
    return json.dumps({**own, **fields}, ensure_ascii=False).encode()


def case(name: str, code: str | None = None, also: str | None = None, **fields: Any) -> Case:
    """A document whose fields are these, under its own key."""
    return Case(name, lambda: Raw(f"docs/{name}".encode(), value_of(name, **fields)), code, also)


def raw(name: str, value: bytes | None, code: str | None, key: bytes | None = b"docs/x") -> Case:
    return Case(name, Raw(key, value), code)


def file(
    name: str,
    content: bytes | Callable[[], bytes],
    content_type: str | None,
    code: str | None,
    also: str | None = None,
) -> Case:
    """A document that is a file."""

    def made() -> Raw:
        encoded = base64.b64encode(content if isinstance(content, bytes) else content()).decode()
        fields: dict[str, Any] = {"content_type": content_type} if content_type else {}
        return Raw(f"docs/{name}".encode(), value_of(name, content_base64=encoded, **fields))

    return Case(name, made, code, also)


def of_size(name: str, size: int, code: str | None, collection: str = "docs") -> Case:
    """A record whose value has exactly this many bytes."""

    def made() -> Raw:
        room = size - len(value_of(name, collection=collection, content=""))
        value = value_of(name, collection=collection, content=("tea at four " * (room // 12 + 1))[:room])
        assert len(value) == size
        return Raw(f"{collection}/{name}".encode(), value)

    return Case(name, made, code)


def sizes() -> Iterator[Case]:
    yield raw("no-bytes", b"", "empty_value")
    yield of_size("exactly-the-limit", MAX_BYTES, None)
    yield of_size("one-byte-over", MAX_BYTES + 1, "too_large")
    yield of_size("far-over", 1_000_000, "too_large")
    yield of_size("exactly-the-collections-limit", 1000, None, "small")
    yield of_size("over-the-collections-limit", 1001, "too_large", "small")


def examples() -> Iterator[Case]:
    """The codec's own must-fail records: invalid UTF-8, malformed JSON, fields, names."""
    for path in sorted((EXAMPLES / "invalid").iterdir()):
        yield raw(f"example-{path.stem}", path.read_bytes(), path.stem.partition("--")[0], b"notes/tea")


def json_text() -> Iterator[Case]:
    keys = b",".join(b'"%d":1' % number for number in range(80_000))
    yield raw("80000-keys", b'{"x":{' + keys + b"}}", "too_many_keys")
    yield raw("half-a-megabyte-of-brackets", b"[" * 500_000, "too_deep")
    yield raw("half-a-megabyte-of-objects", b'{"a":' * 100_000, "too_deep")
    yield raw("a-number-of-half-a-megabyte", b'{"a":' + b"9" * 500_000 + b"}", "malformed_json")
    yield raw(
        "2**53+1-as-an-id",
        value_of("x").replace(b'"doc_id": "x"', b'"doc_id": 9007199254740993'),
        "invalid_field",
    )
    yield case("unknown-field-is-ignored", colour="blue")


def text() -> Iterator[Case]:
    yield case("byte-order-mark-in-content", content="\ufeffTea at four.")
    yield case("controls-in-content", content="Tea at\x01 \x1b[2Jfour\x7f.\r\nBring a cup.")
    yield case("nul-in-content", "unsupported_type", content="Tea\x00 at four.")
    yield case("nul-in-declared-text", "unsupported_type", content="a\x00b", content_type="text/plain")
    yield case("controls-only", "unsupported_type", content="\x01\x02\x7f")
    yield case("one-token", content="tea")
    yield case("emoji", content="\U0001f375 \U0001f469\u200d\U0001f469\u200d\U0001f467 tea")
    yield case("combining-marks", content="te" + "\u0301" * 500 + "a")
    yield case("right-to-left-override", content="tea \u202eruof ta\u202c four")
    yield case("zero-width-between", content="te\u200ba a\u2060t f\u200dour")
    for name, content in (
        ("white-space-only", " \n\t\u00a0\u3000 "),
        ("nothing", ""),
        ("zero-width-only", "\u200b\u200d\u2060\ufeff"),
    ):
        yield case(name, "empty_document", content=content)
    yield case("only-punctuation", content="... !!! ???")


def shape() -> Iterator[Case]:
    size = MAX_BYTES - 1000
    yield case("one-word", content="x" * size)
    yield file("as-many-lines-as-fit", b"a\n" * (size * 3 // 8), "text/plain", None)
    yield file("only-line-breaks", b"\n" * (size * 3 // 4), "text/plain", "empty_document")
    sections = "".join(f"# a\n\nb{n % 3}\n\n" for n in range(60_000))
    yield case("60000-sections", content=sections, content_type="text/markdown")
    same = "# Same\n\nThe same words again.\n\n" * 4000
    yield case("4000-identical-passages", content=same, content_type="text/markdown")
    for name, piece in (
        ("open-brackets", "["),
        ("images", "!["),
        ("stars", "*a_ "),
        ("quotes", "> "),
        ("ticks", "`a"),
        ("nested-lists", "- "),
        ("table-bars", "|"),
        ("links", "[a](b"),
    ):
        yield case(
            f"markdown-{name}",
            content=piece * (size // 4 // len(piece)) + " tea",
            content_type="text/markdown",
        )

    yield case(
        "markdown-comment",
        "empty_document",
        content="<!--" * (size // 8) + " tea",
        content_type="text/markdown",
    )


def names() -> Iterator[Case]:
    """Stored literally where they are allowed; those that are not are among the examples."""
    for name, doc_id in (
        ("path", "../../etc/passwd"),
        ("quotes", "a'b\"c`d$(e)"),
        ("look-alike", "t\u0435\u0430"),
        ("spaces", "  a  "),
        ("256-characters", "ä" * 256),
        ("slashes", "a//b/"),
        ("percent", "%2e%2e%2f"),
    ):
        yield Case(f"doc-id-{name}", Raw(f"docs/{doc_id}".encode(), value_of(doc_id)))


def keys() -> Iterator[Case]:
    good = value_of("keyed")
    yield raw("key-null", good, "null_key", None)
    yield raw("key-and-value-null", None, "null_key", None)
    yield raw("key-empty", good, "key_mismatch", b"")
    yield raw("key-of-another-document", good, "key_mismatch", b"docs/other")
    yield raw("key-of-another-collection", good, "key_mismatch", b"small/keyed")
    yield raw("key-not-utf-8", good, "key_mismatch", b"docs/keye\xff")
    yield raw("key-of-5000-bytes", good, "key_too_long", b"docs/" + b"k" * 4995)
    yield raw("key-of-2000-bytes", good, "key_too_long", b"docs/" + b"k" * 1995)
    yield raw("delete-under-a-key-without-a-slash", None, "key_mismatch", b"docs")
    yield raw("delete-under-a-key-not-utf-8", None, "key_mismatch", b"docs/\xff")
    yield raw("delete-in-an-unknown-collection", None, "unknown_collection", b"nowhere/x")
    unknown = value_of("x", collection="nowhere")
    yield raw("unknown-collection", unknown, "unknown_collection", b"nowhere/x")


def headers() -> Iterator[Case]:
    for name, given in (
        ("a-thousand", tuple((f"h{n}", b"x") for n in range(1000))),
        ("null", (("h", None),)),
        ("not-utf-8", ((RawName("h\xff\xfe"), b"\xff"),)),
        ("spoofed-tenant", (("tenant", b"root"), ("collection", b"secret"), ("acl", b"public"))),
        ("empty", (("", b""),)),
    ):
        doc_id = f"headers-{name}"
        yield Case(doc_id, Raw(f"docs/{doc_id}".encode(), value_of(doc_id), given))


def states() -> Iterator[Case]:
    """What the order of events makes of them is tested elsewhere; here: recorded, never a letter."""
    events: tuple[tuple[str, list[dict[str, Any] | None]], ...] = (
        ("same-version-again", [{"version": 3}, {"version": 3}]),
        ("same-version-other-content", [{"version": 3}, {"version": 3, "content": "Else."}]),
        ("older-after-newer", [{"version": 9}, {"version": 2}]),
        ("delete-before-create", [None, {}]),
        ("delete-twice", [{}, None, None]),
        ("null-under-a-versioned-document", [{"version": 5}, None]),
        ("delete-by-version-before-create", [{"version": 5, "deleted": True}, {"version": 4}]),
        ("version-0", [{"version": 0}]),
        ("version-at-the-limit", [{"version": 2**53 - 1}]),
        ("epoch", [{"published_at": "1970-01-01T00:00:00Z"}]),
        ("expired-in-1970", [{"expires_at": "1970-01-01T00:00:00Z"}]),
        ("end-of-9999", [{"expires_at": "9999-12-31T23:59:59Z"}]),
        ("no-zone", [{"published_at": "2024-05-01T16:00:00"}]),
    )
    for name, values in events:
        for number, fields in enumerate(values):
            value = None if fields is None else value_of(name, **fields)
            yield Case(f"{name}-{number}", Raw(f"docs/{name}".encode(), value))


def write_content(root: Path) -> None:
    """Write the files that by_uri names."""
    (root / "word.txt").write_bytes(b"x" * 5_000_000)
    (root / "tea.txt").write_bytes(b"Tea at four.")
    (root / "lines.txt").write_bytes(b"\n" * 1_000_000 + b"tea")
    (root / "link.txt").symlink_to("/etc/passwd")


def by_uri(root: Path) -> Iterator[Case]:
    """Content in files below an allowed root, and files that are none of ours."""
    yield case(
        "uri-one-word-of-5-mb",
        None,
        "too_many_chunks",
        uri=(root / "word.txt").as_uri(),
        content_type="text/plain",
    )
    yield case("uri-a-million-lines", uri=(root / "lines.txt").as_uri(), content_type="text/plain")
    yield case(
        "uri-other-content", "content_mismatch", uri=(root / "tea.txt").as_uri(), content_sha256="0" * 64
    )
    for name, uri in (
        ("outside", "file:///etc/passwd"),
        ("upwards", f"{root.as_uri()}/../../etc/passwd"),
        ("not-there", f"{root.as_uri()}/gone.txt"),
        ("folder", root.as_uri()),
        ("link", f"{root.as_uri()}/link.txt"),
        ("web", "https://example.org/tea.txt"),
        ("device", "file:///dev/zero"),
    ):
        yield case(f"uri-{name}", "content_unavailable", uri=uri)


def all_cases(root: Path) -> list[Case]:
    """Every case; `root` is an allowed folder."""
    from tests.support.bad_files import files  # noqa: PLC0415 - writes files with libraries

    groups = (sizes, examples, json_text, text, shape, names, keys, headers, states, files)
    found = [one for group in groups for one in group()] + list(by_uri(root))
    assert len({one.name for one in found}) == len(found)
    return found
