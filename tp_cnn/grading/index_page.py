"""The grader's page: who got what, what is left to mark, which questions were missed."""

from html import escape
from statistics import mean, median

from tp_cnn.grading.class_results import (
    Score,
    graded,
    histogram,
    score,
    success,
    success_list,
)
from tp_cnn.grading.html import badge, count, day, items, label, line, name, number, page
from tp_cnn.grading.manual_page import Sheet
from tp_cnn.grading.model import STATUS, Batch, Outcome, Question

# Sorting and filtering; without JavaScript the table stays as it is.
SCRIPT = """
const table = document.querySelector("#students"), body = table.tBodies[0];
const value = (row, column) => row.cells[column].dataset.value;
const order = (a, b) => a !== "" && b !== "" && !isNaN(a) && !isNaN(b)
  ? a - b : a.localeCompare(b, "fr", { numeric: true });
for (const button of table.querySelectorAll("th button")) {
  const head = button.closest("th"), column = head.cellIndex;
  button.disabled = false;
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows], known = rows.filter(row => value(row, column) !== "");
    known.sort((a, b) => (down ? -1 : 1) * order(value(a, column), value(b, column)));
    body.append(...known, ...rows.filter(row => value(row, column) === ""));
  });
}
const plain = text => text.normalize("NFD").replace(/\\p{M}/gu, "").toLowerCase();
const text = document.querySelector("#filter"), status = document.querySelector("#status");
const shown = document.querySelector("#shown");
function filter() {
  const words = plain(text.value).split(/\\s+/);
  for (const row of body.rows) {
    const content = plain(row.textContent);
    const wanted = !status.value || row.dataset.status === status.value;
    row.hidden = !wanted || !words.every(word => content.includes(word));
  }
  const left = [...body.rows].filter(row => !row.hidden).length;
  shown.textContent = `${left} sur ${body.rows.length}`;
}
text.addEventListener("input", filter);
status.addEventListener("change", filter);
document.querySelector(".filters").hidden = false;
filter();
"""


def index_page(batch: Batch, sheets: list[Sheet], with_feedback: set[str]) -> str:
    """The page; ``with_feedback`` holds the ids of the students who have a feedback page."""
    body = f"""<header>
<h1>{escape(batch.title)}</h1>
<p>Notebook <code>{escape(batch.notebook)}</code> · {day(batch.date)} · {_counts(batch)}</p>
{_summary(batch)}
</header>
<main>
{_caution(batch)}
{_to_mark(sheets)}
{_table(batch, with_feedback)}
{_not_graded(batch)}
<section id="resultats">
<h2>Résultats de la classe</h2>
{histogram(batch)}
{success_list(batch)}
</section>
</main>"""
    return page(f"{batch.title} : notes", body, "index", SCRIPT)


def _counts(batch: Batch) -> str:
    statuses = [outcome.status for outcome in batch.outcomes]
    parts = [
        count(statuses.count(status), text) for status, text in STATUS.items() if status in statuses
    ]
    return f"{count(len(statuses), 'copie')} : {escape(', '.join(parts))}"


def _summary(batch: Batch) -> str:
    totals = [outcome.total for outcome in graded(batch)]
    left = sum(len(outcome.to_mark) for outcome in batch.outcomes)
    facts = {}
    if totals:
        out_of = f"<small> / {number(batch.points)}</small>"
        facts["Moyenne des notées"] = number(mean(totals)) + out_of
        facts["Médiane"] = number(median(totals)) + out_of
    facts["Reste à noter"] = count(left, "réponse") if left else "rien"
    terms = "".join(f"<div><dt>{key}</dt><dd>{text}</dd></div>" for key, text in facts.items())
    provisional = (
        "Moyenne et médiane sont provisoires : ce qui reste à noter y compte pour zéro."
        if left and totals
        else ""
    )
    return f'<dl class="facts">{terms}</dl><p>{provisional}</p>'


def _caution(batch: Batch) -> str:
    if batch.sandbox:
        box = (
            "Chaque notebook a été exécuté dans un bac à sable : sans réseau, sans les corrigés, "
            "sans les copies des autres."
        )
    else:
        box = (
            "<strong>Exécuté sans bac à sable</strong> : le code des étudiants avait les droits de "
            "la personne qui a lancé la commande, sur ses fichiers et sur le réseau. Recommencez "
            "avec le bac à sable dès que possible (<code>tp-cnn doctor</code> dit comment "
            "l'installer)."
        )
    return f"""<aside class="caution{"" if batch.sandbox else " alarm"}">
<p>{box} Les tests s'exécutent dans le processus de l'étudiant : une fraude se détecte, elle ne
s'empêche pas. Lisez les copies marquées « {STATUS["suspicious"]} » avant de rendre les notes.</p>
</aside>"""


def _to_mark(sheets: list[Sheet]) -> str:
    if not sheets:
        return ""
    links = "".join(
        f'<li><a href="questions/{sheet.cell}.html">{label(sheet.question)} '
        f"{escape(sheet.question.title)}</a> <span>{_progress(sheet)}</span></li>"
        for sheet in sheets
    )
    return f"""<nav aria-labelledby="a-noter"><h2 id="a-noter">Réponses à noter, par question</h2>
<ul class="sheets">{links}</ul></nav>"""


def _progress(sheet: Sheet) -> str:
    left = sum(mark.earned is None for _, mark in sheet.copies)
    return f"{left} à noter sur {len(sheet.copies)}" if left else "tout est noté"


def _table(batch: Batch, with_feedback: set[str]) -> str:
    heads = "".join(
        f'<th scope="col"{kind}><button type="button" disabled>{text}</button></th>'
        for text, kind in (
            ("Étudiant", ' class="who" aria-sort="ascending"'),
            ("État", ""),
            ("Total", ""),
            ("À noter", ""),
            ("À lire", ""),
            ("Réparé", ""),
        )
    )
    heads += "".join(map(_question_head, batch.questions))
    rows = "\n".join(_row(outcome, batch, with_feedback) for outcome in batch.outcomes)
    options = "".join(f'<option value="{key}">{text}</option>' for key, text in STATUS.items())
    return f"""<section aria-labelledby="etudiants">
<h2 id="etudiants">Étudiants</h2>
<div class="filters" hidden>
<label>Chercher <input id="filter" type="search" placeholder="nom, raison…"></label>
<label>État <select id="status"><option value="">tous</option>{options}</select></label>
<output id="shown"></output>
</div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="etudiants">
<table id="students">
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
<tfoot><tr><th scope="row" class="who">Réussite</th>{"<td></td>" * 5}
{"".join(_percentage(success(batch, question)) for question in batch.questions)}</tr></tfoot>
</table>
</div>
</section>"""


def _question_head(question: Question) -> str:
    title = line(question.title)
    short = line(question.title, 24 - len(label(question)))
    bonus = " (bonus)" if question.bonus else ""
    tip = f"{title}{bonus}, {number(question.points)} point{'s' if question.points >= 2 else ''}"
    return (
        f'<th scope="col" class="question" title="{escape(tip)}"><button type="button" disabled>'
        f"<span><b>{label(question)}</b> {escape(short)}</span></button>"
        f"<small>/ {number(question.points)}</small></th>"
    )


def _row(outcome: Outcome, batch: Batch, with_feedback: set[str]) -> str:
    who = name(outcome.student)
    if outcome.id in with_feedback:
        who = f'<a href="feedback/{outcome.id}.html">{who}</a>'
    left = len(outcome.to_mark)
    total = f"{number(outcome.total)}<small> / {number(batch.points)}</small>"
    cells = [
        _cell(badge(outcome.status), list(STATUS).index(outcome.status)),
        _cell(total, outcome.total, "total") if outcome.marks else _cell("", ""),
        _cell(left or "", left if outcome.marks else ""),
        _folded(outcome.reasons + outcome.notes, "reasons"),
        _folded(outcome.repairs, "repairs"),
    ]
    cells += [_score_cell(score(outcome, question), question) for question in batch.questions]
    key = escape(line(outcome.student, 100).casefold())
    return (
        f'<tr data-status="{outcome.status}"><th scope="row" class="who" data-value="{key}" '
        f'title="{escape(line(outcome.file))}">{who}</th>{"".join(cells)}</tr>'
    )


def _cell(html: object, value: object, kind: str = "") -> str:
    return f'<td class="{kind}" data-value="{value}">{html}</td>'


def _folded(texts: list[str], kind: str) -> str:
    """A count to sort by, a first line, and the rest on demand."""
    texts = list(filter(None, texts))
    if not texts:
        return _cell("", "", kind)
    summary = str(len(texts)) if kind == "repairs" else escape(line(texts[0], 48))
    more = f" (+{len(texts) - 1})" if kind == "reasons" and len(texts) > 1 else ""
    html = f"<details><summary>{summary}{more}</summary>{items(texts)}</details>"
    return _cell(html, len(texts), kind)


def _score_cell(found: Score | None, question: Question) -> str:
    if found is None:
        return _cell("", "")
    if found.waiting:
        given = f"{number(found.points)} + " if found.points else ""
        return _cell(f"{given}à noter", "", "waiting")
    kind = "zero" if not found.points else "full" if found.points >= question.points else "partial"
    return _cell(number(found.points), found.points, kind)


def _percentage(share: float | None) -> str:
    return "<td></td>" if share is None else f"<td>{100 * share:.0f} %</td>"


def _not_graded(batch: Batch) -> str:
    lost = [outcome for outcome in batch.outcomes if outcome.status == "not-graded"]
    if not lost:
        return ""
    rows = "".join(
        f"<li>{name(outcome.student)} (<code>{escape(line(outcome.file, 90))}</code>)"
        f"{items(outcome.reasons)}</li>"
        for outcome in lost
    )
    return f"""<section id="non-notees">
<h2>Non notées : que faire ?</h2>
<ul class="lost">{rows}</ul>
<ol>
<li>Ouvrez le fichier. S'il est vide, illisible ou d'un autre notebook, demandez à l'étudiant de le
déposer de nouveau : « Fichier, Enregistrer » dans Jupyter, puis le fichier
<code>.ipynb</code>.</li>
<li>S'il a dépassé le temps ou la mémoire, demandez-lui de redémarrer le noyau et de tout exécuter :
le notebook doit aller au bout sur son ordinateur.</li>
<li>Mettez le nouveau fichier à la place de l'ancien et relancez la même commande avec
<code>--resume</code> : seul ce qui a changé est noté de nouveau.</li>
</ol>
</section>"""
