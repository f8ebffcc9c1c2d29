"""What the pages of a grading share.

Names, answers, messages, pictures: whatever a student wrote is hostile, and reaches a page only
through the filters and the macros of this file. Each page forbids all scripts but its own.
"""

import re
from datetime import date
from functools import partial
from pathlib import Path

from markupsafe import Markup

from tp_cnn.authoring.pages import pictures as notebook_pictures
from tp_cnn.authoring.pages import render
from tp_cnn.authoring.pages.markdown import to_html
from tp_cnn.grading.model import STATUS, GradedQuestion

LONGEST_NAME = 60  # characters; longer names are cut
LONGEST_TEXT = 10_000  # characters; longer texts are cut: hostile Markdown takes a second then
FOLDED_FROM = 4_000, 60  # characters, lines: longer texts are folded
MOST_PICTURES = 12  # for one answer

ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # titles and links of a terminal
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b[ -/]*[0-~]"
)
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # direction overrides, no width
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"  # no text: UTF-8 refuses some
)
MARKS_ABOVE = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
PILE = re.compile(f"([{MARKS_ABOVE}]{{4}})[{MARKS_ABOVE}]+")  # accents that would hide other lines
FOLDERS = re.compile(
    r"""(?<=["'])/(?:[^"'\n/]+/)+"""  # between quotes, spaces allowed
    r"""|(?<![\w.:/…])(?:file://)?/(?:[^\s/:"'<>(){}\[\],;]+/)+"""
    r"""|\b[A-Za-z]:[\\/]{1,2}(?:[^\s\\/:"'<>]+[\\/]{1,2})*"""
)


def clean(text: str) -> str:
    """``text`` without what moves, hides or reorders characters, terminal colours included."""
    text = ESCAPE_SEQUENCE.sub("", str(text)).replace("\r\n", "\n")
    text = re.sub("[\r\u2028\u2029\x0c]", "\n", text)
    return PILE.sub(r"\1", UNSEEN.sub("", text))


def line(text: str, longest: int = 300) -> str:
    """``text`` on one line, at most ``longest`` characters, not escaped yet."""
    words = " ".join(clean(text[: 20 * longest]).split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def without_folders(text: str) -> str:
    """``text`` with "…/" for the folders of each path: a machine's are nobody's business."""
    return FOLDERS.sub("…/", clean(text))


def number(value: float) -> str:
    """``2``, ``0,5``, ``12,67``."""
    return f"{round(value, 2):g}".replace(".", ",")


def count(value: int, one: str, many: str | None = None) -> str:
    """``1 réponse``, ``3 réponses``."""
    return f"{value} {one if value < 2 else many or one + 's'}"


def day(text: str) -> str:
    """``31/01/2026`` for an ISO date; any other text stays."""
    try:
        return date.fromisoformat(text).strftime("%d/%m/%Y")
    except ValueError:
        return line(text)


def titled(question: GradedQuestion) -> str:
    """``Q14 ★ Apprendre ou tester``, the title alone where there is nothing else."""
    return f"{label(question)} {question.title}".strip()


def label(question: GradedQuestion) -> str:
    """``Q14 ★``, ``bonus``, or "" for a question that is only named by its title."""
    parts = [f"Q{question.number}" if question.number else ""]
    parts += ["★" if question.star else "", "bonus" if question.bonus else ""]
    return " ".join(filter(None, parts))


def _as_html(text: str) -> Markup:
    """A student's Markdown, already clean and short; formulas stay as text."""
    try:
        return to_html(text, plain=True)
    except Exception:  # a parser's own limits: nested too deep, for example
        return Markup("<pre>{}</pre>").format(text)


environment = render.environment(Path(__file__).parent / "templates")
environment.filters.update(
    as_html=_as_html,
    clean=clean,
    counted=count,
    day=day,
    label=label,
    line=line,
    number=number,
    picture=notebook_pictures.read,
    titled=titled,
    without_folders=without_folders,
)
environment.globals.update(
    STATUS=STATUS,
    LONGEST_NAME=LONGEST_NAME,
    LONGEST_TEXT=LONGEST_TEXT,
    FOLDED_FROM=FOLDED_FROM,
    MOST_PICTURES=MOST_PICTURES,
)
page = partial(render.render, environment, styles=["page.css", "grading.css"])
