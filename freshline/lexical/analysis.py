"""What a row and a question are made of for lexical search, by language: fields, terms and what a term counts for.

    body   title and heading path several times, passage, words of names in mixed case; stems of the language
    exact  identifiers as they are written (freshline.lexical.identifiers)

Knows no index and no score.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import tantivy

from freshline.lexical.identifiers import humps, identifiers, prose, unusual
from freshline.lexical.languages import STEMMERS, WITHOUT_STOP_WORDS
from freshline.lexical.scripts import question_text, row_text

BODY, EXACT = "body", "exact"
#: How often the title stands in the body: a term of it counts for more than one of the passage, and saturates with it.
TITLE_TIMES = 2
#: What a function word counts for: findable, and no reason to rank a row above one with the words that matter.
FUNCTION_WEIGHT = 0.25
#: English words that make a question of a topic, beside tantivy's own list.
_QUESTION_WORDS = (
    "how what which who whom whose when where why do does did doing done can could should would may might must has "
    "have had having were been being he she him his her its our your my we you i me us them than from about also any "
    "some so"
)
#: What an identifier counts for as a whole, and its parts in the body that stand nowhere else in the question.
EXACT_WEIGHT, PART_WEIGHT = 1.0, 0.5
#: Distinct terms of one question at most, the first ones, and code points that they are read from: bounds the cost of
#: a question that is a book.
MAX_TERMS = 256
_MAX_QUESTION = 20_000
#: Longer tokens are no words: bytes.
_LONGEST_TOKEN = 255


class Term(NamedTuple):
    """One term of a question: the field that it is looked up in, and what a match counts for."""

    field: str
    text: str
    weight: float


class Analysis:
    """One language, by its code or "none"; the same for rows and questions."""

    def __init__(self, language: str) -> None:
        self.analyzers = {BODY: _words(language), EXACT: _whole()}
        self._content_words = _words(language, function_words=False).analyze

    def row(self, title: str | None, heading: str, text: str) -> dict[str, str]:
        """Return {field: text to be analysed} of a row."""
        body = row_text("\n".join([*[title or ""] * TITLE_TIMES, heading, text]))
        names = unusual(body)
        return {BODY: "\n".join((body, *humps(names))), EXACT: " ".join(identifiers(names))}

    def question(self, text: str) -> list[Term]:
        """Return the distinct terms of a question, at most MAX_TERMS; no text raises, none is read as an operator.

        Function words count for less, except where there is nothing else.
        """
        return list(islice(self._terms(question_text(text, _MAX_QUESTION)), MAX_TERMS))

    def _terms(self, text: str) -> Iterator[Term]:
        for form in dict.fromkeys(identifiers(text)):
            yield Term(EXACT, form, EXACT_WEIGHT)
        words = "\n".join((text, *humps(text)))
        content, written = set(self._content_words(words)), set(self.analyzers[BODY].analyze(prose(text)))
        for word in dict.fromkeys(self.analyzers[BODY].analyze(words)):
            weight = 1.0 if word in content or not content else FUNCTION_WEIGHT
            yield Term(BODY, word, weight if word in written else weight * PART_WEIGHT)


@cache
def analysis_of(language: str) -> Analysis:
    """Return the analysis of a language; the same object each time."""
    return Analysis(language)


@cache
def lexical_schema() -> Any:
    """Return the fields of a row in tantivy, the same for all languages."""
    builder = tantivy.SchemaBuilder()
    for field in (BODY, EXACT):
        builder.add_text_field(field, tokenizer_name=field, index_option="freq")
    # not unsigned: there tantivy-py's delete by term finds nothing and says nothing
    builder.add_integer_field("uid", indexed=True, fast=True)
    return builder.build()


def _words(language: str, *, function_words: bool = True) -> Any:
    """Return an analyzer: lower case, stems, no accents.

    Accents go first in English, where they are foreign to the stemmer ("résumés" = "resumes"), and last elsewhere,
    where stems depend on them.
    """
    fold, name = tantivy.Filter.ascii_fold(), STEMMERS.get(language)
    filters = [tantivy.Filter.remove_long(_LONGEST_TOKEN), tantivy.Filter.lowercase()]
    stems = [tantivy.Filter.stemmer(name)] if name else []
    if name and not function_words and language not in WITHOUT_STOP_WORDS:
        filters.append(tantivy.Filter.stopword(name))
        filters.append(tantivy.Filter.custom_stopword(_QUESTION_WORDS.split() if language == "en" else []))
    filters.extend([fold, *stems] if language == "en" else [*stems, fold])
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for each in filters:
        builder = builder.filter(each)
    return builder.build()


def _whole() -> Any:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
