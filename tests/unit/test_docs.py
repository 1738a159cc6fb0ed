"""The documentation says what the code does: codes, metrics, settings, verbs, folders, links."""

import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
import typer

from freshline import config, config_keys, metrics
from freshline.cache.redis_answers import ANSWER_FORMAT
from freshline.cache.redis_embeddings import CACHE_FORMAT
from freshline.cache.token_stream import TOKENS_FORMAT
from freshline.cli.main import app
from freshline.embedded import state
from freshline.embedding.export import EXPORT_FORMAT
from freshline.index.entries import MANIFEST_FORMAT
from freshline.index.keyfold import Kept, KeyStates, Place
from freshline.index.layout import SEGMENT_FORMAT
from freshline.revision import Position, Revision
from schemas.reject import REJECT_CODES
from schemas.tables import TABLES_VERSION

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
README, MESSAGES, OPERATIONS = (
    (ROOT / name).read_text("utf-8") for name in ("README.md", "docs/messages.md", "docs/operations.md")
)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def table(text: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first heading is `first`."""
    lines = text[text.index(f"| {first} |") :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


# tables that name what the code has


def test_every_reject_code_with_its_meaning() -> None:
    assert {code.strip("`"): meaning for code, meaning in table(MESSAGES, "code")} == REJECT_CODES


def test_every_metric_with_its_labels() -> None:
    exposed = {
        f"`{family.name}{'_total' if family.type == 'counter' else ''}`": family.name
        for family in metrics.REGISTRY.collect()
    }
    labels = {one._name: one._labelnames for one in vars(metrics).values() if hasattr(one, "_labelnames")}
    rows = {name: re.findall(r"\w+", named) for name, named, _ in table(OPERATIONS, "metric")}
    assert rows == {shown: list(labels[name]) for shown, name in exposed.items()}


def test_format_versions() -> None:
    stated = {name: int(version) for name, version, _ in table(OPERATIONS, "format")}
    assert stated == {
        "messages": 1,
        "tables": TABLES_VERSION,
        "manifest entries": MANIFEST_FORMAT,
        "segments": SEGMENT_FORMAT,
        "the stack's state.json": state.VERSION,
        "exported model": EXPORT_FORMAT,
        "embeddings in Redis": CACHE_FORMAT,
        "answers in Redis": ANSWER_FORMAT,
        "token streams in Redis": TOKENS_FORMAT,
    }


def test_settings_that_readme_names_have_these_defaults() -> None:
    defaults = config_keys.defaults()
    for key, default, _ in table(README, "setting"):
        value = defaults[key.strip("`")]
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        assert default.strip("`") == (text.lower() if isinstance(value, bool) else text), key


def test_own_parts_load_as_readme_shows_them(tmp_path: Path) -> None:
    (toml,) = blocks(README, "toml")
    for path in re.findall(r'_file = "([^"]+)"', toml):
        (tmp_path / Path(path).name).write_text("secret")
        toml = toml.replace(path, str(tmp_path / Path(path).name))
    file = tmp_path / "freshline.toml"
    file.write_text(toml, "utf-8")
    loaded = config.load((), {}, file).settings
    assert (loaded.kafka.security, loaded.redis.url) == ("sasl_ssl", "rediss://cache:6379/0")
    assert loaded.collections.named["handbook"].default_acl == ("staff",)


# the worked example of revisions


def test_worked_example_of_revisions() -> None:
    states, rows = KeyStates(), table(MESSAGES, "offset")
    for offset, clock, event, _, live in rows:
        place = Place(0, int(offset))
        if event == "null value":
            states.raise_floor(Position(int(clock), 0, int(offset)), place)
        else:
            revision = Revision(int(event.rpartition(" ")[2]), int(clock), 0, int(offset))
            states.offer(Kept(revision, event.startswith("put"), place))
        found = f"offset {states.live.place.state}" if states.live else "nothing"
        assert live.partition(":")[0] == found, f"after offset {offset}"
    assert len(rows) == 6


# the command line


def leaf(words: list[str]) -> tuple[click.Command, list[str]]:
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def test_every_verb_stands_in_the_readme() -> None:
    verbs: Any = typer.main.get_command(app)
    assert [verb.strip("`") for verb, *_ in table(README, "verb")] == list(verbs.commands)


def lines_of_shell() -> list[str]:
    found = [example.strip("`") for *_, example in table(README, "verb")]
    for page in PAGES:
        for block in blocks(page.read_text("utf-8"), "sh"):
            found += [line for line in block.splitlines() if line.startswith("freshline ")]
    return found


@pytest.mark.parametrize("line", lines_of_shell())
def test_command_lines_are_understood(line: str) -> None:
    command, words = leaf(shlex.split(line, comments=True)[1:])
    command.make_context(command.name, words)  # raises where an option or argument is unknown


# pages, folders, picture


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(path.name for path in folder.glob("[0-9]*.md"))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        if not path.startswith("https:"):
            there = (page.parent / path) if path else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


def test_tree_names_every_folder() -> None:
    (tree,) = [block for block in blocks(README, "text") if block.startswith("schemas/ ")]
    tops = re.findall(r"^(\w+)/ ", tree, re.MULTILINE)
    for top in tops:
        below = tree.split(f"{top}/ ", 1)[1].split("\n", 1)[1]
        named = re.match(r"((?: .*\n)*)", below)
        assert named is not None
        folders = {p.name for p in (ROOT / top).iterdir() if p.is_dir() and p.name != "__pycache__"}
        assert set(re.findall(r"^  (\w+)/", named[1], re.MULTILINE)) == folders, top
    kept = {path.parent.name for path in ROOT.glob("*/*.py")} - {"build", "dist"}
    assert kept <= set(tops)


def test_picture_is_a_titled_drawing_for_light_and_dark() -> None:
    text = (ROOT / "docs" / "flow.svg").read_text("utf-8")
    drawing = ET.fromstring(text)  # noqa: S314 - our own file
    names = {child.tag.rpartition("}")[2] for child in drawing}
    assert {"title", "desc", "style"} <= names
    assert "prefers-color-scheme: dark" in text
    assert re.search(r"!\[[^\]]{100,}\]\(docs/flow\.svg\)", README)
