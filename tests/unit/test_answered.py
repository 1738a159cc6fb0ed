"""The checker of committed answers sees each bug that is planted."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest

from tests.support.answered import faults


@dataclass(frozen=True)
class Kept:
    key: bytes
    value: bytes
    partition: int = 0
    offset: int = 0


def question(number: int) -> Kept:
    return Kept(f"q{number}".encode(), json.dumps({"query_id": f"q{number}"}).encode(), partition=number % 2)


def answer(number: int) -> Kept:
    asked = question(number)
    body = {"schema_version": 1, "query_id": f"q{number}", "status": "answered", "as_of": {}}
    digest = {"query_sha256": sha256(asked.value).hexdigest()}
    return Kept(asked.key, json.dumps(body | digest).encode(), partition=asked.partition)


ASKED = [question(number) for number in range(4)]
ANSWERS = [answer(number) for number in range(4)]


def test_one_whole_answer_each_is_right_and_repeated_questions_change_nothing() -> None:
    assert faults([*ASKED, ASKED[0]], reversed(ANSWERS)) == {}


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (lambda found: found[1:], {"unanswered": 1}),
        (lambda found: [*found, found[2]], {"twice": 1}),
        (lambda found: [replace(found[0], value=found[0].value[:-1]), *found[1:]], {"torn": 1}),
        (lambda found: [replace(found[0], value=b"{}"), *found[1:]], {"torn": 1}),
        (lambda found: [replace(found[0], value=found[1].value), *found[1:]], {"torn": 1}),
        (lambda found: [*found, answer(7)], {"foreign": 1}),
        (lambda found: [replace(found[0], partition=1), *found[1:]], {"moved": 1}),
        (
            lambda found: [replace(found[0], value=found[0].value.replace(b"4", b"5")), *found[1:]],
            {"mistaken": 1},
        ),
    ],
)
def test_a_planted_bug_is_counted(
    plant: Callable[[list[Kept]], list[Kept]], expected: dict[str, int]
) -> None:
    assert faults(ASKED, plant(ANSWERS)) == expected
