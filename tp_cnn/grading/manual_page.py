"""One page a question that a person marks: all answers side by side, under the rubric."""

from collections import defaultdict
from dataclasses import dataclass
from html import escape

from tp_cnn.grading.html import (
    badge,
    clean,
    count,
    label,
    line,
    markdown,
    name,
    number,
    page,
    pictures,
)
from tp_cnn.grading.manual import NAME, digest
from tp_cnn.grading.model import Batch, Mark, Outcome, Question

STEP = 0.25  # points
NAMED = 6  # other students of the same answer
Copy = tuple[Outcome, Mark]

# Marks are kept in the browser until the file that this page offers is saved beside the others.
# A mark typed here counts as long as neither the answer nor the mark in the file has changed.
SCRIPT = """
const cards = [...document.querySelectorAll(".card")], all = s => [...document.querySelectorAll(s)];
const cell = document.body.querySelector("main").dataset.cell;
const key = `tp-cnn marks ${location.pathname}`, status = document.querySelector("#progress");
let saved = {};
try { saved = JSON.parse(localStorage.getItem(key)) || {}; } catch { }
const parts = card => ({ points: card.querySelector(".mark"),
  comment: card.querySelector("textarea"), id: "=" + card.dataset.id });
const base = ({ points, comment }) => points.defaultValue + "|" + comment.defaultValue;
for (const card of cards) {
  const { points, comment, id } = parts(card), kept = saved[id];
  if (kept && kept.answer === card.dataset.answer
      && kept.base === base({ points, comment })) {
    points.value = kept.points;
    comment.value = kept.comment;
  } else if (kept && (kept.points !== points.value || kept.comment !== comment.value)) {
    card.querySelector("output").textContent = "Ce navigateur gardait, pour une version "
      + `antérieure : « ${kept.points || "sans note"} » ${kept.comment}`;
  }
  card.addEventListener("input", () => {
    saved[id] = { points: points.value, comment: comment.value,
      answer: card.dataset.answer, base: base({ points, comment }) };
    try { localStorage.setItem(key, JSON.stringify(saved)); }
    catch { status.dataset.lost = "Ce navigateur ne garde rien : téléchargez avant de fermer. "; }
    report();
  });
}
function report() {
  const done = cards.filter(card => parts(card).points.value !== "").length;
  status.textContent = (status.dataset.lost || "") + `${done} sur ${cards.length} notées`;
}
const marks = all(".mark");
marks.forEach((mark, rank) => mark.addEventListener("keydown", event => {
  const next = marks[rank + 1];
  if (event.key === "Enter") event.target.closest(".card").querySelector("textarea").focus();
  else if (event.key === "Tab" && !event.shiftKey && next) { next.focus(); next.select(); }
  else return;
  event.preventDefault();
}));
const quoted = text => '"' + text.replace(/^[=+@-]/, "'$&").replace(/"/g, '""') + '"';
document.querySelector("#download").addEventListener("click", () => {
  const wrong = marks.find(({ validity }) =>  // any fraction of a point will do
    validity.badInput || validity.rangeOverflow || validity.rangeUnderflow);
  if (wrong) { wrong.reportValidity(); return; }
  const rows = cards.filter(card => parts(card).points.value || parts(card).comment.value.trim());
  const lines = rows.map(card => [cell, card.dataset.id, card.dataset.student,
    parts(card).points.value, parts(card).comment.value.trim(), card.dataset.answer]);
  const text = ["cell,id,student,points,comment,answer",
    ...lines.map(line => line.map(quoted).join(","))].join("\\r\\n") + "\\r\\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `manual_marks_${cell}.csv`;
  link.click();
});
const hide = document.querySelector("#blind");
hide.addEventListener("change", () => document.body.classList.toggle("blind", hide.checked));
document.body.classList.toggle("blind", hide.checked);
all("[data-script]").forEach(element => element.hidden = false);
report();
"""


@dataclass(frozen=True)
class Sheet:
    """A free-text answer of all the students."""

    question: Question
    cell: str
    points: float
    copies: list[Copy]  # in the order of the students

    @property
    def title(self) -> str:
        return f"{label(self.question)} {escape(self.question.title)}".strip()


def sheets(batch: Batch) -> list[Sheet]:
    """One for each cell that a person marks, in the order of the notebook."""
    by_cell: dict[str, list[Copy]] = defaultdict(list)
    for outcome in batch.outcomes:
        for mark in outcome.marks:
            if mark.by_hand:
                by_cell[mark.cell].append((outcome, mark))
    places = {question.id: place for place, question in enumerate(batch.questions)}
    found = [
        Sheet(batch.questions[places[copies[0][1].question]], cell, copies[0][1].points, copies)
        for cell, copies in by_cell.items()
    ]
    return sorted(found, key=lambda sheet: places[sheet.question.id])  # stable within a question


def manual_page(sheet: Sheet, before: Sheet | None, after: Sheet | None) -> str:
    """The page of ``sheet``, with links to its neighbours."""
    blank = [copy for copy in sheet.copies if _is_blank(copy[1])]
    groups = _groups([copy for copy in sheet.copies if not _is_blank(copy[1])])
    cards, rank = [], 0
    for group in groups:
        for copy in group:
            rank += 1
            others = [other for other, _ in group if other is not copy[0]]
            cards.append(_card(sheet, copy, rank, others))
    body = f"""<header>
<nav aria-label="Questions">{_link(before, "←", "précédente")}
<a href="../index.html">Toutes les notes</a>{_link(after, "→", "suivante")}</nav>
<h1>{sheet.title} <small>sur {number(sheet.points)}</small></h1>
</header>
<main data-cell="{escape(sheet.cell)}">
{_top(sheet)}
{_empty(blank)}
<div class="cards">
{"".join(cards) or "<p>Personne n'a répondu.</p>"}
</div>
</main>"""
    return page(f"À noter : {sheet.question.title}", body, "manual", SCRIPT)


def _is_blank(mark: Mark) -> bool:
    """Whether nothing was written; a person may have given points for it all the same."""
    return mark.automatic is not None and mark.manual is None


def _link(sheet: Sheet | None, arrow: str, side: str) -> str:
    if not sheet:
        return "<span></span>"
    title = line(sheet.question.title, 40)
    text = f"{label(sheet.question)} {escape(title)}"
    text = f"{arrow} {text}" if arrow == "←" else f"{text} {arrow}"
    return f'<a href="{escape(sheet.cell)}.html" title="Question {side}">{text}</a>'


def _top(sheet: Sheet) -> str:
    """Statement and rubric, at hand while scrolling, then what to do with the marks."""
    rubric = sheet.question.rubrics.get(sheet.cell, "")
    return f"""<div class="top">
<details open><summary>Énoncé et barème</summary>
<div class="columns"><div>{markdown(sheet.question.statement, "Énoncé")}</div>
<div>{markdown(rubric, "Barème") if rubric else "<p>Pas de barème.</p>"}</div></div>
</details>
<div class="tools" data-script hidden>
<button type="button" id="download">Télécharger les notes (CSV)</button>
<label><input type="checkbox" id="blind"> Masquer les noms</label>
<output id="progress"></output>
<span class="note">Tab : note suivante. Entrée : commentaire. Enregistrez le fichier téléchargé
à côté de <code>{NAME}</code>, puis relancez avec <code>--resume</code>.</span>
</div>
<noscript><p>Sans JavaScript, cette page ne garde rien : écrivez les notes dans
<code>{NAME}</code>, à la ligne où <code>cell</code> est <code>{escape(sheet.cell)}</code> et
<code>id</code> est celui qui suit chaque nom.</p></noscript>
</div>"""


def _empty(blank: list[Copy]) -> str:
    if not blank:
        return ""
    names = ", ".join(name(outcome.student) for outcome, _ in blank)
    return (
        f"<details><summary>{count(len(blank), 'copie')} sans réponse, 0 point</summary>"
        f'<p class="names">{names}</p></details>'
    )


def _groups(copies: list[Copy]) -> list[list[Copy]]:
    """The same answers together, whatever their spaces and capitals; else the students' order."""
    groups: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        groups[" ".join(copy[1].answer.casefold().split())].append(copy)
    return list(groups.values())


def _card(sheet: Sheet, copy: Copy, rank: int, others: list[Outcome]) -> str:
    outcome, mark = copy
    points = "" if mark.manual is None else f"{mark.manual:g}"
    suspicious = badge("suspicious") if outcome.status == "suspicious" else ""
    return f"""<article class="card" data-id="{escape(outcome.id)}"
 data-student="{escape(line(outcome.student))}" data-answer="{digest(mark.answer)}">
<h2><span class="named">{name(outcome.student)}</span><span class="unnamed">Réponse {rank}</span>
<code class="named">{escape(outcome.id)}</code> {suspicious}</h2>
{_same(others)}
<div class="answer">{markdown(mark.answer)}</div>
{pictures(mark.pictures)}
<div class="marking">
<label>Points <input class="mark" type="number" min="0" max="{sheet.points:g}" step="{STEP}"
 value="{points}"> / {number(sheet.points)}</label>
<label>Commentaire <textarea rows="2">{escape(clean(mark.comment))}</textarea></label>
<output></output>
</div>
</article>
"""


def _same(others: list[Outcome]) -> str:
    if not others:
        return ""
    names = ", ".join(name(other.student) for other in others[:NAMED])
    names += "…" if len(others) > NAMED else ""
    total = count(len(others), "autre réponse", "autres réponses")
    return (
        f'<p class="same">Même texte que {total}<span class="named"> : {names}</span>. '
        "Copie ou non, c'est à vous d'en juger.</p>"
    )
