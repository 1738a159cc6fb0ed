"""The pace of the stream: what it waits for, and that it waits for nothing where somebody waits for it."""

import pytest

from freshline.ingest.result import PassResult
from freshline.settings import RedisSettings, Settings, StreamSettings, TailSettings
from streaming.pacing import Pace


def settings(*, redis: str = "redis://localhost", enabled: bool = True, trigger: float = 0.0) -> Settings:
    return Settings(
        redis=RedisSettings(url=redis),
        tail=TailSettings(enabled=enabled),
        stream=StreamSettings(trigger=trigger),
    )


@pytest.mark.parametrize(
    ("redis", "enabled", "trigger", "expected"),
    [
        ("redis://localhost", True, 0.0, 1.0),
        ("redis://localhost", True, 3.0, 3.0),
        ("redis://localhost", False, 0.0, 0.0),
        ("none", True, 0.5, 0.5),
    ],
)
def test_batches_gather_for_a_second_where_the_tail_answers(
    redis: str, enabled: bool, trigger: float, expected: float
) -> None:
    assert Pace(settings(redis=redis, enabled=enabled, trigger=trigger)).least == expected


@pytest.mark.parametrize(
    ("why", "records", "chunks", "embedded", "took", "expected"),
    [
        ("a third of the time", 8, 40, 0, 0.5, 1.0),
        ("half of it embedded by others", 8, 40, 20, 0.5, 1.0),
        ("never longer than four seconds from start to start", 8, 40, 0, 3.0, 1.0),
        ("a batch that took longer than that", 8, 40, 0, 5.0, 0.0),
        ("nobody else embeds", 8, 40, 21, 0.5, 0.0),
        ("many records", 257, 257, 0, 0.5, 0.0),
        ("deletions tell nothing", 8, 0, 0, 0.5, 0.0),
        ("nothing read", 0, 0, 0, 0.5, 0.0),
    ],
)
def test_a_batch_rests_only_while_others_embed_what_it_brings(  # noqa: PLR0917 - a table
    why: str, records: int, chunks: int, embedded: int, took: float, expected: float
) -> None:
    pace = Pace(settings())
    pace.learn(PassResult(accepted=records, chunks=chunks, embedded=embedded), took)
    assert pace.rest == expected, why


def test_a_batch_that_tells_otherwise_ends_the_rests() -> None:
    pace = Pace(settings())
    pace.learn(PassResult(accepted=8, chunks=40), 0.5)
    pace.learn(PassResult(accepted=8, chunks=40, embedded=40), 0.5)
    assert pace.rest == 0.0


@pytest.mark.parametrize("without", [settings(redis="none"), settings(enabled=False)])
def test_no_rest_without_a_tail(without: Settings) -> None:
    pace = Pace(without)
    pace.learn(PassResult(accepted=8, chunks=40), 0.5)
    assert pace.rest == 0.0
