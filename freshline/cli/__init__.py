"""The `freshline` command: one file per verb or small group. Heavy imports stand inside functions: help is quick."""
