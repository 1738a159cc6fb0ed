"""Publishing and asking from any Python program: needs kafka-python and msgspec, neither Spark nor a model."""

from freshline.client.asker import Asker
from freshline.client.producer import Producer, Published

__all__ = ["Asker", "Producer", "Published"]
