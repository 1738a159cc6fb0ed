"""All topics as one AsyncAPI 3.0 document, for tools that draw, lint or generate code from it.

Freshline is the application that is described: it receives documents and queries, it sends responses and dead
letters. Made of topics/*.yaml, the JSON Schemas and one accepted example a message; the file is asyncapi.yaml. A
schema's $defs become components, since a reference is resolved from the document's root. Knows no address.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from schemas import topics
from schemas.codec import MAX_KEY
from schemas.topics import Topic

FILE = "asyncapi.yaml"

#: The AsyncAPI schema format is a superset of JSON Schema draft 7, of which our schemas keep to the common part.
_BINDING = {"bindingVersion": "0.5.0"}

#: topic -> (what Freshline does with it, the operation's name)
_OPERATIONS = {
    "documents": ("receive", "receiveDocument"),
    "queries": ("receive", "receiveQuery"),
    "responses": ("send", "sendResponse"),
    "documents.dlq": ("send", "sendDocumentDeadLetter"),
    "queries.dlq": ("send", "sendQueryDeadLetter"),
}
#: what topics/*.yaml say of a key -> its schema
_KEYS: dict[str, dict[str, Any]] = {
    "collection/doc_id": {
        "type": "string",
        "description": f"the body's collection, a slash, its doc_id; UTF-8, at most {MAX_KEY} bytes",
    },
    "query_id": {"type": "string", "description": "the body's query_id, UTF-8"},
    "the original key": {
        "description": "bytes of any kind; null where the record had none or a very long one"
    },
}
_DELETION = {
    "name": "deletion",
    "title": "Deletion of a document",
    "summary": "a record with a null value: deletes every earlier state of its key, whatever its version",
    "payload": {"type": "null"},
    "bindings": {"kafka": {"key": _KEYS["collection/doc_id"], **_BINDING}},
}


def text(schemas: dict[str, dict[str, Any]], examples: Path) -> str:
    """Return the document as YAML. `schemas` is {<message>.v<n>: JSON Schema}, `examples` their folder."""
    loaded = topics.load()
    document = {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {_id(name): _channel(topic) for name, topic in loaded.items()},
        "operations": dict(_operation(topic) for topic in loaded.values()),
        "components": {
            "messages": _messages(loaded.values(), schemas, examples),
            "schemas": {key: made for name, one in schemas.items() for key, made in _definitions(name, one)},
            "parameters": {
                "prefix": {"description": "kafka.topic_prefix of this installation", "default": ""}
            },
            "securitySchemes": {
                "scram": {"type": "scramSha512", "description": "or what the cluster asks for"}
            },
        },
    }
    plain = json.loads(json.dumps(document))  # no shared parts, which YAML would write as aliases
    return "# generated; to change it, change schemas/ and run: python -m schemas --write\n" + yaml.safe_dump(
        plain, sort_keys=False, width=110, allow_unicode=True
    )


def _info() -> dict[str, Any]:
    return {
        "title": "Freshline",
        "version": "1",
        "description": "Answers from documents that keep changing. The version is the messages' schema_version. "
        "What no schema can say, and how a program behaves well, stands in docs/producers.md and docs/messages.md.",
        "license": {"name": "Apache-2.0"},
    }


def _servers() -> dict[str, Any]:
    bootstrap = {"bootstrap": {"description": "kafka.bootstrap: one or more brokers, host:port"}}
    secure = {"$ref": "#/components/securitySchemes/scram"}
    return {
        "cluster": {
            "host": "{bootstrap}",
            "protocol": "kafka-secure",
            "variables": bootstrap,
            "security": [secure],
        },
        "local": {"host": "{bootstrap}", "protocol": "kafka", "variables": bootstrap},
    }


def _id(topic: str) -> str:
    return topic.replace(".dlq", "DeadLetters")


def _carried(topic: Topic) -> list[str]:
    name = topic.message.name if topic.message.name != "dead_letter" else f"{_id(topic.name)}"
    return [name, "deletion"] if topic.name == "documents" else [name]


def _channel(topic: Topic) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: int(value) if value.isdigit() else value for name, value in topic.configuration.items()
    }
    values["cleanup.policy"] = values["cleanup.policy"].split(",")
    return {
        "address": f"{{prefix}}{topic.name}",
        "title": topic.name,
        "description": f"{topic.description}. Written by: {topic.owner}. Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _carried(topic)},
        "parameters": {"prefix": {"$ref": "#/components/parameters/prefix"}},
        "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": values, **_BINDING}},
        "x-compatibility": topic.compatibility,
    }


def _operation(topic: Topic) -> tuple[str, dict[str, Any]]:
    action, name = _OPERATIONS[topic.name]
    operation = {
        "action": action,
        "channel": {"$ref": f"#/channels/{_id(topic.name)}"},
        "summary": topic.description,
        "messages": _references(topic.name, _carried(topic)),
    }
    if topic.name == "queries":
        operation["reply"] = {
            "channel": {"$ref": "#/channels/responses"},
            "messages": _references("responses", ["response"]),
        }
    return name, operation


def _references(topic: str, messages: list[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/{_id(topic)}/messages/{name}"} for name in messages]


def _messages(carriers: Any, schemas: dict[str, dict[str, Any]], examples: Path) -> dict[str, Any]:
    made = {_carried(topic)[0]: _message(topic, schemas, examples) for topic in carriers}
    return {**made, "deletion": _DELETION}


def _message(topic: Topic, schemas: dict[str, dict[str, Any]], examples: Path) -> dict[str, Any]:
    versioned = f"{topic.message.name}.v{topic.message.version}"
    root = schemas[versioned]["$ref"].rpartition("/")[2]
    folder = examples / topic.name / f"v{topic.message.version}" / "valid"
    shown = min(folder.glob("*.json"), key=lambda file: (file.stat().st_size, file.name))
    message = {
        "name": _carried(topic)[0],
        "title": root,
        "summary": topic.description,
        "contentType": "application/json",
        "headers": {"type": "object", "description": "none are needed, and none are read"},
        "payload": {"$ref": f"#/components/schemas/{versioned}.{root}"},
        "bindings": {"kafka": {"key": _KEYS[topic.key], **_BINDING}},
        "examples": [{"name": shown.stem, "payload": json.loads(shown.read_bytes())}],
    }
    if topic.key == "query_id":
        message["correlationId"] = {"location": "$message.payload#/query_id"}
    return message


def _definitions(name: str, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    moved = json.loads(json.dumps(schema["$defs"]).replace("#/$defs/", f"#/components/schemas/{name}."))
    return [(f"{name}.{definition}", made) for definition, made in moved.items()]
