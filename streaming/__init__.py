"""Kafka to Spark to lake and index, for ever."""
