"""The contracts: topics, messages, tables. Knows no Spark, no Kafka and nothing else of Freshline."""
