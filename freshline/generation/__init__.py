"""Evidence to an answer: a port and its adapters."""
