"""A language model behind an address that speaks OpenAI's chat completions, by the official client.

Streamed, so that what is written is heard at once and a reply that does not end is seen. A refusal that may pass (408,
409, 429, 5xx, no connection) is tried RETRIES times more, as long as nothing was heard and time is left; the client's
own retries are off, since they wait as long as a server tells them to. Neither key nor reply is ever logged.
"""

import time
from importlib import import_module
from typing import Any

from freshline.generation.failure import Unwritten
from freshline.generation.writer import Hear, Prompt

#: Changes with everything here that can change a text; stands in the fingerprint.
VERSION = 1
#: Further attempts, and seconds before the first of them; doubled for each.
RETRIES = 2
_PAUSE = 0.25
_PASSING = frozenset({408, 409, 429})
_SERVER_FAULT = 500
#: Characters of a token: English has about 4; fewer, so that a prompt fits in other languages too.
_CHARACTERS = 3
#: Bytes of a reply for each token of an answer, which comes as JSON of its own, and for what stands around.
_TOKEN_BYTES = 1024
_AROUND = 64 * 1024


class EndpointWriter:
    """One model of one endpoint."""

    lanes = 8

    def __init__(self, *, base_url: str, model: str, key: str, max_tokens: int) -> None:
        self._openai: Any = import_module("openai")  # 2 s, and only where it is the generator
        from freshline.generation.endpoint_transport import bounded_client  # noqa: PLC0415 - loads HTTP

        most = max_tokens * _TOKEN_BYTES + _AROUND
        self._client = self._openai.OpenAI(
            base_url=base_url,
            api_key=key or "none",
            max_retries=0,
            http_client=bounded_client(key, most, self.lanes),
        )
        self._model = model
        self._max_tokens = max_tokens
        self.fingerprint = f"openai/{VERSION};url={base_url};model={model};max_tokens={max_tokens}"

    def count(self, prompt: Prompt) -> int:
        """Return the number of tokens at most, as a rule: the endpoint's tokenizer is not known here."""
        return sum(len(part) for part in prompt) // _CHARACTERS + 1

    def write(self, prompt: Prompt, until: float, hear: Hear) -> str:
        """Return the whole text. Raises Unwritten, or the client's errors."""
        heard: list[str] = []

        def listen(part: str) -> None:
            heard.append(part)
            hear(part)

        for attempt in range(RETRIES + 1):
            try:
                self._stream(prompt, until, listen)
                break
            except self._openai.APIError as error:
                pause = _PAUSE * 2**attempt
                late = time.monotonic() + pause >= until
                if isinstance(error, self._openai.APITimeoutError):
                    raise Unwritten("timed_out") from error
                if heard or late or attempt == RETRIES or not _passes(error):
                    raise
                time.sleep(pause)
        return "".join(heard)

    def _stream(self, prompt: Prompt, until: float, hear: Hear) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise Unwritten("timed_out")
        with self._client.chat.completions.create(
            model=self._model,
            messages=[
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            temperature=0,
            max_tokens=self._max_tokens,
            stream=True,
            timeout=left,
        ) as parts:
            for part in parts:
                _told(part, hear)


def _told(part: Any, hear: Hear) -> None:
    """Tell what one part of the reply adds. The client checks no types: what is of another is no text."""
    for choice in part.choices or ():
        text = getattr(choice.delta, "content", None)
        if isinstance(text, str) and text:
            hear(text)
        if choice.finish_reason == "length":
            raise Unwritten("too_long", "the endpoint stopped at generation.max_tokens")


def _passes(error: Any) -> bool:
    status = getattr(error, "status_code", None)
    return status is None or status in _PASSING or status >= _SERVER_FAULT
