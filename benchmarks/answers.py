"""What answers are worth, generator by generator, on three public sets, and how much better they are for abstaining.

    squad     half of SQuAD 2.0's development set; half of its questions have no answer and were written to mislead
    nq_open   Natural Questions, searched in the gold passages of 2,655 of them
    factbook  questions for values that a year of edits changed, asked of the newest state

Evidence is what a worker's search finds, k = 5, in an index of the whole set. An answer is right where it holds an
expected one: an extractive answer is whole sentences, which F1 and exact match of a few words do not reward. The
threshold is chosen on half of squad's articles and reported on the other half; a language model is measured on few
questions, as it is slow, and only where it is installed. Questions are drawn by the seed. Needs FRESHLINE_EVAL_DATA;
vectors are kept (benchmarks.kept_vectors), so that a second run is fast.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean

from benchmarks import answer_sets
from benchmarks.answer_generators import Contender, extractive, language_model
from benchmarks.answer_measures import ranked_apart
from benchmarks.answer_runs import Outcome, Put, balance, halves, outcome, put
from benchmarks.answer_sets import AnswerSet
from benchmarks.kept_vectors import kept_embedder
from benchmarks.report import Figure, Line, Plot, Report
from freshline.evaluation.significance import interval

SETS: Mapping[str, Callable[[], AnswerSet]] = {
    "squad": answer_sets.squad,
    "nq_open": answer_sets.nq_open,
    "factbook": answer_sets.factbook,
}
#: Questions of each set.
_SIZES = {"squad": 2000, "nq_open": 1000, "factbook": 800}
_QUICK = {"squad": 60, "nq_open": 20, "factbook": 20}
#: A model of 135 million parameters takes some ten seconds a question on two cores.
_SIZES_OF_MODEL = {"squad": 24, "nq_open": 12, "factbook": 12}
THRESHOLDS = (0.0, *(round(0.30 + 0.05 * step, 2) for step in range(13)))
#: Answers that a point of the plot rests on, at least.
_LEAST = 20

#: {threshold: outcome of each question}
Sweep = Mapping[float, Sequence[Outcome]]


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    embedder = kept_embedder()
    sizes = _QUICK if quick else _SIZES
    asked = {name: put(make(), sizes[name], seed, embedder) for name, make in SETS.items()}
    figures: list[Figure] = []
    plots = []
    model = None if quick else language_model(embedder, _SIZES_OF_MODEL)
    for contender in filter(None, (extractive(embedder, sizes), model)):
        sweeps = {name: _sweep(contender, every[: contender.sizes[name]]) for name, every in asked.items()}
        tuning, held_out = _halves(sweeps.pop("squad"), seed)
        figures += [*_calibrated(contender, tuning, held_out)]
        for name, sweep in sweeps.items():
            figures += _as_set(contender, name, sweep[contender.threshold])
        plots.append(_plot(contender, {"squad, held out": held_out, **sweeps}))
    notes = {name: f"{len(every)} questions" for name, every in asked.items()}
    notes["language model"] = _told(model)
    return Report(name="answers", seed=seed, figures=figures, plots=plots, notes=notes)


def _told(model: Contender | None) -> str:
    if model is None:
        return "not measured: --quick, or its package or libraries are not installed"
    return f"{model.name}, the first " + ", ".join(f"{size} of {name}" for name, size in model.sizes.items())


def _sweep(contender: Contender, asked: Sequence[Put]) -> Sweep:
    thresholds = sorted({*THRESHOLDS, contender.threshold})
    return {
        t: [outcome(*one) for one in zip(asked, contender.answer(asked, t), strict=True)] for t in thresholds
    }


def _halves(sweep: Sweep, seed: int) -> tuple[Sweep, Sweep]:
    """Split by article: one half to choose on, one to report."""
    groups = halves([one.put.asked.group for one in sweep[0.0]], seed)
    tuning, held_out = (
        {t: [one for one in every if one.put.asked.group in half] for t, every in sweep.items()}
        for half in groups
    )
    return tuning, held_out


def chosen(tuning: Sweep) -> float:
    """Return the threshold of the best balance, the least of equal ones."""
    return max(sorted(tuning), key=lambda threshold: balance(tuning[threshold]))


def _calibrated(contender: Contender, tuning: Sweep, held_out: Sweep) -> Iterator[Figure]:
    """Yield squad's figures on the held-out half: at the setting's threshold, and at the chosen one."""
    name = f"{contender.name}, squad"
    best = chosen(tuning)
    yield Figure(name=f"{name}: threshold chosen", value=best, unit="score")
    scores = [[o.put.score for o in held_out[0.0] if o.answerable is side] for side in (True, False)]
    yield Figure(
        name=f"{name}: score tells answerable from not", value=ranked_apart(*scores), unit="ROC area"
    )
    for threshold in dict.fromkeys((contender.threshold, best)):
        at, every = f"{name} at {threshold:.2f}", held_out[threshold]
        answerable = [o for o in every if o.answerable]
        yield _mean(f"{at}: answerable, answered", [not o.abstained for o in answerable])
        yield _mean(f"{at}: answerable, right", [o.right for o in answerable])
        yield _mean(f"{at}: answerable, F1", [o.f1 for o in answerable])
        yield _mean(f"{at}: answerable, exact match", [o.exact for o in answerable])
        yield _mean(f"{at}: unanswerable, abstained", [o.abstained for o in every if not o.answerable])
        yield Figure(name=f"{at}: balance of both", value=balance(every), unit="")
        yield _mean(f"{at}: F1 of all, as SQuAD counts", [o.f1 for o in every])


def _as_set(contender: Contender, name: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    """Yield one set's figures at the setting's threshold."""
    at = f"{contender.name}, {name}"
    yield _mean(f"{at}: answer in the evidence", [o.put.known for o in outcomes])
    yield _mean(f"{at}: right", [o.right for o in outcomes])
    if outcomes[0].put.literal:
        yield _mean(f"{at}: outdated", [o.outdated for o in outcomes])
        yield _mean(f"{at}: missing", [not o.right and not o.outdated for o in outcomes])
    else:
        yield _mean(f"{at}: F1", [o.f1 for o in outcomes])
        yield _mean(f"{at}: exact match", [o.exact for o in outcomes])
    yield _mean(f"{at}: abstained", [o.abstained for o in outcomes])
    if not all(o.own for o in outcomes):
        yield _mean(
            f"{at}: answered by the extractive generator instead",
            [not o.own and not o.abstained for o in outcomes],
        )


def _plot(contender: Contender, sweeps: Mapping[str, Sweep]) -> Plot:
    lines = [line(name, sweep, sorted(sweep)) for name, sweep in sweeps.items()]
    marks = [
        line(f"{name}, as set", sweep, (contender.threshold,), marks=True) for name, sweep in sweeps.items()
    ]
    return Plot(
        title=f"{contender.name}: accuracy against abstention",
        x="abstained, share of questions",
        y="right, share of answers",
        lines=[*lines, *marks],
    )


def line(name: str, sweep: Sweep, thresholds: Sequence[float], *, marks: bool = False) -> Line:
    """Return (share abstained, share of the answers that are right) for each threshold with enough answers."""
    points = []
    for threshold in thresholds:
        every = sweep[threshold]
        answers = [o for o in every if not o.abstained]
        if len(answers) >= _LEAST:
            points.append((1 - len(answers) / len(every), fmean(o.right for o in answers)))
    return Line(name=name, x=[x for x, _ in points], y=[y for _, y in points], marks=marks)


def _mean(name: str, values: Sequence[float]) -> Figure:
    """Return the mean with its 95 % interval over questions."""
    one = interval([float(value) for value in values])
    return Figure(name=name, value=one.mean, unit="", spread=(one.low, one.high))
