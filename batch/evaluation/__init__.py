"""`freshline evaluate`: a folder of questions and judgements through the whole pipeline."""
