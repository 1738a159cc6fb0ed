"""Before a start: is the manifest as new as the tables? Else its newest entries are gone, and nothing must be decided.

A batch's number is the newest cover's + 1, and a table passes over numbers that it has. On an older manifest the stream
would give numbers anew, and rows would be in the index and in no table, without a word. Knows no way of mending.
"""

from freshline.errors import UserError
from freshline.index.manifest import Manifest
from freshline.index.state import ManifestState
from freshline.lake.tables import Lake
from schemas.tables import TABLES
from streaming.micro_batch import APPLICATION


def require_all_decisions(lake: Lake, manifest: Manifest) -> ManifestState:
    """Return the newest state. Raises UserError where a table holds a batch of the stream that it does not know.

    Tables are asked first: what another driver decides meanwhile is then in the state, and later than they say.
    """
    applied = {table: lake.applied(table, APPLICATION) or 0 for table in TABLES}
    state = manifest.fold()
    known = state.files[APPLICATION].version if APPLICATION in state.files else 0
    ahead = [f"{table} holds batch {batch}" for table, batch in applied.items() if batch > known]
    if ahead:
        raise UserError(
            f"the manifest's newest entry is batch {known} of the stream, but {', '.join(ahead)}: entries are gone "
            f"from {lake.storage.uri('tables/manifest')}. Nothing was changed. Put back that folder from a backup that "
            "is at least as new as the other tables, then see what `freshline verify` says."
        )
    return state
