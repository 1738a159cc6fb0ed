"""python publish.py HOST:PORT COLLECTION DOC_ID TEXT: publish one state of a document, new or changed."""

import json
import sys

from kafka import KafkaProducer

bootstrap, collection, doc_id, text = sys.argv[1:]
document = {"schema_version": 1, "collection": collection, "doc_id": doc_id, "content": text}
key, value = f"{collection}/{doc_id}", json.dumps(document)  # value None deletes the document
producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
kept = producer.send("documents", key=key.encode(), value=value.encode()).get(timeout=30)
producer.close()
print(json.dumps({kept.topic: {kept.partition: kept.offset + 1}}))  # MIN_OFFSETS for ask.py
