"""python client.py HOST:PORT: publish two states with a report on each, and ask what must have seen them."""

import sys

from freshline.client import Asker, Producer
from freshline.settings import KafkaSettings
from schemas.messages import DocumentEvent

kafka = KafkaSettings(bootstrap=sys.argv[1])
texts = {"tea": "Tea is at four.", "coffee": "Coffee is at ten."}
documents = [
    DocumentEvent(schema_version=1, collection="notes", doc_id=name, content=text)
    for name, text in texts.items()
]
published = []
with Producer(kafka) as producer:
    for delivery in producer.deliver(documents):
        if delivery.published is None:
            sys.exit(f"{delivery.document.doc_id}: {delivery.error}")
        published.append(delivery.published)
with Asker(kafka) as asker:
    print(asker.ask("When is tea?", after=published).text)
    for answer in asker.stream(["When is coffee?", "When is tea?"]):
        print(answer.query.text, answer.response.text if answer.response else answer.error)
