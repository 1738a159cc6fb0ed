"""Models that read a question and a passage together: adapters of freshline.retrieval.reranker."""
