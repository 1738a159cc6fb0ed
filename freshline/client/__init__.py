"""Publishing and asking from any Python program: needs kafka-python and msgspec, neither Spark nor a model."""

from freshline.client.answerable import wait_until_answerable, wait_until_durable
from freshline.client.asker import Asker
from freshline.client.asking import Answer, Asked
from freshline.client.delivery import Delivery, Published
from freshline.client.positions import Positions, durable_of, not_durable, offsets_of
from freshline.client.producer import Producer

__all__ = [
    "Answer",
    "Asked",
    "Asker",
    "Delivery",
    "Positions",
    "Producer",
    "Published",
    "durable_of",
    "not_durable",
    "offsets_of",
    "wait_until_answerable",
    "wait_until_durable",
]
