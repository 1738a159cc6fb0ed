"""How a process of ours ends: its Python finalizers run, its libraries' do not.

Models, the lake and tantivy run threads of their own in C++ and Rust. Where the interpreter takes itself apart beneath
them, one of them may abort the process (seen: SIGABRT after a clean refusal to start), and a supervisor reads a crash
where there was none.
"""

import atexit
import os
import sys
from typing import NoReturn


def end_process(code: int) -> NoReturn:
    """Remove temporary folders and write what is buffered, then end at once with this exit status."""
    atexit._run_exitfuncs()  # noqa: SLF001 - nothing public runs them
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
