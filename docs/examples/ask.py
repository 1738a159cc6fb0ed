"""python ask.py HOST:PORT QUESTION [MIN_OFFSETS]: ask, wait for the one answer, print it with its quotes."""

import json
import sys
import uuid

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

bootstrap, text, *seen = sys.argv[1:]
query = {"schema_version": 1, "query_id": uuid.uuid4().hex, "text": text}
query |= {"min_offsets": json.loads(seen[0])} if seen else {}
key = query["query_id"].encode()
answers = KafkaConsumer(
    bootstrap_servers=bootstrap, isolation_level="read_committed", consumer_timeout_ms=30_000
)
place = TopicPartition("responses", 0)  # an answer comes to the partition number of its question
answers.assign([place])
answers.seek(place, answers.end_offsets([place])[place])  # from here on, before asking
producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
producer.send("queries", partition=place.partition, key=key, value=json.dumps(query).encode()).get(timeout=30)
answer = next((json.loads(record.value) for record in answers if record.key == key), None)
producer.close()
answers.close()
if answer is None:
    sys.exit("no answer within 30 s: is a worker running?")
print(answer["status"], answer["text"], *(citation["quote"] for citation in answer["citations"]), sep="\n")
