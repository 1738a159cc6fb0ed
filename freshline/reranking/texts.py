"""What rerankers do to texts before a model reads them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshline.generation.terms import FUNCTION_WORDS


def clean(text: str) -> str:
    r"""Return a text that has UTF-8: a lone surrogate, which no tokenizer takes, becomes a question mark.

    >>> clean("a\ud800b")
    'a?b'
    """
    return text.encode(errors="replace").decode()


def telling(words: Sequence[str]) -> NDArray[np.bool_]:
    """Return which words name something: neither function words (English) nor marks. All, where none would be left.

    >>> telling(("What", "is", "COVID-19", "?")).tolist()
    [False, False, True, False]
    >>> telling(("To", "be")).tolist()
    [True, True]
    """
    found = np.array(
        [word.lower() not in FUNCTION_WORDS and any(map(str.isalnum, word)) for word in words], bool
    )
    return found if found.any() else np.ones(len(words), bool)
