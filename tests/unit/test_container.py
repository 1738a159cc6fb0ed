"""Archives that lie, bombs and passwords: refused before they cost anything."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.parsing.container import Container, Limits
from schemas.reject import Rejected
from tests.support.office import packed

SMALL = packed({"a.xml": b"hello", "Folder/B.xml": b"world" * 100})


def code_of(content: bytes, limits: Limits | None = None, read: str | None = None) -> str:
    with pytest.raises(Rejected) as refused:
        _open_and_read(content, limits, read)
    return refused.value.code


def _open_and_read(content: bytes, limits: Limits | None, read: str | None) -> None:
    container = Container(content, limits)
    if read is not None:
        container.read(read)


def zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    mega = bytes(1 << 20)
    return b"".join(packer.compress(mega) for _ in range(size >> 20)) + packer.flush()


def one_entry(data: bytes, *, size: int, crc: int, flags: int = 0, method: int = 8) -> bytes:
    """Return an archive of one deflated entry "a" that declares what it is told to (APPNOTE 4.3)."""
    fields = struct.pack("<HHHHHLLLHH", 20, flags, method, 0, 33, crc, len(data), size, 1, 0)
    local = b"PK\x03\x04" + fields + b"a" + data
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + b"a"
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + end


def test_parts_are_found_whatever_the_case_and_the_slashes() -> None:
    container = Container(packed({"Word\\Document.xml": b"x", "../../etc/passwd": b"y"}))
    assert container.read("/word/document.XML") == b"x"
    assert container.read("../../etc/passwd") == b"y"  # a key like any other
    assert container.read("/etc/passwd") is None


def test_hand_made_entry_is_what_zipfile_reads_too() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = one_entry(packer.compress(b"hi") + packer.flush(), size=2, crc=zlib.crc32(b"hi"))
    assert zipfile.ZipFile(io.BytesIO(content)).read("a") == b"hi"
    assert Container(content).read("a") == b"hi"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(entries=2, unpacked=505, part=500), None),  # 5 + 500 bytes in two entries
        (Limits(entries=1), "too_large"),
        (Limits(unpacked=504), "too_large"),
        (Limits(part=499), "too_large"),
        (Limits(ratio=1, ratio_from=504), "too_large"),
        (Limits(ratio=1, ratio_from=505), None),
    ],
)
def test_limits_are_exact(limits: Limits, code: str | None) -> None:
    if code is None:
        assert Container(SMALL, limits).read("folder/b.xml") == b"world" * 100
    else:
        assert code_of(SMALL, limits, "folder/b.xml") == code


def test_bomb_that_declares_itself_is_not_unpacked() -> None:
    size = 48 << 20
    tracemalloc.start()
    try:
        assert code_of(one_entry(zeros(size), size=size, crc=0)) == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_bomb_that_lies_is_unpacked_no_further_than_it_declares() -> None:
    content = one_entry(zeros(96 << 20), size=10, crc=zlib.crc32(bytes(10)))
    tracemalloc.start()
    try:
        assert Container(content).read("a") == bytes(10)  # what it declared, checksum and all
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_entry_shorter_than_declared_or_with_a_wrong_checksum_is_refused() -> None:
    assert code_of(one_entry(zeros(1 << 20), size=2 << 20, crc=0), read="a") == "unparseable"
    assert code_of(one_entry(zeros(1 << 20), size=1 << 20, crc=1), read="a") == "unparseable"


def test_a_directory_of_many_entries_is_refused_before_it_is_read() -> None:
    entry = b"PK\x01\x02" + bytes(42)
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, 46 * 20_000, 0, 0)
    assert code_of(entry * 20_000 + end) == "too_large"


def test_password_unknown_method_and_two_of_one_name_are_refused() -> None:
    assert code_of(one_entry(b"", size=0, crc=0, flags=1)) == "encrypted"
    assert code_of(one_entry(b"", size=0, crc=0, method=14)) == "unparseable"
    assert code_of(packed({"a": b"", "A": b""})) == "unparseable"


@pytest.mark.parametrize(  # named: a test's name must not hold the time at which an archive was made
    "content",
    [b"", b"PK\x03\x04", b"no archive", SMALL[:-30], SMALL[20:60]],
    ids=["nothing", "a signature", "text", "cut off", "from the middle"],
)
def test_broken_archives_are_refused(content: bytes) -> None:
    assert code_of(content) == "unparseable"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_whatever_the_bytes_nothing_but_rejected_is_raised(flips: list[tuple[int, int]]) -> None:
    content = bytearray(SMALL)
    for place, byte in flips:
        content[place] = byte
    try:
        container = Container(bytes(content))
        for name in container.names():
            container.read(name)
    except Rejected:
        pass
