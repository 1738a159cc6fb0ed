"""Bytes to text for formats that name their own character set: HTML and e-mail. Knows neither.

The names are those that the Encoding Standard gives pages (https://encoding.spec.whatwg.org); UTF-7 and codecs that are
no character sets are not among them. Latin-1 and ASCII are read as windows-1252, as every browser does.
"""

import codecs

#: Python's names of the character sets that may be declared.
_KNOWN = frozenset(
    {"utf-8", "koi8-r", "koi8-u", "cp866", "cp874", "tis-620", "mac-roman"}
    | {"gbk", "gb2312", "gb18030", "hz", "big5", "big5hkscs", "euc_jp", "iso2022_jp", "shift_jis", "cp932"}
    | {"euc_kr", "cp949", "mac-cyrillic", *(f"cp{number}" for number in range(1250, 1259))}
    | {f"iso8859-{part}" for part in range(1, 17)}
)
_READ_AS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
}
#: Sets of seven bits: their bytes are always valid UTF-8 and say nothing, so the declaration goes first.
_SEVEN_BITS = frozenset({"iso2022_jp", "hz"})
_MAX_LABEL = 40
_CODEC_OF_BOM = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: Byte order marks: the bytes behind one are text, however many of them are NUL.
BOMS = tuple(mark for mark, _ in _CODEC_OF_BOM)


def decode_declared(content: bytes, label: str | None) -> str | None:
    """Return the text by byte order mark, else as UTF-8, else in the character set named; None where none fits.

    UTF-8 goes before the name: who stores an old page in UTF-8 often leaves its declaration as it was, and text of
    another set is hardly ever valid UTF-8 by chance.
    """
    marked = next((codec for mark, codec in _CODEC_OF_BOM if content.startswith(mark)), None)
    if marked is not None:
        return _decoded(content, marked)
    named = _codec(label)
    for codec in (named, "utf-8") if named in _SEVEN_BITS else ("utf-8", named):
        text = _decoded(content, codec)
        if text is not None:
            return text
    return None


def _decoded(content: bytes, codec: str | None) -> str | None:
    try:
        return content.decode(codec) if codec else None
    except UnicodeDecodeError:
        return None


def _codec(label: str | None) -> str | None:
    """Return the codec of a label; None where it is none that a text may name."""
    if not label or len(label) > _MAX_LABEL:
        return None
    try:
        name = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):
        return None
    name = _READ_AS.get(name, name)
    return name if name in _KNOWN else None
