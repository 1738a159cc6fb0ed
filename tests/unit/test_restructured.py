"""reStructuredText: structure, what is and is not text, directives that docutils does not know, limits."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.parsing.port import ParsedDocument
from freshline.parsing.restructured import MAX_LINE, MAX_LINES, parse_restructured
from schemas.reject import Rejected
from tests.support.parsed import check_parsed, parsed_or_refused


def document_of(source: str) -> ParsedDocument:
    document = parse_restructured(source.encode())
    check_parsed(document)
    return document


def lines_of(document: ParsedDocument) -> list[str]:
    return [document.text[start:end] for start, end in document.lines]


def test_sections_are_headings_and_the_first_is_the_title() -> None:
    document = document_of(
        "=====\nGuide\n=====\n\nIntro\n\nSetup *now*\n===========\n\nRun\n\nMore\n----\n\nEnd\n"
    )
    assert document.title == "Guide"
    assert [(s.headings, document.text[s.start : s.end]) for s in document.sections] == [
        (("Guide",), "Intro"),
        (("Guide", "Setup now"), "Run"),
        (("Guide", "Setup now", "More"), "End"),
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("*a* **b** ``c`` `d`\n", "a b c d"),
        ("`here <https://example.org>`_ and there_\n\n.. _there: https://example.org\n", "here and there"),
        (":ref:`Setup <install>` :class:`~a.B` :doc:`/x`\n", "Setup a.B /x"),
        ("v |version|\n\n.. |version| replace:: 3.2\n", "v 3.2"),
        ("v |unknown|\n", "v unknown"),
        ("- a\n- b\n\n  c\n\n  1. d\n  2. e\n", "- a\n- b\nc\n1. d\n2. e"),
        ("3. a\n4. b\n", "3. a\n4. b"),
        ("Term\n  Meaning\n", "Term\nMeaning"),
        (":Author: Ada\n:Date: now\n", "Author: Ada\nDate: now"),
        ("| a\n|   b\n", "a\nb"),
        (".. note:: Be *careful*.\n", "Be careful."),
        (".. image:: x.png\n   :alt: A chart\n", "A chart"),
        (".. figure:: x.png\n\n   Caption\n\n   Legend\n", "Caption\n\nLegend"),
        ("a [1]_\n\n.. [1] Foot\n", "a 1\n\n[1] Foot"),
        ("a\n\n.. hidden remark\n\n.. _t:\n\nb\n", "a\n\nb"),
        ("a `b *c\n", "a `b *c"),
    ],
)
def test_text(source: str, text: str) -> None:
    assert document_of(source).text == text


@pytest.mark.parametrize(
    "source",
    [
        "=====  =====\nA      B\n=====  =====\nm      1\nm      2\n=====  =====\n",
        ".. csv-table::\n   :header: A, B\n\n   m, 1\n   m, 2\n",
        ".. list-table::\n   :header-rows: 1\n\n   * - A\n     - B\n   * - m\n     - 1\n   * - m\n     - 2\n",
        "+---+---+\n| A | B |\n+===+===+\n| m | 1 |\n|   +---+\n|   | 2 |\n+---+---+\n",
    ],
    ids=["simple", "csv", "list", "spans"],
)
def test_tables_of_every_kind_repeat_their_header(source: str) -> None:
    document = document_of(source)
    assert lines_of(document) == ["A: m | B: 1\nA: m | B: 2"]


@pytest.mark.parametrize(
    "source",
    [
        "::\n\n   def f():\n       return 1\n",
        ".. code:: python\n\n   def f():\n       return 1\n",
        ".. code-block:: python\n   :emphasize-lines: 2\n\n   def f():\n       return 1\n",
        ".. sourcecode:: python\n\n   def f():\n       return 1\n",
    ],
)
def test_code_is_lines(source: str) -> None:
    assert lines_of(document_of(source)) == ["def f():\n    return 1"]


def test_directives_that_docutils_does_not_know_keep_their_text() -> None:
    document = document_of(
        "Title\n=====\n\n.. py:function:: open(file)\n   :async:\n\n   Opens *it*.\n\n"
        "   .. versionadded:: 3.2\n      Was not there.\n\n.. seealso::\n\n   - other\n"
    )
    assert document.text == (
        "Title\n\npy:function: open(file)\n\nOpens it.\n\nversionadded: 3.2\n\nWas not there.\n\nseealso\n- other"
    )
    assert document.sections[0].headings == ("Title",)


def test_nothing_is_read_from_disk_and_nothing_is_raw(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret, words\n")
    source = "a\n\n" + "".join(
        f".. {directive}\n\n"
        for directive in (
            f"include:: {secret}",
            f"literalinclude:: {secret}",
            f"raw:: html\n   :file: {secret}",
            f"csv-table::\n   :file: {secret}",
            f"csv-table::\n   :url: {secret.as_uri()}",
            "raw:: html\n\n   <b>secret</b>",
        )
    )
    assert "secret, words" not in document_of(source).text
    assert "<b>" not in document_of(source).text


def test_a_role_is_forgotten_with_its_document() -> None:
    alone = document_of(":mine:`a <b>`\n").text
    document_of(".. role:: mine\n\n.. default-role:: mine\n\n:mine:`a <b>`\n")
    assert document_of(":mine:`a <b>`\n").text == alone == "a"


@pytest.mark.parametrize(
    "source",
    ["a\n" * (MAX_LINES + 1), "*a* " * MAX_LINE, "`a " * 20_000 + "\n", "- " * 2_000 + "x"],
    ids=["lines", "line", "marks", "depth"],
)
def test_over_the_limits_it_is_plain_text(source: str) -> None:
    assert document_of(source).text == source


@pytest.mark.parametrize(
    "source",
    [
        ("`a " * 3_000 + "\n") * 100,
        ("a_ " * 3_000 + "\n\n") * 100,
        "x\n====\n\n" * 6_000,
        ".. foo:: a\n\n   text\n\n" * 4_000,
        ".. |a| replace:: " + "x" * 9_000 + "\n\n" + "|a| " * 2_400,
        "".join("  " * depth + "- x\n\n" for depth in range(500)),
        "".join("   " * depth + ".. foo:: b\n\n" for depth in range(200)),
        "- a\n\n" * 9_000,
    ],
    ids=["marks", "references", "sections", "directives", "substitution", "lists", "nested", "items"],
)
def test_hostile_documents_cost_seconds_at_most(source: str) -> None:
    began = time.process_time()
    parsed_or_refused(parse_restructured, source.encode())
    assert time.process_time() - began < 15  # the slowest took 2.2 s


@pytest.mark.parametrize("content", [b"", b".. only a comment\n", b".. _target: x\n"])
def test_a_document_without_text_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected) as refused:
        parse_restructured(content)
    assert refused.value.code == "empty_document"


_PIECES = (
    *(
        ".. note::\n",
        "   text\n",
        "\n",
        "* x\n",
        "  z\n",
        "1. a\n",
        "Title\n",
        "=====\n",
        "-----\n",
        "**b**",
        "`q`_",
        "|s|",
    ),
    *(
        ".. |s| replace:: |s|\n",
        ".. _t:\n",
        ".. [1] f\n",
        "[1]_ ",
        "::\n\n",
        "   code\n",
        "+--+--+\n",
        "|a |b |\n",
        "| l\n",
    ),
    *(
        "==  ==\n",
        "a   b\n",
        ".. foo:: arg\n",
        "   :opt: v\n",
        ":role:`x <y>` ",
        ".. role:: zz(raw)\n",
        ">>> x\n",
        "\t",
    ),
    *(
        ".. default-role:: emphasis\n",
        ".. list-table::\n",
        "   * - a\n",
        "     - b\n",
        ".. image:: x\n",
        "-a  b\n",
        "\x1b",
    ),
    *(
        ".. include:: /dev/zero\n",
        ".. contents::\n",
        ".. |u| unicode:: 0xd800\n",
        "|u| ",
        ".. class:: x\n",
        ":f: v\n",
    ),
    *(
        ".. code-block:: py\n",
        ".. table:: t\n",
        ".. figure:: x\n",
        ".. csv-table::\n",
        ".. math::\n",
        ".. title:: t\n",
    ),
    *(
        ".. sidebar:: s\n",
        ".. topic:: t\n",
        ".. epigraph::\n",
        ".. compound::\n",
        ".. sectnum::\n",
        ".. meta::\n",
    ),
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from(_PIECES), max_size=25).map(lambda pieces: "".join(pieces).encode()),
    )
)
def test_any_bytes_give_a_document_or_a_reason(content: bytes) -> None:
    parsed_or_refused(parse_restructured, content)
