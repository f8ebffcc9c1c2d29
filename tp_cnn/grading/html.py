"""What the pages of a grading share.

Names, answers, messages, pictures: whatever a student wrote is hostile, and reaches a page only
through the functions of this file. Each page forbids all scripts but its own.
"""

import base64
import hashlib
import io
import re
import struct
from contextlib import suppress
from datetime import date
from functools import cache
from html import escape
from pathlib import Path

from tp_cnn.grading.model import STATUS, Question

LONGEST_NAME = 60  # characters; longer names are cut
LONGEST_TEXT = 10_000  # characters; longer texts are cut: hostile Markdown takes a second then
FOLDED_FROM = 4_000, 60  # characters, lines: longer texts are folded
LARGEST_PICTURE = 4_000_000, 20_000_000  # bytes, pixels
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
TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "a"),
    *("ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td"),
    *("em", "strong", "b", "i", "del", "sub", "sup"),
}


def clean(text: str) -> str:
    """``text`` without what moves, hides or reorders characters, terminal colours included."""
    text = ESCAPE_SEQUENCE.sub("", str(text)).replace("\r\n", "\n")
    text = re.sub("[\r\u2028\u2029\x0c]", "\n", text)
    return PILE.sub(r"\1", UNSEEN.sub("", text))


def line(text: str, longest: int = 300) -> str:
    """``text`` on one line, at most ``longest`` characters, not escaped yet."""
    words = " ".join(clean(text[: 20 * longest]).split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def name(student: str) -> str:
    """A student's name; <bdi> keeps its writing direction from the text around."""
    return f"<bdi>{escape(line(student, LONGEST_NAME)) or '(sans nom)'}</bdi>"


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
        return escape(line(text))


def badge(status: str) -> str:
    return f'<span class="badge {status}">{STATUS[status]}</span>'


def label(question: Question) -> str:
    """``Q14 ★``, ``bonus``, or "" for a question that is only named by its title."""
    parts = [f"Q{question.number}" if question.number else ""]
    parts += ["★" if question.star else "", "bonus" if question.bonus else ""]
    return escape(" ".join(filter(None, parts)))


def items(texts: list[str]) -> str:
    """A list of messages."""
    return (
        "<ul>" + "".join(f"<li>{escape(line(text, 600))}</li>" for text in texts if text) + "</ul>"
    )


def verbatim(text: str, title: str) -> str:
    """Code, or what a test printed, as it is."""
    text, note = _cut(clean(text).strip("\n"))
    box = f'<pre tabindex="0" aria-label="{escape(title)}">{escape(text)}</pre>{note}'
    return _fold(box, text, title)


def markdown(text: str, title: str = "Réponse") -> str:
    """Markdown as HTML: no script, picture, style or form survives; formulas stay as text."""
    text, note = _cut(clean(text).strip("\n"))
    html = f"<pre>{escape(text)}</pre>"
    with suppress(Exception):  # a parser's own limits: nested too deep, for example
        html = _sanitise(_renderer().render(text))
    return _fold(f'<div class="markdown">{html}</div>{note}', text, title)


def _cut(text: str) -> tuple[str, str]:
    if len(text) <= LONGEST_TEXT:
        return text, ""
    total = f"{len(text):,}".replace(",", " ")
    return text[:LONGEST_TEXT], f'<p class="note">Texte coupé : il compte {total} caractères.</p>'


def _fold(html: str, text: str, title: str) -> str:
    characters, lines = FOLDED_FROM
    length = text.count("\n") + 1
    if len(text) <= characters and length <= lines:
        return html
    size = count(length, "ligne") if length > lines else f"{len(text)} caractères"
    return f"<details><summary>{escape(title)} ({size})</summary>{html}</details>"


@cache
def _renderer():
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """A student's Markdown: pictures are shown apart, code keeps no colours."""

        def image(self, *_, **__) -> str:
            return "<em>[image]</em>"

        def block_code(self, code: str, info: str | None = None) -> str:
            return f"<pre><code>{escape(code)}</code></pre>"

    return MarkdownWithMath(Renderer(escape=True, exclude_anchor_links=True))


def _sanitise(html: str) -> str:
    import bleach

    def is_allowed(tag: str, attribute: str, value: str) -> bool:
        return (tag, attribute) == ("a", "href") and value.startswith(("http://", "https://"))

    return bleach.clean(
        html, tags=TAGS, attributes=is_allowed, protocols=["http", "https"], strip=True
    )


def pictures(encoded: list[str]) -> str:
    """The pictures of an answer; a note stands for those that cannot be shown."""
    shown = [address for address in map(_address, encoded[:MOST_PICTURES]) if address]
    figures = "".join(
        f'<img src="{address}" alt="Figure {rank} de la réponse" loading="lazy">'
        for rank, address in enumerate(shown, 1)
    )
    lost = len(encoded) - len(shown)
    note = "image n'a pas pu être affichée", "images n'ont pas pu être affichées"
    return (f'<div class="pictures">{figures}</div>' if shown else "") + (
        f'<p class="note">{count(lost, *note)} : voir le notebook.</p>' if lost else ""
    )


def _address(encoded: str) -> str | None:
    """The data: address of a base64 PNG, or None if it is no sound picture of a sensible size."""
    from PIL import Image

    most_bytes, most_pixels = LARGEST_PICTURE
    try:
        if len(encoded) > 2 * most_bytes:
            return None
        raw = base64.b64decode("".join(encoded.split()), validate=True)
        width, height = struct.unpack(">II", raw[16:24])  # before Pillow allocates anything
        if len(raw) > most_bytes or width * height > most_pixels:
            return None
        with Image.open(io.BytesIO(raw), formats=["PNG"]) as image:
            image.verify()
    except Exception:  # Pillow stumbles in many ways on what is no picture
        return None
    return "data:image/png;base64," + base64.b64encode(raw).decode()


def page(title: str, body: str, kind: str, script: str = "") -> str:
    """A whole page; it loads nothing, and its policy lets no script run but ``script``."""
    folder = Path(__file__).parent
    sheets = [folder.parent / "authoring" / "page.css", folder / "grading.css"]
    css = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    policy = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
    policy += f"; style-src '{_fingerprint(css)}'"
    policy += f"; script-src '{_fingerprint(script)}'" if script else ""
    return f"""<!DOCTYPE html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(line(title))}</title>
<style>{css}</style>
</head>
<body class="{kind}">
{body}
{f"<script>{script}</script>" if script else ""}
</body>
</html>
"""


def _fingerprint(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
