"""The languages of lexical analysis: which there are, and which one a collection is in. Knows no index.

A language decides how a row is analysed, and how a question is. A segment's lexical file says which ones it was made
with; a worker with others makes its own, so a changed setting takes effect with the worker's next start.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from freshline.settings import CollectionsSettings

#: Neither stems nor function words.
NONE = "none"
#: ISO 639-1 code: name of the Snowball stemmer.
STEMMERS: Mapping[str, str] = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
#: Languages for which tantivy has no list of function words.
WITHOUT_STOP_WORDS = frozenset({"ar", "el", "ro", "ta", "tr"})
#: What people write instead of a code.
_ALIASES = {**{name: code for code, name in STEMMERS.items()}, "nb": "no", "nn": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """The language of each collection; `default` is that of collections without a section of their own."""

    default: str = "en"
    named: Mapping[str, str] = field(default_factory=dict)

    def of(self, collection: str) -> str:
        """Return the language's code."""
        return self.named.get(collection, self.default)


def languages_of(settings: CollectionsSettings) -> Languages:
    """Return what the section [collections] says."""
    return Languages(
        default=settings.default.language,
        named={name: one.language for name, one in settings.named.items()},
    )


def expected_of(language: str) -> str | None:
    """Return what stands in the message about a language that there is not, None for one that there is.

    >>> expected_of("en"), expected_of("none")
    (None, None)
    >>> expected_of("germn").partition(";")[0]
    "'de' (the nearest)"
    """
    if language == NONE or language in STEMMERS:
        return None
    listed = f"one of {', '.join(sorted(STEMMERS))}, or none"
    near = difflib.get_close_matches(language.lower(), [*STEMMERS, *_ALIASES, NONE], n=1)
    return f"'{_ALIASES.get(near[0], near[0])}' (the nearest); {listed}" if near else listed
