"""What a student gets back: points, what the checks said, and where to begin to do better."""

from html import escape

from tp_cnn.grading.html import (
    badge,
    count,
    day,
    items,
    label,
    markdown,
    name,
    number,
    page,
    pictures,
    verbatim,
    without_folders,
)
from tp_cnn.grading.model import Batch, Mark, Outcome, Question

FIRST = 3  # questions to work on first
PENDING = "à noter par votre enseignant"
ADVICE = {  # status -> what is said around the reasons
    "not-graded": (
        "Votre notebook n'a pas pu être noté",
        "Corrigez ce point, puis déposez-le de nouveau ; en cas de doute, montrez cette page à "
        "votre enseignant.",
    ),
    "missing": (
        "Il manque votre notebook",
        "Si vous l'aviez déposé, montrez cette page à votre enseignant ; sinon, il est peut-être "
        "encore temps.",
    ),
}


def feedback_page(batch: Batch, outcome: Outcome) -> str:
    """The page: no script, no rubric, no hidden test, nobody else."""
    sections = "\n".join(_question(question, outcome) for question in batch.questions)
    body = f"""<header>
<h1>Retour sur votre travail</h1>
<p>{name(outcome.student)} · {escape(batch.title)} · {day(batch.date)}</p>
</header>
<main>
{_total(batch, outcome)}
{_about(outcome)}
{_first(batch, outcome)}
{sections}
</main>"""
    return page(f"Retour : {batch.title}", body, "feedback")


def _marks(question: Question, outcome: Outcome) -> list[Mark]:
    return [mark for mark in outcome.marks if mark.question == question.id]


def _title(question: Question) -> str:
    return f"{label(question)} {escape(question.title)}".strip()


def _out_of(earned: float, points: float) -> str:
    return f"{number(earned)}&nbsp;/&nbsp;{number(points)}"


def _total(batch: Batch, outcome: Outcome) -> str:
    if outcome.status == "missing":
        return '<p class="total">Aucun notebook reçu</p>'
    if not outcome.marks:
        return f'<p class="total">Pas encore de note {badge(outcome.status)}</p>'
    text = f'<p class="total">{_out_of(outcome.total, batch.points)} points</p>'
    if outcome.to_mark:
        points = number(sum(mark.points for mark in outcome.to_mark))
        answers = count(len(outcome.to_mark), "réponse attend", "réponses attendent")
        text += f"<p>Total provisoire : {answers} votre enseignant ({points} points en jeu).</p>"
    if outcome.status == "suspicious":
        text += (
            "<p>Votre enseignant doit encore vérifier un point de votre notebook : cette note "
            "n'est pas définitive.</p>"
        )
    return text


def _about(outcome: Outcome) -> str:
    """Why there are no marks, and what was mended on the way; suspicions are for the grader."""
    parts = []
    if outcome.status in ADVICE and outcome.reasons:
        heading, advice = ADVICE[outcome.status]
        parts.append(f"<h2>{heading}</h2>{_texts(outcome.reasons)}<p>{advice}</p>")
    if outcome.repairs or outcome.notes:
        parts.append(
            "<h2>Ce que la correction a rencontré</h2>" + _texts(outcome.repairs + outcome.notes)
        )
    return f'<section class="about">{"".join(parts)}</section>' if parts else ""


def _texts(texts: list[str]) -> str:
    return items([without_folders(text) for text in texts])


def _first(batch: Batch, outcome: Outcome) -> str:
    """The questions with the least share of their points, bonus and waiting ones apart."""
    shares = []
    for question in batch.questions:
        marks = _marks(question, outcome)
        if marks and not question.bonus and all(mark.earned is not None for mark in marks):
            share = sum(mark.earned for mark in marks) / question.points
            shares.append((share, question))
    if not shares:
        return ""
    weakest = sorted((pair for pair in shares if pair[0] < 1), key=lambda pair: pair[0])[:FIRST]
    if not weakest:
        return '<p class="first">Tout ce qui est déjà noté est juste. Bravo !</p>'
    links = "".join(
        f'<li><a href="#q-{escape(question.id)}">{_title(question)}</a></li>'
        for _, question in weakest
    )
    good = sum(share >= 1 for share, _ in shares)
    praise = f"Déjà {count(good, 'question réussie', 'questions réussies')} en entier."
    return f"""<section class="first">
<h2>Par où commencer</h2>
<p>{praise if good else ""} Pour progresser le plus vite, reprenez d'abord :</p>
<ol>{links}</ol>
</section>"""


def _question(question: Question, outcome: Outcome) -> str:
    marks = _marks(question, outcome)
    if not marks:
        return ""
    earned = sum(mark.earned or 0 for mark in marks)
    waiting = any(mark.earned is None for mark in marks)
    given = any(mark.earned is not None for mark in marks)
    points = _out_of(earned, question.points) if given else f"sur {number(question.points)}"
    points += f' <em class="waiting">{PENDING}</em>' if waiting else ""
    parts, code = [], ""
    for mark in marks:
        if mark.by_hand:
            parts.append(_free_text(mark))
        else:
            parts.append(_test(mark, mark.answer == code, len(marks) == 1))
            code = mark.answer
        parts.append(_comment(mark))
    return f"""<section id="q-{escape(question.id)}">
<h2><span>{_title(question)}</span> <span class="points">{points}</span></h2>
{"".join(parts)}
</section>"""


def _test(mark: Mark, repeated: bool, alone: bool) -> str:
    """The code, unless it stands above already, and what the check said of it."""
    code = "" if repeated or not mark.answer.strip() else _box(mark.answer, "Votre code")
    said = without_folders("\n".join(mark.messages))
    points = "" if alone or mark.earned is None else f" ({_out_of(mark.earned, mark.points)})"
    return code + (_box(said, "Le test répond", points) if said.strip() or points else "")


def _box(text: str, title: str, points: str = "") -> str:
    return f'<p class="note">{title}{points}</p>{verbatim(text, title) if text.strip() else ""}'


def _free_text(mark: Mark) -> str:
    if mark.automatic is not None:
        return '<p class="note">Vous n\'avez pas répondu ici.</p>'
    return f'<div class="answer">{markdown(mark.answer, "Votre réponse")}</div>' + pictures(
        mark.pictures
    )


def _comment(mark: Mark) -> str:
    if not mark.comment.strip():
        return ""
    return (
        '<div class="comment"><strong>Commentaire de votre enseignant</strong>'
        f"{markdown(mark.comment, 'Commentaire')}</div>"
    )
