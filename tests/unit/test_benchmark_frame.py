"""The frame of the benchmarks: pairs, files of either form, the page, the pictures, the run of all of them."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import page, suite, written
from benchmarks.__main__ import app
from benchmarks.alternating import Pairs, alternate, alternate_all
from benchmarks.goals import AIMS
from benchmarks.names import NAMES, TOTAL, budgets, is_there
from benchmarks.plots import draw
from benchmarks.publish import publish, text_of
from benchmarks.report import Figure, Goal, Line, Plot, Report, median_figure
from freshline.errors import UserError

PLOT = Plot(title="cost", x="rows", y="ms", lines=[Line(name="dense", x=[1, 10], y=[2, 3])], log_x=True)


def report(value: float = 0.5) -> Report:
    figures = [
        Figure(name="ours ÷ theirs", value=value, unit="", goal=Goal("≥", 0.9), spread=(0.4, 0.6)),
        median_figure("time", [3.0, 1.0, 2.0], "s"),
    ]
    return Report(
        name="search", seed=7, figures=figures, plots=[PLOT], versions={"peer": "1.2"}, repetitions=3
    )


# pairs


def test_who_goes_first_alternates() -> None:
    order: list[str] = []

    def side(name: str, value: float) -> float:
        order.append(name)
        return value

    found = alternate_all(
        {"a": lambda: side("a", 1), "b": lambda: side("b", 2), "c": lambda: side("c", 3)}, 2
    )
    assert "".join(order) == "abccba"
    assert found == {"a": (1, 1), "b": (2, 2), "c": (3, 3)}


def test_a_ratio_is_the_median_of_ratios_of_pairs() -> None:
    # 2 ÷ 1 = 2, 9 ÷ 3 = 3, 4 ÷ 4 = 1: median 2; the ratio of medians would be 4 ÷ 3
    ours, theirs = iter([2.0, 9.0, 4.0]), iter([1.0, 3.0, 4.0])
    pairs = alternate(lambda: next(ours), lambda: next(theirs), 3)
    assert pairs == Pairs((2, 9, 4), (1, 3, 4))
    ratio, our, their = pairs.figures("ratio", ("ours", "theirs"), "s", Goal("≥", 2.5))
    assert (ratio.value, ratio.spread, ratio.values, ratio.holds) == (2, (1, 3), (2, 3, 1), False)
    assert (our.value, their.value) == (4, 3)


# files


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    report().write(tmp_path / "search.json")
    (found,) = written.read_all(tmp_path).values()
    assert (found.name, found.seed, found.repetitions, found.versions["peer"]) == ("search", 7, 3, "1.2")
    assert {"cpu", "flags", "cores", "memory", "kernel"} <= set(found.machine)
    ratio, time = found.figures
    assert (ratio.value, ratio.spread, ratio.goal, ratio.holds) == (0.5, (0.4, 0.6), "≥ 0.9", False)
    assert (time.value, time.values) == (2, [3, 1, 2])
    assert found.plots[0].lines[0].y == [2, 3]


def test_a_file_of_the_earlier_form_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(
        '{"name": "old", "machine": {"cpu": "x", "cores": 2}, "versions": {}, "seed": 1, "notes": {}, "figures": '
        '[{"name": "f", "value": 1, "unit": "s", "goal": null, "spread": null, "holds": null}]}'
    )
    found = written.read(tmp_path / "old.json")
    assert (found.began, found.seconds, found.plots, found.figures[0].values) == (None, None, (), None)
    assert "| [old](#old) | not noted | not noted | x, 2 cores |" in text_of(tmp_path)


def test_what_is_no_file_of_a_benchmark_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"name": 3}')
    with pytest.raises(UserError, match=r"x\.json is not what"):
        written.read_all(tmp_path)


@pytest.mark.parametrize(
    ("value", "goal", "told"),
    [
        (0.45, "≥ 0.9", "missed by 50 %"),  # half of what it should be
        (3.0, "≤ 2", "missed by 50 %"),
        (3.0, "≤ 0", "the goal is ≤ 0: missed"),  # no percentage of nothing
    ],
)
def test_by_how_much_a_goal_was_missed(value: float, goal: str, told: str) -> None:
    figure = written.WrittenFigure(name="f", value=value, unit="", goal=goal, holds=False)
    assert written.how_far(figure).endswith(told)


# page and pictures


def test_page_holds_goals_figures_plot_and_note(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    (folder / "notes").mkdir(parents=True)
    report().write(folder / "search.json")
    (folder / "notes" / "search.md").write_text("See [why](../../decisions/0024-index-types.md).\n")
    assert publish(folder) == tmp_path / "benchmarks.md"
    text = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert text == text_of(folder)
    assert "| ours ÷ theirs | 0.5 (0.4 … 0.6) | ≥ 0.9 | **missed** |" in text
    assert "| time | 2 (1 … 3) s |  |  |" in text
    assert "![cost](benchmarks/search.svg)" in text
    assert "See [why](decisions/0024-index-types.md)." in text
    assert (
        "| streaming ingest ÷ bare embedding loop on the same cores | ≥ 0.87 | not measured |  | ingest |"
        in text
    )
    assert (folder / "search.svg").stat().st_size > 0


def test_the_goals_of_the_page_are_not_those_of_an_earlier_run(tmp_path: Path) -> None:
    figure = Figure(name="ingest ÷ bare embedding loop", value=0.6, unit="", goal=Goal("≥", 0.5))
    Report(name="ingest", seed=1, figures=[figure]).write(tmp_path / "ingest.json")
    line = "bare embedding loop on the same cores | ≥ 0.87 | 0.6 | **missed** | [ingest](#ingest) |"
    assert line in text_of(tmp_path)


def test_a_goal_whose_figure_its_file_lacks_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    figure = Figure(name="recall after churning", value=1, unit="")
    Report(name="churn", seed=1, figures=[figure]).write(folder / "churn.json")
    publish(folder)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == sum(aim.benchmark == "churn" for aim in AIMS) > 0
    assert all(line.startswith("not measured: churn.json has no figure ") for line in said)


def test_many_figures_without_goals_are_folded_away() -> None:
    figures = [
        written.WrittenFigure(name="kept", value=1, unit="", goal="≥ 1", holds=True),
        *(written.WrittenFigure(name=f"more {n}", value=n, unit="") for n in range(16)),
    ]
    run = written.Written(name="x", machine={"cores": 2}, versions={}, seed=1, figures=figures)
    text = page.page({"x": run}, {})
    assert text.index("| kept |") < text.index("<summary>16 more figures, without goals</summary>")
    assert text.index("<summary>") < text.index("| more 0 |")


def test_a_picture_is_the_same_every_time(tmp_path: Path) -> None:
    draw([PLOT, PLOT, PLOT], tmp_path / "a.svg")
    draw([PLOT, PLOT, PLOT], tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


# all of them


def test_budgets_stay_within_twenty_minutes() -> None:
    assert sum(budgets().values()) <= TOTAL == 1200


def test_aims_name_benchmarks_that_are_planned() -> None:
    assert {aim.benchmark for aim in AIMS} <= set(NAMES)


def test_a_benchmark_that_is_not_there_yet_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "nothing_of_this_name", NAMES["search"])
    assert not is_there("nothing_of_this_name")
    (outcome,) = suite.run_all(["nothing_of_this_name"], Path("unused"), seed=1, quick=True)
    assert suite.summary([outcome]) == ["nothing_of_this_name is not there yet"]
    assert suite.good([outcome])


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match="no benchmark 'serch'"):
        suite.chosen(["serch"])
    assert CliRunner().invoke(app, ["serch"]).exit_code == 2


def test_a_failure_and_a_missed_goal_are_told_and_not_good() -> None:
    outcomes = [
        suite.Outcome("ingest", 10.0, failure="exit code 1, what it printed says why"),
        suite.Outcome("search", 1195.0, missed=["f is 1, the goal is ≥ 2: missed by 50 %"]),
    ]
    assert suite.summary(outcomes) == [
        "ingest failed: exit code 1, what it printed says why",
        "search: f is 1, the goal is ≥ 2: missed by 50 %",
        "all took 1,205 s, they should stay under 1,200 s",
    ]
    assert not suite.good(outcomes[:1])
    assert not suite.good(outcomes[1:])
    assert suite.good([suite.Outcome("search", 1.0)])


def test_one_that_fails_does_not_keep_the_next_from_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def finished(command: list[str], _: int | None) -> int | None:
        name, target = command[3], Path(command[5])
        if name == "search":
            report(0.9).write(target)
        return {"ingest": 1, "churn": None, "search": 0}[name]

    monkeypatch.setattr(suite, "is_there", lambda _: True)
    monkeypatch.setattr(suite, "_finished", finished)
    (tmp_path / "ingest.json").write_text("an earlier one")
    outcomes = suite.run_all(["ingest", "churn", "search"], tmp_path, seed=1, quick=False)
    assert [bool(one.failure) for one in outcomes] == [True, True, False]
    assert (tmp_path / "ingest.json").read_text() == "an earlier one"
    assert written.read(tmp_path / "search.json").missed == []


def test_a_process_that_was_killed_is_told_by_its_signal() -> None:
    code = suite._finished([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 60)
    assert code == -9
    assert suite._why(code) == "ended by signal 9 (SIGKILL)"


def test_a_process_beyond_its_time_is_stopped_and_can_tidy_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tidied = tmp_path / "tidied"
    program = (
        "import time, pathlib, sys\n"
        "try:\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    pathlib.Path(sys.argv[1]).write_text('yes')\n"
    )
    monkeypatch.setattr(suite, "_PATIENCE", 3)
    assert suite._finished([sys.executable, "-c", program, str(tidied)], 1) is None
    assert tidied.read_text() == "yes"


def test_an_interrupt_ends_the_run_and_keeps_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def finished(command: list[str], _: int | None) -> int | None:
        if command[3] == "churn":
            raise KeyboardInterrupt
        report(0.9).write(Path(command[5]))
        return 0

    monkeypatch.setattr(suite, "is_there", lambda _: True)
    monkeypatch.setattr(suite, "_finished", finished)
    outcomes = suite.run_all(["search", "churn", "scale"], tmp_path, seed=1, quick=False)
    assert [(one.name, one.failure) for one in outcomes] == [
        ("search", None),
        ("churn", "interrupted; what follows it was not begun"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["search.json"]
    assert not suite.good(outcomes)
