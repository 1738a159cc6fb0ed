"""Scripts without spaces, and characters that look alike: what a text is made of before it is cut into words.

A run of Chinese, Japanese, Korean, Thai, Lao, Burmese or Khmer becomes its pairs of neighbouring characters, for no
dictionary says where its words are. A row holds the single characters too, a question only where it has one alone:

    row "東京都"  ->  東 京 都 東京 京都        question "東京"  ->  東京        question "都"  ->  都
"""

import re
import unicodedata
from itertools import pairwise

_RUN = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
#: Soft hyphen, zero-width characters and the byte order mark: invisible, and they would cut a word in two.
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


def row_text(text: str) -> str:
    """Return a row's text as it is analysed: compatibility forms unified (NFKC), runs as characters and pairs."""
    return text if text.isascii() else _RUN.sub(_all_grams, _unified(text))


def question_text(text: str, longest: int) -> str:
    """Return a question's text as it is analysed; a lone surrogate, which no index can hold, becomes `?`.

    At most `longest` code points are read, counted once more where NFKC makes up to 18 of one.
    """
    text = text[:longest]
    if text.isascii():
        return text
    return _RUN.sub(_pairs, _unified(text.encode("utf-8", "replace").decode())[:longest])


def _unified(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_INVISIBLE)


def _pairs(run: re.Match[str]) -> str:
    # marks above and below are no letters to the tokenizer, which would cut there
    letters = [letter for letter in run[0] if letter.isalnum()]
    pairs = [first + second for first, second in pairwise(letters)]
    return f" {' '.join(pairs or letters)} "


def _all_grams(run: re.Match[str]) -> str:
    letters = [letter for letter in run[0] if letter.isalnum()]
    return f" {' '.join(letters)}{_pairs(run) if len(letters) > 1 else ' '}"
