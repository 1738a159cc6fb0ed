"""The stream under spark-submit, our code from the built wheel renamed .zip."""

import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.support import independent
from tests.support.rooms import Room
from tests.support.spine import Spine, document

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return wheel.rename(folder / "freshline.zip")


def test_the_wheel_holds_all_rooms_and_their_data_files(package: Path) -> None:
    names = set(zipfile.ZipFile(package).namelist())
    assert {
        f"{room}/__init__.py" for room in ("schemas", "freshline", "streaming", "batch", "serving")
    } <= names
    assert {"schemas/topics/documents.yaml", "freshline/embedded/jars.lock.json"} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    script = f"import sys; sys.path.insert(0, {str(package)!r})\n"
    script += "import schemas.topics as t; print(t.__file__, *t.load())"
    printed = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert printed.startswith(str(package))
    assert "documents.dlq" in printed


def test_stream_by_spark_submit(
    broker: str, package: Path, jars: dict[str, list[Path]], tmp_path: Path
) -> None:
    spine = Spine(broker, tmp_path, f"submit-{os.getpid()}")
    flags = [part for key, value in spine.settings.items() for part in ("--set", f"{key}={value}")]
    command = [
        str(Path(sys.executable).with_name("spark-submit")),
        *("--master", "local[2]", "--conf", "spark.ui.enabled=false"),
        *("--py-files", str(package), "--jars", ",".join(map(str, jars["spark"]))),
        str(ROOT / "deploy" / "submit_stream.py"),
        *flags,
    ]
    room = Room("spark-submit", command, tmp_path, {"PYSPARK_PYTHON": sys.executable})
    try:
        ends = spine.publish(document(n, f"Submitted text {n}.") for n in range(12))
        spine.wait_until_covered(ends, room=room, within=150)
        keys = Counter(row.key for row in independent.live_index(spine.lake))
        assert keys == Counter(f"docs/doc-{n:04d}" for n in range(12))
    finally:
        room.close()
