"""Source code: the text unchanged, the definition a line belongs to; Python's own grammar is the oracle."""

import ast
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.parsing import media_types as types
from freshline.parsing.registry import parse
from freshline.parsing.source_code import parse_source
from schemas.reject import Rejected
from tests.support.parsed import check_parsed, parsed_or_refused

STANDARD_LIBRARY = Path(json.__file__).parents[1]
LANGUAGES = sorted(set(types.SOURCE.values()))


def sections(source: str, language: str) -> list[tuple[tuple[str, ...], str]]:
    document = parse_source(source.encode(), language=language)
    assert document.text == source
    assert [(s.start, s.end) for s in document.sections] == list(document.lines)
    return [(s.headings, source[s.start : s.end]) for s in document.sections]


def test_python_by_hand() -> None:
    source = '''"""Tea."""
import a

@cached
class Tea(Drink):
    """Hot."""

    def pour(self):
        def inner(): ...
        return 1

    async def wait(self): ...

async def brew(): ...
CUPS = 4
'''
    assert sections(source, "python") == [
        ((), '"""Tea."""\nimport a\n\n@cached'),
        (("class Tea",), 'class Tea(Drink):\n    """Hot."""'),
        (("class Tea", "def pour"), "def pour(self):\n        def inner(): ...\n        return 1"),
        (("class Tea", "def wait"), "async def wait(self): ..."),
        (("def brew",), "async def brew(): ...\nCUPS = 4"),
    ]


@pytest.mark.parametrize(
    ("language", "source", "headings"),
    [
        (
            "javascript",
            "export default async function tea() {}\nclass Cup {}\nconst x = 1\n",
            ["function tea", "class Cup"],
        ),
        (
            "java",
            "package a;\npublic final class Tea<T> {\n  void pour() {}\n}\nrecord Cup(int n) {}\n",
            ["class Tea", "record Cup"],
        ),
        (
            "c",
            "#include <a.h>\ntypedef struct tea {\n int n;\n} tea;\nnamespace cup {}\n",
            ["struct tea", "namespace cup"],
        ),
        (
            "go",
            "package a\nfunc (t *Tea) Pour(n int) {}\ntype Tea struct {}\nfunc main() {}\n",
            ["func (t *Tea) Pour", "type Tea", "func main"],
        ),
        (
            "rust",
            "pub(crate) async fn pour() {}\nimpl Tea for Cup {\n}\nenum E {}\n",
            ["fn pour", "impl Tea for Cup", "enum E"],
        ),
        ("ruby", "module Tea\n  def x; end\nend\ndef pour!\nend\n", ["module Tea", "def pour!"]),
        ("php", "<?php\nabstract class Tea {}\nfunction pour() {}\n", ["class Tea", "function pour"]),
        ("shell", "set -e\npour() {\n  x\n}\nfunction brew () {\n}\n", ["pour()", "function brew ()"]),
        (
            "sql",
            "CREATE TABLE tea (n int);\ncreate or replace view cups as select 1;\n",
            ["CREATE TABLE tea", "create or replace view cups"],
        ),
        ("ini", "a = 1\n[tea.pot]\nb = 2\n[[cups]]\n", ["[tea.pot]", "[[cups]]"]),
        ("yaml", "tea:\n  at: four\ncake: five\n# no: comment\n", ["tea:", "cake:"]),
        ("none", "<a>\n</a>\n", []),
    ],
)
def test_definitions_of_each_language(language: str, source: str, headings: list[str]) -> None:
    found = [path[-1] for path, _ in sections(source, language) if path]
    assert found == headings
    assert language in LANGUAGES


def _definitions(source: str) -> list[tuple[str, ...]]:
    """Top-level definitions and methods of classes, by Python's own parser."""
    kinds = {ast.ClassDef: "class", ast.FunctionDef: "def", ast.AsyncFunctionDef: "def"}
    found: list[tuple[str, ...]] = []
    body: Any = ast.parse(source).body
    for node in body:
        if type(node) in kinds:
            name = f"{kinds[type(node)]} {node.name}"
            found.append((name,))
            inner = [each for each in node.body if type(each) in kinds]
            found += [(name, f"{kinds[type(each)]} {each.name}") for each in inner]
    return found


@pytest.mark.parametrize(
    "name", ["json/decoder.py", "textwrap.py", "argparse.py", "asyncio/locks.py", "fractions.py"]
)
def test_pythons_own_parser_finds_the_same(name: str) -> None:
    source = (STANDARD_LIBRARY / name).read_text("utf-8")
    found = [path for path, _ in sections(source, "python") if path]
    assert found == _definitions(source)


def test_a_name_leads_to_the_language() -> None:
    document = parse(b"x = 1\ndef pour():\n    pass\n", None, name="tea.py")
    assert [section.headings for section in document.sections] == [(), ("def pour",)]
    assert document.title is None


def test_definitions_are_bounded_and_no_text_is_lost() -> None:
    source = "def f(): pass\n" * 50_000
    document = parse_source(source.encode(), language="python")
    check_parsed(document)
    assert len(document.sections) == 10_000
    covered = sum(section.end - section.start for section in document.sections)
    assert covered == len(source) - 10_000  # the line ends between sections


_HOSTILE = {
    "one line": "a" * 50_000,
    "spaces": " " * 200_000 + "x",
    "words": "public static final " * 10_000,
    "brackets": "[" * 200_000,
    "functions": "func (" * 30_000,
    "a receiver": "func (" + "a" * 200_000,
    "create": "create a " * 30_000,
    "keys": "k" * 200_000 + ":",
    "pub": "pub(" + "a: " * 50_000,
    "line ends": "\n" * 200_000 + "x",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_text_takes_time_in_its_length(language: str) -> None:
    for source in _HOSTILE.values():
        started = time.process_time()
        document = parse_source(source.encode(), language=language)
        assert time.process_time() - started < 10  # a second is usual; a pattern that backtracks takes hours
        check_parsed(document)


@given(st.text(), st.sampled_from(LANGUAGES))
def test_any_text_is_kept_or_refused(source: str, language: str) -> None:
    content = source.encode(errors="replace")
    parsed_or_refused(lambda raw: parse_source(raw, language=language), content)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(Rejected, match="unsupported_type"):
        parse_source(b"\x7fELF" + bytes(100), language="c")
