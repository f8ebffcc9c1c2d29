"""What a student gets back: points, what the checks said, and where to begin to do better."""

from tp_cnn.grading.class_results import score
from tp_cnn.grading.html import page
from tp_cnn.grading.model import Batch, Outcome

FIRST = 3  # questions to work on first


def feedback_page(batch: Batch, outcome: Outcome) -> str:
    """The page of one student."""
    scores = [(question, score(outcome, question)) for question in batch.questions]
    scores = [(question, found) for question, found in scores if found]
    shares = [  # bonus questions and those that wait apart
        (found.points / question.points, question)
        for question, found in scores
        if not question.bonus and not found.waiting
    ]
    weakest = sorted((pair for pair in shares if pair[0] < 1), key=lambda pair: pair[0])
    return page(
        "feedback.html.j2",
        batch=batch,
        outcome=outcome,
        scores=scores,
        weakest=[question for _, question in weakest[:FIRST]],
        good=sum(share >= 1 for share, _ in shares),
    )
