"""A header's name that is not UTF-8 stands in nobody's way: kafka-python by itself would stop at it for ever."""

from uuid import uuid4

import pytest
from kafka.admin import KafkaAdminClient

from freshline.settings import KafkaSettings
from freshline.transport.kafka import open_log
from freshline.transport.port import TopicPartition
from tests.support.raw_producer import Raw, RawName, write_raw

pytestmark = pytest.mark.integration

RAW = RawName("na\xffme\xe9")


@pytest.mark.parametrize("compression", [None, "gzip"])  # two paths through the reader
def test_records_with_such_names_are_read_like_any_other(broker: str, compression: str | None) -> None:
    topic = f"headers-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()
    of_records = [(), ((RAW, b"x"), ("plain", None)) * 500, ((RAW, None),), (("name", b"y"),)]
    records = [Raw(b"k", b"%d" % n, headers) for n, headers in enumerate(of_records)]
    write_raw(broker, topic, records, compression=compression)
    reader = open_log(KafkaSettings(bootstrap=broker)).reader()
    found = list(reader.read_back(TopicPartition(topic, 0), 0))
    reader.close()
    assert [record.value for record in found] == [b"0", b"1", b"2", b"3"]
    assert [record.headers for record in found] == [
        (),
        (("na?me?", b"x"), ("plain", None)) * 500,
        (("na?me?", None),),
        (("name", b"y"),),
    ]
