"""Kafka and its in-memory twin behind one port."""
