"""Content by uri: what is read, and what no dead letter may tell."""

import errno
import os
import socket
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.ingest.content import ContentReader
from freshline.settings import LimitSettings
from schemas.messages import DocumentEvent
from schemas.reject import Rejected

TEXT = b"Tea is at four."


class Storage:
    """os.open that fails for the named files; counts what is tried. Everything else is the system's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails: list[int] = []
        self.tried = 0
        self._open = os.open
        monkeypatch.setattr(os, "open", self.open)

    def open(self, path: Any, *arguments: Any, **options: Any) -> int:
        if path == "tea.txt":
            self.tried += 1
            if self.fails:
                code = self.fails.pop(0)
                raise OSError(code, os.strerror(code))
        return self._open(path, *arguments, **options)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """allowed/{tea.txt,below/deep.txt,…} with every way out of it that a file system has, and secret.txt beside."""
    (tmp_path / "secret.txt").write_bytes(b"secret")
    allowed = tmp_path / "allowed"
    (allowed / "below").mkdir(parents=True)
    (allowed / "tea.txt").write_bytes(TEXT)
    (allowed / "below" / "deep ü#?.txt").write_bytes(b"deep")
    (allowed / "link.txt").symlink_to(tmp_path / "secret.txt")
    (allowed / "link-inside.txt").symlink_to(allowed / "tea.txt")
    (allowed / "out").symlink_to(tmp_path)
    (allowed / "loop").symlink_to(allowed / "loop")
    os.mkfifo(allowed / "pipe")
    return allowed


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def reader(root: Path, waited: list[float]) -> ContentReader:
    return ContentReader(LimitSettings(content_roots=(str(root),), content_bytes=100), waited.append)


def event(uri: str | None = None, **fields: Any) -> DocumentEvent:
    return DocumentEvent(schema_version=1, collection="c", doc_id="d", uri=uri, **fields)


def refused(reader: ContentReader, message: DocumentEvent) -> Rejected:
    with pytest.raises(Rejected) as caught:
        reader(message)
    return caught.value


def test_a_file_below_a_root_is_read(reader: ContentReader, root: Path) -> None:
    assert reader(event((root / "tea.txt").as_uri())) == TEXT
    assert reader(event((root / "below" / "deep ü#?.txt").as_uri())) == b"deep"
    assert reader(event(f"file://localhost{root}/./below//../tea.txt".replace("below//../", ""))) == TEXT


def test_inline_content_wins_and_its_uri_is_not_touched(reader: ContentReader) -> None:
    assert reader(event("file:///etc/passwd", content="Tea.")) == b"Tea."
    assert reader(event("https://example.org/", content_base64="VGVh")) == b"Tea"


_WAYS_OUT = [
    "{parent}/secret.txt",
    "{root}/../secret.txt",
    "{root}/%2e%2e/secret.txt",
    "{root}%2f..%2fsecret.txt",
    "{root}/below/../tea.txt",
    "{root}/link.txt",
    "{root}/link-inside.txt",
    "{root}/out/secret.txt",
    "{root}/loop/x",
    "{root}/loop",
    "{root}/pipe",
    "{root}/below",
    "{root}/below/",
    "{root}",
    "{root}/",
    "{root}-beside/tea.txt",
    "{root}/tea.txt/x",
    "{root}/missing.txt",
    "{root}/tea.txt%00.pdf",
    "{root}/%ff",
    "{root}/" + "x" * 300,
    "{root}/" + "x/" * 2000,
    "{root}/tea.txt?version=1",
    "{root}/tea.txt#page=2",
    "/etc/passwd",
    "/proc/self/environ",
    "",
    "/",
]


@pytest.mark.parametrize("path", _WAYS_OUT)
def test_what_is_not_allowed_sounds_like_what_is_not_there(
    reader: ContentReader, root: Path, path: str, waited: list[float]
) -> None:
    found = refused(reader, event("file://" + path.format(root=root, parent=root.parent)))
    there = refused(reader, event((root / "not-there").as_uri()))
    assert (found.code, found.detail) == (there.code, there.detail)
    assert found.code == "content_unavailable"
    assert waited == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/tea.txt",
        "https://example.org/tea.txt",
        "file://example.org{root}/tea.txt",
        "FTP://x/tea.txt",
        "{root}/tea.txt",
        "tea.txt",
        "file:tea.txt",
        "file://[::1/tea.txt",
        "jar:file://{root}/tea.txt",
    ],
)
def test_nothing_is_ever_fetched(
    reader: ContentReader, root: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", None)  # any connection would raise TypeError
    assert refused(reader, event(uri.format(root=root))).code == "content_unavailable"


def test_without_roots_nothing_is_read(root: Path) -> None:
    reader = ContentReader(LimitSettings())
    assert refused(reader, event((root / "tea.txt").as_uri())).code == "content_unavailable"


def test_a_socket_is_not_available(reader: ContentReader, root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        try:  # the address of a socket is short
            os.chdir(root)
            server.bind("s")
        finally:
            os.chdir(here)
        assert refused(reader, event((root / "s").as_uri())).code == "content_unavailable"


def test_a_root_may_be_a_link_or_a_uri_and_the_deepest_root_counts(root: Path) -> None:
    (root.parent / "mount").symlink_to(root)
    limits = LimitSettings(content_roots=(f"{root.parent}/mount/", (root / "out").as_uri()))
    reader = ContentReader(limits)
    assert reader(event(f"file://{root.parent}/mount/tea.txt")) == TEXT
    assert reader(event(f"file://{root}/out/secret.txt")) == b"secret"  # `out` was named by the operator
    assert refused(reader, event(f"file://{root}/tea.txt")).code == "content_unavailable"


@pytest.mark.parametrize(("size", "code"), [(99, None), (100, None), (101, "too_large")])
def test_size(reader: ContentReader, root: Path, size: int, code: str | None) -> None:
    (root / "big.txt").write_bytes(b"x" * size)
    message = event((root / "big.txt").as_uri())
    if code is None:
        assert len(reader(message)) == size
    else:
        assert refused(reader, message).code == code


def test_a_file_that_grows_while_it_is_read_is_bounded(
    reader: ContentReader, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat_result((0o100644, 0, 0, 1, 0, 0, 3, 0, 0, 0))  # 3 bytes, it says
    monkeypatch.setattr(os, "fstat", lambda _: stat)
    (root / "grown.txt").write_bytes(b"x" * 5000)
    assert refused(reader, event((root / "grown.txt").as_uri())).code == "too_large"


def test_a_folder_that_is_swapped_for_a_link_meanwhile_is_not_followed(
    reader: ContentReader, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The swap happens between any check by name and the opening: just before the last folder is opened."""
    (root / "below" / "secret.txt").write_bytes(b"harmless")
    real = os.open

    def swapping(path: Any, *arguments: Any, **options: Any) -> int:
        if path == "below" and not (root / "below").is_symlink():
            (root / "below").rename(root / "moved")
            (root / "below").symlink_to(root.parent)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", swapping)
    assert refused(reader, event((root / "below" / "secret.txt").as_uri())).code == "content_unavailable"


def test_sha256_is_verified_for_every_kind_of_content(reader: ContentReader, root: Path) -> None:
    right = sha256(TEXT).hexdigest()
    wrong = sha256(b"another").hexdigest()
    uri = (root / "tea.txt").as_uri()
    for one in ({"uri": uri}, {"content": TEXT.decode()}, {"content_base64": "VGVhIGlzIGF0IGZvdXIu"}):
        assert reader(event(**one, content_sha256=right.upper())) == TEXT
        assert refused(reader, event(**one, content_sha256=wrong)).code == "content_mismatch"


def test_a_failing_storage_is_tried_three_times_then_costs_one_try_each(
    reader: ContentReader, root: Path, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(monkeypatch)
    message = event((root / "tea.txt").as_uri())
    storage.fails = [errno.EIO, errno.ESTALE]
    assert reader(message) == TEXT
    assert (storage.tried, waited) == (3, [0.1, 0.4])

    storage.fails = [errno.EIO] * 4  # three of the first record, one of the second
    for tried in (6, 7):
        found = refused(reader, message)
        assert (found.code, found.detail) == ("content_unavailable", "the storage failed: EIO")
        assert storage.tried == tried
    assert waited == [0.1, 0.4] * 2
    assert reader(message) == TEXT
    storage.fails = [errno.EIO]
    assert reader(message) == TEXT  # it has patience again


def test_no_descriptor_is_left(reader: ContentReader, root: Path) -> None:
    def open_files() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    before = open_files()
    for path in _WAYS_OUT:
        refused(reader, event("file://" + path.format(root=root, parent=root.parent)))
    reader(event((root / "tea.txt").as_uri()))
    assert open_files() == before


@pytest.fixture(scope="module")
def any_reader(tmp_path_factory: pytest.TempPathFactory) -> ContentReader:
    return ContentReader(LimitSettings(content_roots=(str(tmp_path_factory.mktemp("root")),)))


@given(uri=st.one_of(st.text(), st.text().map("file://{}".format), st.text().map("file:///{}".format)))
def test_any_uri_is_refused_or_read(any_reader: ContentReader, uri: str) -> None:
    found = refused(any_reader, event(uri))
    assert found.code == "content_unavailable"
    assert found.detail.isascii()
