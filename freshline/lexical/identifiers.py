"""Names, numbers and code as they are written: what an analyzer for prose would take apart. Knows no index.

"see foo.bar_baz() in x86_64, not C++"  ->  foo.bar_baz  bar_baz  x86_64  c++
"getUserName"                           ->  getusername, and its words: get User Name
"""

import re
from collections.abc import Iterator
from itertools import filterfalse

#: What may join the words of an identifier: at most three in a row, as in https://, and a comma between digits.
_JOINT = r"(?:[-./:@+&\\#]{1,3}+|(?<=\d),(?=\d))"
# Possessive, and begun only where a word begins: linear in the text, also for one word of megabytes.
_IDENTIFIER = re.compile(
    rf"""
    (?<!\S)\.\w++                                    # .NET .gitignore
    | (?<!\w)(?:
        \w++(?:{_JOINT}\w++)++(?:\+\+|\#)?+          # HTTP/2 3.11.7 foo.bar a@b.org 1,000
      | \w++(?:\+\+|\#)                              # C++ F#
      | [^\W_]*+_\w*+                                # ERR_CONN_RESET
      | [^\W\d_]++\d\w*+ | \d++[^\W\d_]\w*+          # utf8 5xx
      | [A-Z]*+[a-z]++[A-Z]\w*+                      # camelCase
      | [A-Z]{{2,}}+[a-z]{{2,}}+                      # HTTPServer
    )
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(r"[-\d.,:/]++")
#: Words joined by hyphens are prose.
_COMPOUND = re.compile(r"[^\W\d_]+(?:-+[^\W\d_]+)+")
#: Where an identifier comes apart into smaller ones, coarse to fine.
_LEVELS = (re.compile(r"[/\\:@]+"), re.compile(r"-+"), re.compile(r"\.+"))
_ANY_LEVEL = re.compile(r"[-/\\:@.]+")
_VERSION = re.compile(r"v(?=\d+\.)")
_MIXED_CASE = re.compile(r"(?<![^\W_])(?:[A-Z]*+[a-z]++[A-Z][^\W_]*+|[A-Z]{2,}+[a-z]{2,}+)")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W_A-Za-z]+")
#: Code points of an identifier that count; more is no name.
_LONGEST = 128


def identifiers(text: str) -> list[str]:
    """Return the identifiers in a text in lower case, each followed by the smaller ones that it is made of.

    >>> identifiers("Fixed CVE-2024-12345 in lib/core_v2.py.")
    ['cve-2024-12345', 'lib/core_v2.py', 'core_v2.py', 'core_v2']
    """
    return [form[:_LONGEST] for whole in _IDENTIFIER.findall(text) for form in _forms(whole)]


def prose(text: str) -> str:
    """Return a text without its identifiers.

    >>> prose("what does os.path.join do")
    'what does   do'
    """
    return _IDENTIFIER.sub(" ", text)


def humps(text: str) -> list[str]:
    """Return the words of which names in mixed case are made.

    >>> humps("parse HTTPServer, getUserName and iPhone")
    ['HTTP', 'Server', 'get', 'User', 'Name', 'i', 'Phone']
    """
    return [part for word in _MIXED_CASE.findall(text) for part in _HUMP.findall(word)]


def unusual(text: str) -> str:
    """Return the text without its plain words and numbers: the same identifiers and humps, found in half the time.

    >>> unusual("The (CPU) runs 64 bits of x86.")
    'x86.'
    """
    return " ".join(filterfalse(_plain, text.split()))


def _plain(word: str) -> bool:
    inner = word.lstrip("([{\"'").rstrip(".,;:!?)]}\"'")
    if not inner.isalpha():
        return inner.isdecimal() or not inner
    return inner.islower() or inner[1:].islower() or inner.isupper()


def _forms(whole: str) -> Iterator[str]:
    if _COMPOUND.fullmatch(whole):
        return
    yield whole.lower()
    pieces = _ANY_LEVEL.split(whole, 2)
    if _NUMBER.fullmatch(whole) or (len(pieces) <= 2 and all(map(_plain, pieces))):  # noqa: PLR2004 - of one joint
        return
    known, parts = {whole}, [whole]
    for level in _LEVELS:
        parts = [piece for part in parts for piece in level.split(part) if piece]
        for part in parts:
            if part not in known and _IDENTIFIER.fullmatch(part) and not _COMPOUND.fullmatch(part):
                known.add(part)
                yield part.lower()
    for form in known:
        if _VERSION.match(form):
            yield form[1:].lower()
