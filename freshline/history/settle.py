"""A backfill that has ended and is in every table needs no list of files in the manifest's state any more.

Its entry of version 1, with the list, is followed by one of version 2 without: every base and every start would carry
and look at the list for ever.
"""

from freshline.index.entries import Entry, Files
from freshline.index.manifest import Manifest, ManifestState
from freshline.lake.tables import Lake

_STREAM = "stream"  # its entry is replaced by the next batch


def settle(lake: Lake, manifest: Manifest, writer: str) -> int:
    """Apply what ended backfills have left undone and drop their lists; return how many there were."""
    ended = [files for files in manifest.fold().files.values() if _has_list(files)]
    for files in ended:
        lake.apply(files)
    if ended:
        manifest.decide(lambda state: _entries(state, ended), writer)
    return len(ended)


def _entries(state: ManifestState, ended: list[Files]) -> list[Entry]:
    """Somebody else may have settled some meanwhile: those are said again."""
    return [
        Files(application=one.application, version=state.files[one.application].version + 1, files=())
        for one in ended
    ]


def _has_list(files: Files) -> bool:
    return files.application != _STREAM and bool(files.files)
