"""Evaluate a BEIR folder through the real pipeline, on a stack of its own that ends with the evaluation.

    1  read queries, judgements and, once, the corpus: what is wrong with them is told before anything starts
    2  start a broker, a stream and a worker in a temporary folder
    3  publish the corpus to Kafka, wait until the manifest covers it
    4  search the lake's snapshot in this process, in every mode
    5  ask the worker over Kafka and compare its hits
    6  measure

Steps 2 and 3 are batch.evaluation.index's.
"""

import time
from dataclasses import replace

from batch.evaluation.about import about
from batch.evaluation.index import Indexed, Plan, indexed, timed
from batch.evaluation.modes import named_modes, own_side, sides
from batch.evaluation.publish import Tell
from batch.evaluation.search import Finder, Questions
from batch.evaluation.worker import Asking, ask_worker
from freshline.evaluation.beir import BeirFolder, survey
from freshline.evaluation.kept import Kept, Worker
from freshline.evaluation.measures import measure, measures_at
from freshline.evaluation.runs import Run


def evaluate(folder: BeirFolder, plan: Plan, tell: Tell) -> tuple[Kept, dict[str, Run]]:
    """Run steps 1 to 6; the queries and judgements are read already. Raises UserError, MissingPart, TransientError."""
    names = plan_modes(plan)
    found = survey(folder, lambda count: tell("reading the corpus", count, 0))  # 1
    with indexed(folder, plan, found.documents - found.empty, tell) as index:  # 2, 3
        questions = Questions(folder.queries, index.embedder.queries(list(folder.queries.values())))
        runs = search_all(index, questions, names, plan, tell)  # 4
        worker = _ask(index, questions, plan, tell)  # 5
        scores = {name: measure(folder.qrels, run, measures_at(plan.k)) for name, run in runs.items()}  # 6
        record = about(folder, plan, found, index, scores)
    return Kept(evaluation=replace(record, worker=worker), values=scores), runs


def plan_modes(plan: Plan) -> list[str]:
    """Return the modes that are compared. Raises UserError, ConfigError."""
    return named_modes(plan.modes, reranker=bool(plan.loaded().settings.models.reranker))


def search_all(
    index: Indexed, questions: Questions, names: list[str], plan: Plan, tell: Tell
) -> dict[str, Run]:
    """Return the run of each mode, all at one time over one snapshot."""
    now_ms, runs = round(time.time() * 1000), {}
    for side in sides(names, index.settings, index.reranker):
        with timed(index.seconds, f"search {side.name}"):
            runs[side.name] = Finder(index.snapshot, side, now_ms, plan.drop_same).run(
                questions, plan.k, tell
            )
    return runs


def _ask(index: Indexed, questions: Questions, plan: Plan, tell: Tell) -> Worker | None:
    if not plan.ask:
        return None
    finder = Finder(index.snapshot, own_side(index.settings, index.reranker), round(time.time() * 1000))
    asking = Asking(kafka=index.settings.kafka, ends=index.publication.ends, most=plan.ask)
    return ask_worker(finder, questions, asking, tell)
