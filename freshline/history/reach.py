"""How far back questions about the past reach: to the state that was the newest `retention` seconds ago. Pure.

    retention 30 days, now the 31st
    seq          1       2       3        4
    decided on   1st     2nd     20th     31st
    the state of a moment 30 days ago (the 1st) was seq 1, so seq 1 and all after it can be asked for

Files are removed an hour later than that (freshline.history.named), so that who has begun to load a state can end.
"""

from freshline.clock import utc
from freshline.index.times import DecisionTimes


def oldest_reachable(times: DecisionTimes, now: float, retention: float) -> int:
    """Return the lowest seq that can be asked for at `now` (seconds since the epoch); 0 = all from the beginning.

    Of the decisions that `times` has read. retention: seconds, history.retention; 0 = for ever.
    """
    return times.newest_at(utc(now - retention)) if retention else 0
