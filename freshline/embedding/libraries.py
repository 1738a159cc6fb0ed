"""Switches that the model libraries read from the environment when they are first imported.

Set, never read: whatever the user's shell says, no hub is asked and no thread pool is made per process.
"""

import logging
import os

_SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",  # its thread pool does not survive a fork, and Spark forks
}


def set_switches() -> None:
    """Make the libraries stay offline. Call before the first import of any of them."""
    os.environ.update(_SWITCHES)


def quieten() -> None:
    """Leave only errors of the libraries in the log: their advice is about how they are called."""
    for name in ("sentence_transformers", "transformers", "optimum", "nncf"):
        logging.getLogger(name).setLevel(logging.ERROR)
