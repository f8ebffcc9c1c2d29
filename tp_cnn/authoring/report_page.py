"""The page of a student's report: what stands where, and how long it will be once printed.

On screen everything is there, long code folded. In print, two columns; of what the lab sheet does
not ask, exercises are left out, and where room is short the figures too, then the answers. The
length is estimated, as no browser is at hand: the tests compare it with Chromium's.
"""

import re
from dataclasses import dataclass
from html import escape
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from tp_cnn.authoring.report_notebook import Entry, Notebook, Shown, Text, unanswered
from tp_cnn.authoring.report_text import picture, to_html

if TYPE_CHECKING:
    from tp_cnn.authoring.report import Report

LABELS = {"right": "Juste", "wrong": "À revoir", "todo": "À faire", "unknown": "Non exécutée"}
COUNTS = {
    "right": ("juste", "justes"),
    "wrong": ("à revoir", "à revoir"),
    "todo": ("à faire", "à faire"),
    "unknown": ("non exécutée", "non exécutées"),
}
MOST_PAGES = {False: 10, True: 2}  # of the report, which the lab sheet limits; of the follow-up
CODE_LINES = 8  # shown at once; the others are folded, and not printed
RECORD_LINES = 24  # the same, for a record of epochs
PRINTED_FIGURES = 2  # of a question, the last ones
COLUMN_WIDTH, PAGE_HEIGHT = 88, 269  # millimetres
TEXT_LINE, CODE_LINE, HEADING = 4.3, 3.05, 8.5  # millimetres
TEXT_CHARACTERS, CODE_CHARACTERS = 56, 58  # of a line of a column
GAPS = 1.12  # what figures that may not be cut leave empty, measured on printed pages
PIXEL = 25.4 / 96  # millimetres
TALLEST_FIGURE = 62  # millimetres, as in report.css


@dataclass
class Piece:
    """A part of the page and its height in a column of the printed page, in millimetres."""

    html: str
    height: float = 0


@dataclass
class Page:
    """A finished page."""

    html: str
    pages: float  # once printed, estimated
    note: str  # its length in a sentence, with advice if it is too long


def build(report: "Report") -> Page:
    """Lay the report out; leave out of the print what the sheet does not ask, if room is short."""
    asked = [entry for entry in report.entries if not entry.empty]
    sheet = [entry for entry in asked if entry.number or entry.star]
    beyond = [entry for entry in asked if entry not in sheet]  # of the course, not of the sheet
    written = [entry for entry in beyond if _has_text(entry)]
    exercises = [entry for entry in beyond if not _has_text(entry)]
    answers = [_article(entry, figures=not report.follow_up) for entry in sheet]
    remarks = [_remarks(notebook) for notebook in report.notebooks if notebook.remarks]
    most = MOST_PAGES[report.follow_up]
    bare = [_article(entry, printed=False) for entry in written]
    for others in ([_article(entry) for entry in written], bare, []):
        pages = _count_pages(report, [*answers, *others, *remarks])
        if pages <= most:
            break
    left_out = bool(written) and not others
    heights = {entry.name: article.height for entry, article in zip(sheet, answers, strict=True)}
    note = _note(pages, report.follow_up, left_out, heights)
    title = "Réponses aux questions ★" if report.follow_up else "Réponses"
    sections = [
        _section(title, answers),
        _section("Questions sans numéro", others or bare, "screen" if left_out else ""),
        _section("Exercices sans numéro", [_article(e) for e in exercises], "screen"),
    ]
    # The evening's account begins with the answers, the report with what the student says of it.
    sections.insert(len(sections) if report.follow_up else 0, _section("Bilan", remarks))
    if pages > most:
        sections.insert(0, f'<p class="too-long screen">{escape(note)}</p>')
    return Page(_document(report, "\n".join(sections)), pages, note)


def _document(report: "Report", body: str) -> str:
    who = " et ".join(filter(None, [", ".join(report.authors[:-1]), *report.authors[-1:]]))
    title = "Compte rendu de séance" if report.follow_up else "Compte rendu"
    css = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    foot = f"@page {{ @bottom-left {{ content: {_css_text(who)}; }} }}"
    return f"""<!DOCTYPE html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}{f" · {escape(who)}" if who else ""}</title>
<style>
{css}{foot}
</style>
</head>
<body>
<header>
<h1>{title} · Réseaux convolutionnels</h1>
<span>{escape(report.date)}</span>
<p class="authors">{escape(who) or 'Nom : <span class="blank"></span>'}</p>
</header>
{_progress(report.notebooks)}
{_missing(report.entries)}
{body}
</body>
</html>
"""


def _css_text(text: str) -> str:
    """A string of CSS, whatever its characters."""
    return '"' + "".join(f"\\{ord(sign):06x}" for sign in text) + '"'


def _progress(notebooks: list[Notebook]) -> str:
    rows = []
    for notebook in notebooks:
        done = sum(not entry.empty for entry in notebook.entries)
        verdicts = [verdict for entry in notebook.entries for verdict in entry.verdicts]
        counts = {kind: verdicts.count(kind) for kind in COUNTS}
        checks = ", ".join(f"{n} {COUNTS[kind][n > 1]}" for kind, n in counts.items() if n)
        rows.append(
            f"<tr><td>{escape(notebook.number)} · {escape(notebook.title)}</td>"
            f"<td>{done} sur {len(notebook.entries)}</td><td>{checks}</td></tr>"
        )
    head = "<tr><th>Notebook</th><th>Réponses</th><th>Vérifications</th></tr>"
    return f'<table class="progress">\n{head}\n' + "\n".join(rows) + "\n</table>"


def _missing(entries: list[Entry]) -> str:
    lines = []
    for title, group in unanswered(entries).items():
        names = [entry.name for entry in group if entry.number]
        others = len(group) - len(names)
        names += [f"{others} sans numéro"] if others else []
        lines.append(f'<p class="missing">{title.capitalize()} : {escape(", ".join(names))}.</p>')
    return "\n".join(lines)


def _section(title: str, pieces: list[Piece], kind: str = "") -> str:
    if not pieces:
        return ""
    body = "\n".join(piece.html for piece in pieces)
    columns = f'<div class="columns">\n{body}\n</div>'
    return f'<section class="{kind}">\n<h2>{title}</h2>\n{columns}\n</section>'


def _remarks(notebook: Notebook) -> Piece:
    pieces = [_text(text) for text in notebook.remarks]
    return _join(f"<h3>{escape(notebook.number)} · {escape(notebook.title)}</h3>", pieces)


def _article(entry: Entry, figures: bool = True, printed: bool = True) -> Piece:
    """A question; ``printed`` says whether what its experiment displayed is printed too."""
    verdict = entry.verdict
    badge = f' <span class="badge {verdict}">{LABELS[verdict]}</span>' if verdict else ""
    reference = escape(entry.reference or entry.notebook)
    star = " ★" if entry.star else ""
    heading = f"<h3>{reference}{star} · {escape(entry.title)}{badge}</h3>"
    answers = [
        _text(answer) if answer.type == "markdown" else _code(answer.source)
        for answer in entry.answers
        if answer.filled or answer.type == "code"
    ]
    shown = [_show(each) for each in entry.shown] if figures else []
    for n in set(range(len(shown))) - (_printed(entry.shown) if printed else set()):
        shown[n] = Piece(f'<div class="screen">{shown[n].html}</div>')
    return _join(heading, answers + shown)


def _printed(everything: list[Shown]) -> set[int]:
    """Which things shown are printed: the last figures, tables and epochs; failing these, text."""
    kinds = [shown.kind for shown in everything]
    by_kind = {kind: [n for n, each in enumerate(kinds) if each == kind] for kind in set(kinds)}
    tables = by_kind.get("table", []) + by_kind.get("record", [])
    return set(by_kind.get("figure", [])[-PRINTED_FIGURES:] + tables or by_kind.get("text", []))


def _join(heading: str, pieces: list[Piece]) -> Piece:
    body = "\n".join(piece.html for piece in pieces)
    height = HEADING + sum(piece.height for piece in pieces)
    return Piece(f"<article>\n{heading}\n{body}\n</article>", height)


def _has_text(entry: Entry) -> bool:
    return any(answer.type == "markdown" for answer in entry.answers)


def _text(text: Text) -> Piece:
    html = to_html(text.source, text.attachments)
    lines = [re.sub(r"\$[^$]*\$", "formule", line) for line in text.source.splitlines()]
    # Markdown joins the lines of a paragraph; a blank line or a list item begins another.
    blocks = re.split(r"\n\s*(?=\n|[-*+] |\d+\. |\|)", "\n".join(lines))
    height = sum(
        ceil(len(block.strip()) / TEXT_CHARACTERS) * TEXT_LINE for block in blocks if block.strip()
    )
    return Piece(html, height + 1.2 + sum(map(_figure_height, _images(html))))


def _code(source: str, kind: str = "", most: int = CODE_LINES) -> Piece:
    """Code or plain text; beyond a few lines, folded."""
    lines = re.sub(r"\n\s*\n\s*\n", "\n\n", source).splitlines()
    kept = lines if len(lines) <= most + 2 else lines[:most]
    html = f'<pre class="{kind}">{escape(chr(10).join(kept))}</pre>'
    height = 4 + CODE_LINE * sum(ceil(max(len(line), 1) / CODE_CHARACTERS) for line in kept)
    if len(kept) < len(lines):
        rest = f'<pre class="{kind}">{escape(chr(10).join(lines[len(kept) :]))}</pre>'
        summary = f"et {len(lines) - len(kept)} lignes de plus"
        html += f"\n<details><summary>{summary}</summary>{rest}</details>"
        height += TEXT_LINE
    return Piece(html, height)


def _show(shown: Shown) -> Piece:
    if shown.kind in ("text", "record"):
        most = RECORD_LINES if shown.kind == "record" else CODE_LINES
        return _code(shown.content, "output", most)
    if shown.kind == "table":
        rows = shown.content.strip().count("\n")
        return Piece(f'<div class="shown">{to_html(shown.content)}</div>', 3 + 4 * rows)
    html = picture(shown.content) or "<em>[figure illisible]</em>"
    return Piece(f"<figure>{html}</figure>", 2 + sum(map(_figure_height, _images(html))))


def _images(html: str) -> list[tuple[int, int]]:
    found = re.findall(r'<img src="data:[^"]+" width="(\d+)" height="(\d+)"', html)
    return [(int(width), int(height)) for width, height in found]


def _figure_height(size: tuple[int, int]) -> float:
    width, height = size
    return min(TALLEST_FIGURE, height * min(PIXEL, COLUMN_WIDTH / width))


def _count_pages(report: "Report", pieces: list[Piece]) -> float:
    top = 25 + 6 * len(report.notebooks)
    columns = sum(piece.height for piece in pieces)
    return GAPS * (top + columns / 2) / PAGE_HEIGHT


def _note(pages: float, follow_up: bool, left_out: bool, heights: dict[str, float]) -> str:
    """The length in a sentence; too long, with advice on what to shorten."""
    count, most = max(1, ceil(pages)), MOST_PAGES[follow_up]
    limit = "le sujet demande quelques lignes" if follow_up else f"limite : {most}"
    note = f"environ {count} page{'s' if count > 1 else ''} à l'impression ({limit})"
    if left_out:
        note += " ; les questions sans numéro ne s'impriment pas, faute de place"
    if pages <= most:
        return f"{note}."
    longest = sorted(heights, key=heights.get, reverse=True)[:3]
    return (
        f"{note}. C'est trop : allez à l'essentiel, d'abord dans les réponses les plus longues, "
        f"{', '.join(longest)}."
    )
