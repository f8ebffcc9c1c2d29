"""The page of a student's report: what stands where, and how long it will be once printed.

On screen everything is there, long code folded. In print, two columns; of what the lab sheet does
not ask, exercises are left out, and where room is short the figures too, then the answers. The
length is estimated, as no browser is at hand: the tests compare it with Chromium's.
"""

import re
from dataclasses import dataclass, field, replace
from math import ceil

from markupsafe import Markup

from tp_cnn.authoring.pages import pictures
from tp_cnn.authoring.pages.markdown import to_html
from tp_cnn.authoring.pages.render import environment, render
from tp_cnn.authoring.report_notebook import Notebook, Report, ReportEntry, Shown, Text, unanswered

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
class ReportPart:
    """A part of an answer: HTML, or lines of code or text, the last ones folded."""

    html: Markup | str = ""
    lines: list[str] | None = None
    folded: list[str] = field(default_factory=list)
    kind: str = ""  # of the lines: "output" for what was displayed
    height: float = 0  # in a column of the printed page, in millimetres
    printed: bool = True


@dataclass
class Article:
    """An answer, or what the student says of a whole notebook."""

    title: str
    parts: list[ReportPart]
    verdict: str = ""

    @property
    def height(self) -> float:
        return HEADING + sum(part.height for part in self.parts if part.printed)


@dataclass
class Section:
    title: str
    articles: list[Article]
    kind: str = ""  # "screen" if it is not printed


@dataclass
class Page:
    """A finished page."""

    html: str
    pages: float  # once printed, estimated
    note: str  # its length in a sentence, with advice if it is too long


def build(report: Report) -> Page:
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
    sections = [
        Section("Réponses aux questions ★" if report.follow_up else "Réponses", answers),
        Section("Questions sans numéro", others or bare, "screen" if left_out else ""),
        Section("Exercices sans numéro", [_article(e) for e in exercises], "screen"),
    ]
    # The evening's account begins with the answers, the report with what the student says of it.
    sections.insert(len(sections) if report.follow_up else 0, Section("Bilan", remarks))
    return Page(_html(report, sections, note if pages > most else ""), pages, note)


def _html(report: Report, sections: list[Section], warning: str) -> str:
    who = " et ".join(filter(None, [", ".join(report.authors[:-1]), *report.authors[-1:]]))
    return render(
        environment(),
        "report.html.j2",
        ["report.css"],
        more_style=f"@page {{ @bottom-left {{ content: {_css_text(who)}; }} }}",
        title="Compte rendu de séance" if report.follow_up else "Compte rendu",
        who=who,
        date=report.date,
        progress=[_progress(notebook) for notebook in report.notebooks],
        missing=_missing(report.entries),
        warning=warning,
        sections=sections,
        LABELS=LABELS,
    )


def _css_text(text: str) -> str:
    """A string of CSS, whatever its characters."""
    return '"' + "".join(f"\\{ord(sign):06x}" for sign in text) + '"'


def _progress(notebook: Notebook) -> tuple[str, str, str]:
    done = sum(not entry.empty for entry in notebook.entries)
    verdicts = [verdict for entry in notebook.entries for verdict in entry.verdicts]
    counts = {kind: verdicts.count(kind) for kind in COUNTS}
    checks = ", ".join(f"{n} {COUNTS[kind][n > 1]}" for kind, n in counts.items() if n)
    return _name(notebook), f"{done} sur {len(notebook.entries)}", checks


def _name(notebook: Notebook) -> str:
    return f"{notebook.number} · {notebook.title}"


def _missing(entries: list[ReportEntry]) -> list[str]:
    lines = []
    for title, group in unanswered(entries).items():
        names = [entry.name for entry in group if entry.number]
        others = len(group) - len(names)
        names += [f"{others} sans numéro"] if others else []
        lines.append(f"{title.capitalize()} : {', '.join(names)}.")
    return lines


def _remarks(notebook: Notebook) -> Article:
    return Article(_name(notebook), [_text(text) for text in notebook.remarks])


def _article(entry: ReportEntry, figures: bool = True, printed: bool = True) -> Article:
    """A question; ``printed`` says whether what its experiment displayed is printed too."""
    star = " ★" if entry.star else ""
    answers = [_text(answer) for answer in entry.answers if answer.filled or answer.type == "code"]
    kept = _printed(entry.shown) if printed else set()
    shown = [replace(_show(each), printed=n in kept) for n, each in enumerate(entry.shown)]
    title = f"{entry.reference or entry.notebook}{star} · {entry.title}"
    return Article(title, answers + (shown if figures else []), entry.verdict)


def _printed(everything: list[Shown]) -> set[int]:
    """Which things shown are printed: the last figures, tables and epochs; failing these, text."""
    kinds = [shown.kind for shown in everything]
    by_kind = {kind: [n for n, each in enumerate(kinds) if each == kind] for kind in set(kinds)}
    tables = by_kind.get("table", []) + by_kind.get("record", [])
    return set(by_kind.get("figure", [])[-PRINTED_FIGURES:] + tables or by_kind.get("text", []))


def _has_text(entry: ReportEntry) -> bool:
    return any(answer.type == "markdown" for answer in entry.answers)


def _text(text: Text) -> ReportPart:
    if text.type == "code":
        return _lines(text.source)
    html = to_html(text.source, text.attachments)
    lines = [re.sub(r"\$[^$]*\$", "formule", line) for line in text.source.splitlines()]
    # Markdown joins the lines of a paragraph; a blank line or a list item begins another.
    blocks = re.split(r"\n\s*(?=\n|[-*+] |\d+\. |\|)", "\n".join(lines))
    height = sum(
        ceil(len(block.strip()) / TEXT_CHARACTERS) * TEXT_LINE for block in blocks if block.strip()
    )
    return ReportPart(html, height=height + 1.2 + sum(map(_figure_height, _images(html))))


def _lines(text: str, kind: str = "", most: int = CODE_LINES) -> ReportPart:
    """Code or plain text; beyond a few lines, folded."""
    lines = re.sub(r"\n\s*\n\s*\n", "\n\n", text).splitlines()
    kept = lines if len(lines) <= most + 2 else lines[:most]
    folded = lines[len(kept) :]
    height = 4 + CODE_LINE * sum(ceil(max(len(line), 1) / CODE_CHARACTERS) for line in kept)
    return ReportPart(
        lines=kept, folded=folded, kind=kind, height=height + TEXT_LINE * bool(folded)
    )


def _show(shown: Shown) -> ReportPart:
    if shown.kind in ("text", "record"):
        return _lines(
            shown.content, "output", RECORD_LINES if shown.kind == "record" else CODE_LINES
        )
    if shown.kind == "table":
        rows = shown.content.strip().count("\n")
        html = Markup('<div class="shown">{}</div>').format(to_html(shown.content))
        return ReportPart(html, height=3 + 4 * rows)
    drawn = pictures.element(shown.content) or Markup("<em>[figure illisible]</em>")
    html = Markup("<figure>{}</figure>").format(drawn)
    return ReportPart(html, height=2 + sum(map(_figure_height, _images(html))))


def _images(html: str) -> list[tuple[int, int]]:
    found = re.findall(r'<img src="data:[^"]+" width="(\d+)" height="(\d+)"', html)
    return [(int(width), int(height)) for width, height in found]


def _figure_height(size: tuple[int, int]) -> float:
    width, height = size
    return min(TALLEST_FIGURE, height * min(PIXEL, COLUMN_WIDTH / width))


def _count_pages(report: Report, articles: list[Article]) -> float:
    top = 25 + 6 * len(report.notebooks)
    columns = sum(article.height for article in articles)
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
