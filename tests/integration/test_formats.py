"""One file of each format, published as a folder through the real stack: each answers its question, and the citation
points at the page or heading that its writer chose."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freshline.client import Asker
from freshline.folder import CONTENT_TYPES
from freshline.parsing import media_types
from freshline.parsing.registry import parse
from freshline.settings import KafkaSettings
from schemas.messages import Offsets, Response
from tests.support import independent
from tests.support.formats import SAMPLES, Sample, large_pdf
from tests.support.spine import Spine

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

COLLECTION = "tarnwick"


class Town(Spine):
    """A spine with the real model, and the folder that it may read by uri."""

    asker: Asker

    def files(self) -> Path:
        return self.directory / "files, and more"

    def shell(self, *words: str) -> tuple[int, Any, str]:
        """Run `freshline …` as a user does; return its code, its JSON and what it said beside."""
        sets = [f"--set={key}={value}" for key, value in self.settings.items() if key.startswith("kafka.")]
        command = [sys.executable, "-m", "freshline.cli", *words, *sets]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout or "null"), done.stderr

    def covered(self, published: list[dict[str, Any]]) -> None:
        ends: dict[str, int] = {}
        for each in published:
            partition = str(each["partition"])
            ends[partition] = max(ends.get(partition, 0), each["offset"] + 1)
        self.wait_until_covered(ends, room=self.rooms[0], within=300)

    def ask(self, question: str, seen: Offsets | None = None) -> Response:
        return self.asker.ask(question, collections=(COLLECTION,), min_offsets=seen, timeout=150)


@pytest.fixture(scope="module")
def town(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(broker, tmp_path_factory.mktemp("formats"), f"formats-{os.getpid()}")
    made.files().mkdir()
    for sample in SAMPLES:
        (made.files() / sample.name).write_bytes(sample.write())
    (made.files() / "quarry.pdf").write_bytes(large_pdf())
    (made.files() / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    root = made.files().as_uri().replace(",", "%2C")
    made.settings |= {"models.backend": "auto", "limits.content_roots": root}
    try:
        made.start("streaming")
        made.start("serving")
        code, published, said = made.shell("publish", str(made.files()), "--collection", COLLECTION, "--json")
        assert (code, len(published)) == (1, len(SAMPLES)), said
        assert "1 files left out (.png 1)" in said
        assert "--as-uri" in said  # the large one
        made.covered(published)
        with Asker(KafkaSettings(bootstrap=broker, topic_prefix=f"{made.prefix}.")) as made.asker:
            yield made
    finally:
        made.close()


def test_there_is_a_sample_of_every_format() -> None:
    of_samples = {CONTENT_TYPES[Path(sample.name).suffix] for sample in SAMPLES}
    assert media_types.ALL - media_types.SOURCE.keys() <= of_samples


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_file_answers_and_is_cited_where_it_says_so(town: Town, sample: Sample) -> None:
    response = town.ask(sample.question)
    assert response.status == "answered", response
    assert sample.fact in response.text
    citation = next(each for each in response.citations if sample.fact in each.quote)
    assert citation.doc_id == sample.name
    assert citation.heading.endswith(sample.heading)
    assert citation.page == sample.page
    text = parse((town.files() / sample.name).read_bytes(), CONTENT_TYPES[Path(sample.name).suffix]).text
    assert text[citation.start : citation.end] == citation.quote


def test_what_does_not_fit_into_a_record_goes_by_uri(town: Town) -> None:
    file = town.files() / "quarry.pdf"
    code, published, said = town.shell("publish", str(file), "--as-uri", "--collection", COLLECTION, "--json")
    assert code == 0, said
    town.covered(published)
    (place,) = published
    seen = {
        place["topic"]: {place["partition"]: place["offset"] + 1}
    }  # a worker's snapshot follows the manifest
    response = town.ask("When was the old quarry filled with water?", seen)
    citation = next(each for each in response.citations if "1931" in each.quote)
    assert (citation.doc_id, citation.page, citation.uri) == ("quarry.pdf", 2, file.as_uri())
    assert independent.dead_letters(town.broker, town.topic("documents.dlq")) == []
