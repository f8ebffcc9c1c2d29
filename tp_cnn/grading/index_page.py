"""The grader's page: who got what, what is left to mark, which questions were missed."""

from statistics import mean, median

from tp_cnn.grading.class_results import graded, histogram, score, shares, success
from tp_cnn.grading.html import count, environment, page
from tp_cnn.grading.manual_page import Sheet
from tp_cnn.grading.model import STATUS, Batch

environment.filters["casefold"] = str.casefold
environment.globals |= {"mean": mean, "median": median, "score": score, "success": success}


def index_page(batch: Batch, sheets: list[Sheet], with_feedback: set[str]) -> str:
    """The page; ``with_feedback`` holds the ids of the students who have a feedback page."""
    found = [outcome.status for outcome in batch.outcomes]
    return page(
        "index.html.j2",
        script="index.js",
        batch=batch,
        sheets=sheets,
        with_feedback=with_feedback,
        statuses=[count(found.count(key), text) for key, text in STATUS.items() if key in found],
        totals=[outcome.total for outcome in graded(batch)],
        left=sum(len(outcome.to_mark) for outcome in batch.outcomes),
        bars=histogram(batch),
        shares=shares(batch),
    )
