"""[kafka] as options of Spark's Kafka source, which takes the Java client's settings with the prefix `kafka.`."""

from pathlib import Path

from freshline.settings import KafkaSettings


def spark_kafka_options(kafka: KafkaSettings) -> dict[str, str]:
    """Return the options; the password is read from its file here."""
    options = {
        "kafka.bootstrap.servers": kafka.bootstrap,
        "kafka.security.protocol": kafka.security.upper(),
        "kafka.isolation.level": "read_committed",
        "kafka.allow.auto.create.topics": "false",  # a topic that was deleted must not come back by being read
    }
    if kafka.ca_file:
        options["kafka.ssl.truststore.type"] = "PEM"
        options["kafka.ssl.truststore.location"] = kafka.ca_file
    if kafka.security.startswith("sasl"):
        options["kafka.sasl.mechanism"] = kafka.sasl_mechanism
        options["kafka.sasl.jaas.config"] = _jaas(kafka)
    return options


def _jaas(kafka: KafkaSettings) -> str:
    scram = kafka.sasl_mechanism.startswith("SCRAM")
    module = "scram.ScramLoginModule" if scram else "plain.PlainLoginModule"
    password = Path(kafka.password_file).read_text(encoding="utf-8").strip()
    user, secret = (text.replace("\\", "\\\\").replace('"', '\\"') for text in (kafka.username, password))
    return f'org.apache.kafka.common.security.{module} required username="{user}" password="{secret}";'
