import pytest

from freshline.errors import ConfigError
from freshline.topics import Difference
from streaming.broker_time import require_broker_time


def difference(aspect: str, found: str, expected: str) -> Difference:
    return Difference(topic="documents", aspect=aspect, found=found, expected=expected)


def test_timestamps_of_producers_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"CreateTime, expected LogAppendTime.*freshline topics apply"):
        require_broker_time([difference("message.timestamp.type", "CreateTime", "LogAppendTime")])


def test_other_differences_are_none_of_the_streams_business() -> None:
    require_broker_time([difference("partitions", "2", "4")])
