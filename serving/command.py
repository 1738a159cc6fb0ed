"""What the commands of this room have in common: settings, log, the words for an error, the exit status."""

import sys
from collections.abc import Callable, Collection

import structlog

from freshline import failpoints
from freshline.config import from_environment
from freshline.errors import FreshlineError, UserError
from freshline.observability import setup_logging
from freshline.settings import Settings

_log = structlog.get_logger()


def status_of(
    verb: str,
    run: Callable[[Settings], None],
    name: Callable[[Settings], str],
    needs: Collection[str] = ("kafka", "redis", "lake"),
) -> int:
    """Run with the settings of this process until it was told to stop; return the exit status.

    0 after a clean stop, 2 for a mistake of the user's, in one line, 1 for what a new start may mend: the broker is
    away at the start, another has taken over. `name` is the process' in its log; `needs` as in from_environment.
    """
    try:
        settings = from_environment(sys.argv[1:], needs)
        setup_logging(settings, name(settings))
        if settings.debug.failpoint:
            failpoints.arm(settings.debug.failpoint)
        run(settings)
    except UserError as error:
        print(f"freshline {verb}: {error}", file=sys.stderr)  # noqa: T201 - one line for the user
        return 2
    except FreshlineError as error:
        _log.error(f"{verb}_stopped", reason=str(error))
        return 1
    _log.info(f"{verb}_stopped", reason="asked to")
    return 0
