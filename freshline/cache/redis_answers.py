"""Generated answers in Redis, and who is making one.

Key    freshline:answer:<format>:<deployment>:<key>    Value  the answer, sealed (freshline.cache.seal)
Key    freshline:making:<format>:<deployment>:<key>    Value  a random token of who has claimed it

A value leaves `ttl` seconds after it was written, used or not. A claim is set where there is none, ends by itself, and
is removed only by who holds its token (https://redis.io/docs/latest/commands/set/#patterns).
"""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial

from freshline.cache.guard import Guard, connect, scope
from freshline.cache.port import Look
from freshline.cache.seal import Seal
from freshline.clock import Clock

#: Version of key and value.
ANSWER_FORMAT = 1
#: Seconds after which a claim ends: longer than most batches of a model on a CPU take, short enough that a worker that
#: died with it holds nobody up for long.
CLAIM = 30.0

#: Deletes KEYS[1] if it holds ARGV[1]: another's claim, taken after ours had ended, stays.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisAnswerCache:
    """An AnswerCache of one deployment."""

    def __init__(
        self,
        url: str,
        deployment: str,
        digest_key: bytes,
        ttl: float,
        *,
        claim: float = CLAIM,
        clock: Clock | None = None,
    ) -> None:
        self._redis = connect(url)
        self._guard = Guard(clock)
        self._seal = Seal(digest_key)
        self._value = scope("answer", ANSWER_FORMAT, deployment, "")
        self._making = scope("making", ANSWER_FORMAT, deployment, "")
        self._ttl_ms = max(1, int(ttl * 1000))
        self._claim_ms = max(1, int(claim * 1000))
        self._tokens: dict[str, str] = {}

    def look(self, keys: Sequence[str]) -> list[Look]:
        """Return what is there for each key, in order, values and claims of one moment."""
        if not keys:
            return []
        names = [self._value + key for key in keys]
        asked = [*names, *(self._making + key for key in keys)]
        nothing: list[bytes | None] = [None] * len(asked)
        found = self._guard.run("answer_get", lambda: self._redis.mget(asked), nothing)
        values, claims = found[: len(keys)], found[len(keys) :]
        return [
            Look(self._seal.open(name, value), claimed=claim is not None)
            for name, value, claim in zip(names, values, claims, strict=True)
        ]

    def put(self, values: Mapping[str, bytes]) -> None:
        """Remember {key: value} for the time to live."""
        if values:
            sealed = {(name := self._value + key): self._seal.close(name, raw) for key, raw in values.items()}
            self._guard.run("answer_put", partial(self._store, sealed), None)

    def claim(self, keys: Sequence[str]) -> list[bool]:
        """Return for each key whether to make it; True for all where Redis is away."""
        if not keys:
            return []
        tokens = {key: secrets.token_hex(16) for key in keys}
        ours = self._guard.run("answer_claim", partial(self._set, tokens), [True] * len(keys))
        self._tokens |= {key: tokens[key] for key, mine in zip(keys, ours, strict=True) if mine}
        return ours

    def release(self, keys: Sequence[str]) -> None:
        """Give back own claims."""
        held = {key: token for key in keys if (token := self._tokens.pop(key, None))}
        if held:
            self._guard.run("answer_release", partial(self._unset, held), None)

    def _store(self, sealed: Mapping[str, bytes]) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            for name, value in sealed.items():
                pipe.set(name, value, px=self._ttl_ms)
            pipe.execute()

    def _set(self, tokens: Mapping[str, str]) -> list[bool]:
        with self._redis.pipeline(transaction=False) as pipe:
            for key, token in tokens.items():
                pipe.set(self._making + key, token, nx=True, px=self._claim_ms)
            return [bool(done) for done in pipe.execute()]

    def _unset(self, held: Mapping[str, str]) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            for key, token in held.items():
                pipe.eval(_RELEASE, 1, self._making + key, token)
            pipe.execute()
