"""`freshline index status` over a real lake."""

import json
from pathlib import Path

import pytest

from freshline.cli.main import main
from freshline.revision import Kind, Revision
from tests.support.segments import Event, new_index

pytestmark = pytest.mark.integration


def run(capsys: pytest.CaptureFixture[str], lake: Path, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["index", "status", *words, "--set", f"lake.uri={lake}"])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_dead_rows_are_told_where_segments_are_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of four rows one is superseded and one deleted."""
    index = new_index(tmp_path)
    index.publish([Event(f"c/{n}", Revision(0, n + 1, 0, n)) for n in range(3)])
    index.publish([Event("c/0", Revision(0, 9, 0, 9)), Event("c/1", Revision(0, 10, 0, 10), Kind.DELETE)])
    code, out, _ = run(capsys, tmp_path, "--deep", "--json")
    (shard,) = json.loads(out)["shards"]
    assert code == 0
    assert (shard["segments"], shard["rows"], shard["states"]) == (2, 4, 5)
    assert (shard["live"], shard["dead"], shard["recall"]) == (2, 2, None)
    code, out, _ = run(capsys, tmp_path, "--deep")
    assert "exact" in out
    code, out, _ = run(capsys, tmp_path, "--json")
    assert "live" not in json.loads(out)["shards"][0]


def test_an_empty_index_and_a_missing_lake_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_index(tmp_path / "lake")
    assert run(capsys, tmp_path / "lake")[:2] == (0, "The index is empty (seq 1).\n")
    code, _, err = run(capsys, tmp_path / "none")
    assert code == 2
    assert "no table manifest" in err
