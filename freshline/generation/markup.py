"""Text from documents made inert before it stands in an answer: nothing in it loads, links or hides.

A document may carry `![](https://elsewhere/?q=secret)`: shown by a client that renders Markdown or HTML, that picture
would be fetched and would tell its owner what was asked. Quotes of citations are not touched: they stay literal
substrings of the document, and a client shows them as plain text. This module does not know what a sentence is.
"""

import re

#: `![alt](target)` and `[text](target)`, the target up to the closing bracket (CommonMark 0.31, section 6.3)
_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)")
#: what is left that could still open a link, an image, a reference or a tag, with the space that disarms it
_LIVE = (
    (re.compile(r"!(?=\[)"), "! "),
    (re.compile(r"\](?=[(\[:])"), "] "),
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),
)
#: bidirectional overrides and isolates, zero-width space and joiners that hide text, byte order mark, tag characters,
#: control characters, lone surrogates
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return `text` without characters that are not seen; line ends stay."""
    return _HIDDEN.sub("", text)


def neutralise(text: str) -> str:
    """Return `text` on one line, links and pictures reduced to their words, tags disarmed, hidden characters gone.

    >>> neutralise("See ![a chart](https://x.test/?q=1) and [the guide](https://y.test).")
    'See a chart and the guide.'
    >>> neutralise("<img src=x>")
    '< img src=x>'
    """
    text = " ".join(visible(text).split())
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    for opening, inert in _LIVE:
        text = opening.sub(inert, text)
    return " ".join(text.split())


class Inert:
    """Makes text inert that comes in parts, as far as that can be done without its end: links stay visible words.

    >>> inert = Inert()
    >>> [inert.feed(part) for part in ("see !", "[a](x", ") <", "b>")]
    ['see !', ' [a] (x', ') <', ' b>']
    """

    def __init__(self) -> None:
        self._last = ""

    def feed(self, part: str) -> str:
        """Return the next part; together they hold nothing that loads or hides."""
        text = self._last + visible(part)
        for opening, inert in _LIVE:
            text = opening.sub(inert, text)
        told = text[len(self._last) :]
        self._last = text[-1:]
        return told
