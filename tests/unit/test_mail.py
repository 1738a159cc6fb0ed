"""E-mail: headers, the choice of parts, forwarded messages, attachments, damage, limits."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.parsing.mail import parse_mail
from freshline.parsing.mail_parts import MAX_PARTS
from freshline.parsing.port import ParsedDocument
from schemas.reject import Rejected
from tests.support.parsed import check_parsed, parsed_or_refused


def mail(content: bytes | EmailMessage) -> ParsedDocument:
    document = parse_mail(content if isinstance(content, bytes) else content.as_bytes())
    check_parsed(document)
    return document


def message(subject: str, text: str = "", subtype: str = "plain") -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = subject
    made["From"] = "Ada Löve <ada@example.org>"
    if text:
        made.set_content(text, subtype=subtype)
    return made


def refusal(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        parse_mail(content)
    return refused.value.code


def test_headers_are_the_first_lines_and_the_subject_is_the_title() -> None:
    made = message("Grüße 🎉 an alle", "Guten Tag\n")
    made["To"] = "x@example.org"
    made["Date"] = "Mon, 01 Jan 2024 10:00:00 +0000"
    document = mail(made)
    assert document.title == "Grüße 🎉 an alle"
    assert document.text == (
        "From: Ada Löve <ada@example.org>\nTo: x@example.org\nDate: Mon, 01 Jan 2024 10:00:00 +0000\n\nGuten Tag"
    )
    assert len(document.sections) == 1


def test_of_alternatives_the_plain_text_is_read() -> None:
    made = message("s", "plain words")
    made.add_alternative("<p>html words</p>", subtype="html")
    assert mail(made).text.endswith("\n\nplain words")
    assert "html" not in mail(made).text


def test_html_is_read_where_the_plain_text_is_blank() -> None:
    made = message("s", " \n")
    made.add_alternative("<h1>Head</h1><p>html <i hidden>no</i>words</p>", subtype="html")
    document = mail(made)
    assert document.text.endswith("Head\n\nhtml words")
    assert document.sections[-1].headings == ("Head",)
    assert document.title == "s"


def test_attachments_are_named_and_those_of_text_are_read() -> None:
    made = message("s", "body")
    made.add_attachment(b"\x00", maintype="application", subtype="pdf", filename="Bericht März.pdf")
    made.add_attachment("a,b\n1,2\n", subtype="csv", filename="n.csv")
    document = mail(made)
    assert "body\n\nAttachment: Bericht März.pdf (application/pdf)" in document.text
    assert document.sections[-1].headings == ("n.csv",)
    assert document.text.endswith("a,b\n1,2")


def test_a_forwarded_message_is_a_section_and_what_follows_it_is_not() -> None:
    inner = message("Inner", "<h1>Head</h1><p>inner words", "html")
    made = message("Outer", "outer words")
    made.add_attachment(inner)
    made.add_attachment("last words", disposition="inline")
    sections = [(s.headings, mail(made).text[s.start : s.end]) for s in mail(made).sections]
    assert sections == [
        ((), "From: Ada Löve <ada@example.org>\n\nouter words"),
        (("Inner",), "From: Ada Löve <ada@example.org>"),
        (("Inner", "Head"), "inner words"),
        ((), "last words"),
    ]


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=latin1\n", b"\xe9", "é"),
        (b"Content-Type: text/plain; charset=utf-8\n", b"\xe9", "é"),  # misdeclared: windows-1252
        (b"Content-Type: text/plain; charset=nonsense\n", "é".encode(), "é"),
        (b"Content-Type: text/plain; charset=iso-2022-jp\n", "日本".encode("iso2022_jp"), "日本"),
        (b"Content-Transfer-Encoding: base64\n", b"w6k=", "é"),
        (b"Content-Transfer-Encoding: base64\n", b"w6k=!", "é"),
        (b"Content-Transfer-Encoding: quoted-printable\n", b"a=C3=A9=\nb", "aéb"),
        (b"Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n", b"9g==", "Ж"),
        (
            b"Content-Type: multipart/mixed; boundary=b\n",
            b"--b\n\none\n--b\nContent-Type: text/html\n\n<p>two",
            "one\n\ntwo",
        ),
        (b"Content-Type: multipart/mixed\n", b"no boundary", "no boundary"),
    ],
)
def test_encodings_and_damage(headers: bytes, body: bytes, text: str) -> None:
    assert mail(b"From: a\n" + headers + b"\n" + body).text == f"From: a\n\n{text}"


def test_header_lines_cannot_be_made_up() -> None:
    subject = "=?utf-8?q?Hi=0D=0AFrom:_boss=40example.org?="
    document = mail(f"From: a\nSubject: {subject}\nTo: x\n y\n\nb".encode())
    assert document.title == "Hi From: boss@example.org"
    assert document.text == "From: a\nTo: x y\n\nb"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"just some text\n", "unparseable"),
        (b"X-Nothing: known\n\nbody", "unparseable"),
        (b"Subject: only\n\n", "empty_document"),
        (b"%PDF-1.7\n", "unsupported_type"),
        (b"From: a\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n", "encrypted"),
        (b"From: a\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx\n", "encrypted"),
        (
            b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * MAX_PARTS + b"--b--",
            "too_large",
        ),
    ],
)
def test_refusals(content: bytes, code: str) -> None:
    assert refusal(content) == code


def nested(depth: int) -> bytes:
    inner = b"Content-Type: text/plain\n\nhi\n"
    for level in range(depth):
        mark = b"b%d" % level
        inner = b'Content-Type: multipart/mixed; boundary="%b"\n\n--%b\n%b\n--%b--\n' % (
            mark,
            mark,
            inner,
            mark,
        )
    return b"From: a\n" + inner


def test_nested_parts_are_read() -> None:
    assert mail(nested(90)).text == "From: a\n\nhi"


@pytest.mark.parametrize(
    "content",
    [
        nested(3_000),
        b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
        b"From: " + b"a@example.org, " * 60_000 + b"\n\nbody",
        b"Subject: " + b"=?utf-8?q?a?= " * 60_000 + b"\n\nbody",
        b'From: a\nContent-Type: text/plain; a="' + b'b"; c="' * 100_000 + b"\n\nbody",
        b"From: a\n" + b"X: y\n" * 150_000 + b"\nbody",
        b"Subject: x\n" + b" y\n" * 250_000 + b"\nbody",
        nested(300) + b"x\n" * 400_000,
    ],
    ids=["nested", "parts", "addresses", "words", "parameters", "headers", "folded", "boundaries"],
)
def test_hostile_messages_cost_seconds_at_most(content: bytes) -> None:
    began = time.process_time()
    parsed_or_refused(parse_mail, content)
    assert time.process_time() - began < 10  # the slowest took 1.4 s


_PIECES = (
    *(
        "Subject: x\n",
        "Subject: =?utf-8?b?!!!?=\n",
        "From: a\n",
        "Subject: =?x?q?=41?=\n",
        "Subject: =?hz?b?fn4?=\n",
    ),
    *(
        "Content-Type: multipart/mixed; boundary=b\n",
        'Content-Type: multipart/alternative; boundary="c"\n',
        "\n",
        "--b\n",
    ),
    *(
        "Content-Type: text/html; charset=latin1\n",
        "Content-Type: text/plain; charset=\xff\n",
        "--b--\n",
        "--c\n",
        "\x00",
    ),
    *(
        "Content-Type: message/rfc822\n",
        "Content-Type: text/plain; filename*=x'y'%zz\n",
        "Content-Disposition: ;\n",
    ),
    *(
        "Content-Disposition: attachment; filename*0=a; filename*1*=x''b\n",
        "Content-Transfer-Encoding: base64\n",
    ),
    *(
        "Content-Transfer-Encoding: x-uuencode\n",
        "Content-Type: message/delivery-status\n",
        "begin 666 x\n",
        "xyz=\n",
    ),
    *(
        "Content-Type: ;;\n",
        "Content-Type: multipart/digest; boundary=b\n",
        "<p>hi<h1>x\n",
        "\xfc\xe9\n",
        "aGVsbG8\n",
    ),
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from(_PIECES), max_size=25).map(lambda pieces: "".join(pieces).encode("latin-1")),
    )
)
def test_any_bytes_give_a_document_or_a_reason(content: bytes) -> None:
    parsed_or_refused(parse_mail, content)
