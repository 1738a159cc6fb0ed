"""A language model's answer, given only as far as the evidence holds it.

    1. quote as much of the evidence as the prompt may have (prompt)
    2. let the model write, and tell who listens what it writes, made inert
    3. the fixed phrase that nothing is stated = an abstention
    4. keep the sentences that a sentence of the quoted evidence supports (claims); none: no answer
    5. leave out what a newer passage contradicts; where an older one differs, say so (conflicts)

`[n]` in the text is the answer's n-th citation. This module does not know which model, nor what is done without one.
"""

from collections.abc import Sequence

from freshline.clock import Clock
from freshline.generation import prompt
from freshline.generation.claims import Claim, claims_of, support
from freshline.generation.conflicts import Saying, differ, newer, note
from freshline.generation.failure import Unwritten
from freshline.generation.markup import Inert, neutralise
from freshline.generation.passages import Passages, Splitter
from freshline.generation.port import ABSTAINED, Answer, CitedSpan, Question, TokenSink
from freshline.generation.terms import terms
from freshline.generation.writer import Hear, Writer
from freshline.retrieval.hit import Hit

#: Changes with everything here that can change an answer; stands in the fingerprint.
VERSION = 1
#: Characters of what a model wrote that are looked at; an answer is some sentences.
LONGEST = 8000


class Prompted:
    """Asks one writer. Serves as many threads as the writer does."""

    def __init__(
        self,
        writer: Writer,
        split: Splitter,
        clock: Clock,
        *,
        max_prompt_tokens: int,
        language: str = "en",
        sink: TokenSink | None = None,
    ) -> None:
        self._writer = writer
        self._split = split
        self._clock = clock
        self._language = language
        self._sink = sink
        self._max_prompt_tokens = max_prompt_tokens
        self.lanes = writer.lanes
        self.fingerprint = (
            f"{writer.fingerprint};prompted={VERSION}.{prompt.VERSION};max_prompt_tokens={max_prompt_tokens}"
        )

    def answer(self, question: Question, until: float) -> Answer:
        """Return a checked answer, or an abstention; `until` is on the clock's monotonic scale.

        Raises Unwritten, or what the writer raises.
        """
        asked, hits = prompt.fitting(question, self._writer.count, self._max_prompt_tokens)  # step 1
        text = self._writer.write(asked, until, self._hear(question.query_id, until)).strip()  # step 2
        if not text:
            raise Unwritten("empty")
        if len(text) > LONGEST:
            raise Unwritten("too_long", f"{len(text)} characters, at most {LONGEST}")
        if _says_nothing(text):  # step 3
            return ABSTAINED
        return self._checked(text, terms(question.text), hits)

    def _hear(self, query_id: str, until: float) -> Hear:
        inert, written = Inert(), 0

        def hear(part: str) -> None:
            nonlocal written
            written += len(part)
            if self._clock.monotonic() >= until:
                raise Unwritten("timed_out")
            if written > LONGEST:
                raise Unwritten("too_long", f"more than {LONGEST} characters")
            if self._sink is not None and query_id and (text := inert.feed(part)):
                self._sink.write(query_id, text)

        return hear

    def _checked(self, text: str, asked: frozenset[str], hits: Sequence[Hit]) -> Answer:
        passages = Passages(self._split, self._language)
        given = [[Saying(hit, sentence) for sentence in passages.sentences(hit)] for hit in hits]
        text = "\n".join(neutralise(line) for line in text.splitlines())
        written = {claim.text: claim for claim in claims_of(text, self._split, self._language)}  # each once
        supported = [
            (claim, saying)
            for claim in written.values()
            if (saying := support(claim, asked, given)) is not None  # step 4
        ]
        if not supported:
            raise Unwritten("unverified")
        told = [other for sayings in given for other in sayings]
        current = []
        for claim, saying in supported:  # step 5
            others = [other for other in told if differ(asked, saying, other)]
            if not any(newer(other.hit, saying.hit) for other in others):
                current.append((claim, saying, others))
        if not current:
            raise Unwritten("outdated")
        return _answer(current)


def _says_nothing(text: str) -> bool:
    return text.strip(" .!\"'*`").upper().startswith(prompt.NOT_STATED)


def _answer(checked: Sequence[tuple[Claim, Saying, Sequence[Saying]]]) -> Answer:
    places: dict[CitedSpan, int] = {}
    parts = []
    for claim, saying, others in checked:
        parts += [neutralise(claim.text), _label(saying, places)]
        if others:
            parts += [note(saying.hit, [o.hit for o in others]), *(_label(o, places) for o in others)]
    return Answer(" ".join(parts), tuple(places))


def _label(saying: Saying, places: dict[CitedSpan, int]) -> str:
    return f"[{places.setdefault(saying.span, len(places) + 1)}]"
