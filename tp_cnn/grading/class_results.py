"""What the class got: the points of a question, the totals, which questions were missed."""

from dataclasses import dataclass
from html import escape
from statistics import mean

from tp_cnn.grading.html import count, label, line, number
from tp_cnn.grading.model import Batch, Outcome, Question

BARS = 10  # of the histogram


@dataclass(frozen=True)
class Score:
    """What one student got for one question."""

    points: float  # those given so far
    waiting: bool  # a person has still something to mark


def score(outcome: Outcome, question: Question) -> Score | None:
    """None where nothing of that question was graded."""
    marks = [mark for mark in outcome.marks if mark.question == question.id]
    if not marks:
        return None
    return Score(
        sum(mark.earned or 0 for mark in marks), any(mark.earned is None for mark in marks)
    )


def graded(batch: Batch) -> list[Outcome]:
    return [outcome for outcome in batch.outcomes if outcome.status == "graded"]


def success(batch: Batch, question: Question) -> float | None:
    """The share of the points of a question that the graded students got, 0 to 1."""
    scores = [score(outcome, question) for outcome in graded(batch)]
    points = [found.points for found in scores if found and not found.waiting]
    return mean(points) / question.points if points else None


def histogram(batch: Batch) -> str:
    totals = [outcome.total for outcome in graded(batch)]
    if not totals or not batch.points:
        return "<p>Aucun notebook noté pour l'instant.</p>"
    bars = [0] * BARS
    for total in totals:
        bars[min(BARS - 1, max(0, int(BARS * total / batch.points)))] += 1
    left, width, height, base = 10, 44, 110, 140  # pixels
    drawn = []
    for rank, size in enumerate(bars):
        x, tall = left + rank * width, height * size / max(bars)
        bar = f'x="{x + 2}" y="{base - tall:.1f}" width="{width - 4}" height="{tall:.1f}"'
        drawn.append(f'<rect class="bar" {bar}/>')
        middle = x + width / 2
        drawn.append(f'<text x="{middle}" y="{base - tall - 5:.1f}">{size or ""}</text>')
    for rank in range(0, BARS + 1, 2):
        edge = number(batch.points * rank / BARS)
        drawn.append(f'<text x="{left + rank * width}" y="{base + 16}">{edge}</text>')
    span = left + BARS * width
    ranges = ", ".join(
        f"{number(batch.points * rank / BARS)} à {number(batch.points * (rank + 1) / BARS)} : {n}"
        for rank, n in enumerate(bars)
    )
    return f"""<figure>
<svg viewBox="0 0 {span + 10} 180" role="img" aria-label="Nombre de notebooks par total : {ranges}">
<line x1="{left}" y1="{base}" x2="{span}" y2="{base}"/>
{"".join(drawn)}
<text x="{(left + span) / 2}" y="{base + 34}">total, en points (sur {number(batch.points)})</text>
</svg>
<figcaption>{count(len(totals), "notebook noté", "notebooks notés")} ; les suspects n'y sont pas.
La dernière barre compte aussi ceux que des points de bonus mènent plus haut.</figcaption>
</figure>"""


def success_list(batch: Batch) -> str:
    shares = [(success(batch, question), question) for question in batch.questions]
    known = sorted((pair for pair in shares if pair[0] is not None), key=lambda pair: pair[0])
    if not known:
        return ""
    rows = "".join(_success_row(batch, share, question) for share, question in known)
    waiting = count(len(shares) - len(known), "question attend", "questions attendent")
    note = f"<p>{waiting} d'être notées.</p>" if len(known) < len(shares) else ""
    return f"""<h3>Réussite par question, de la moins réussie à la mieux réussie</h3>
<ol class="success">{rows}</ol>{note}"""


def _success_row(batch: Batch, share: float, question: Question) -> str:
    found = [score(outcome, question) for outcome in graded(batch)]
    done = [one for one in found if one and not one.waiting]
    full = sum(one.points >= question.points for one in done)
    return (
        f"<li><span>{label(question)} {escape(line(question.title, 60))}</span>"
        f'<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rail" width="100" height="8"/>'
        f'<rect class="bar" width="{100 * min(1, share):.1f}" height="8"/></svg>'
        f"<span>{100 * share:.0f} % · {full}/{len(done)} au maximum</span></li>"
    )
