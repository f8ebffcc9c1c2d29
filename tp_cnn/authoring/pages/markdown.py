"""Markdown that anybody may have written, as HTML that is safe to open and needs no network.

Only known tags and attributes remain, as bleach cleans them. Formulas and pictures, which this
package makes itself, are put in their places afterwards.
"""

import re
from html import unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import bleach
from markupsafe import Markup, escape
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from tp_cnn.authoring.pages import pictures

TAGS = (
    {"a", "b", "blockquote", "br", "code", "del", "div", "em", "hr", "i", "p", "pre", "s", "span"}
    | {"strong", "sub", "sup", "u", "li", "ol", "ul", "dd", "dl", "dt"}
    | {"table", "tbody", "td", "th", "thead", "tr"}
)
ATTRIBUTES = {"a": ["href"], "td": ["colspan", "rowspan"], "th": ["colspan", "rowspan"]}
MATH_TAGS = (
    {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle"}
    | {"msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"}
    | {"mpadded", "mphantom", "menclose"}
)
MATH_ATTRIBUTES = (
    {"display", "displaystyle", "mathvariant", "stretchy", "fence", "form", "lspace", "rspace"}
    | {"linethickness", "columnalign", "rowspacing", "columnspacing", "accent", "accentunder"}
    | {"movablelimits", "minsize", "maxsize", "width", "notation"}
)
LONGEST_FORMULA = 2000  # characters
IMAGE = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*["']?([^"'\s>]+)[^>]*>""", re.IGNORECASE)
SLOT = "\ue000{}\ue001"  # characters for private use: no student types them


def to_html(markdown: str, pasted: dict | None = None, plain: bool = False) -> Markup:
    """Markdown as clean HTML.

    Args:
        pasted: the pictures pasted into the cell, its attachments.
        plain: HTML and formulas stay the text that they are; pictures, shown apart, are named.
    """
    renderer = _Renderer(pasted or {}, plain)
    text = re.sub("[\ue000\ue001]", "", markdown)
    html = MarkdownWithMath(renderer).render(text)
    clean = bleach.clean(html, TAGS, _is_kept, ["http", "https", "mailto"], strip=True)
    return Markup(re.sub(SLOT.format(r"(\d+)"), lambda slot: renderer.pieces[int(slot[1])], clean))


def _is_kept(tag: str, attribute: str, value: str) -> bool:
    """Whether an attribute stays; none may hold a slot, where only text has its place."""
    if tag == "a" and not value.startswith(("http://", "https://", "mailto:")):
        return False  # a link of the page that holds the text leads to what is not the student's
    return attribute in ATTRIBUTES.get(tag, ()) and SLOT[0] not in value


class _Renderer(IPythonRenderer):
    """Leaves a slot for each formula and picture, and keeps what stands there in ``pieces``."""

    def __init__(self, pasted: dict, plain: bool):
        super().__init__(escape=plain, allow_harmful_protocols=False)
        self.pasted, self.plain = pasted, plain
        self.pieces: list[str] = []

    def slot(self, piece: str) -> str:
        self.pieces.append(piece)
        return SLOT.format(len(self.pieces) - 1)

    def inline_math(self, body: str) -> str:
        return super().inline_math(body) if self.plain else self.slot(formula(body))

    def block_math(self, body: str) -> str:
        return super().block_math(body) if self.plain else self.slot(formula(body, "block"))

    def latex_environment(self, name: str, body: str) -> str:
        if self.plain:
            return super().latex_environment(name, body)
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if self.plain:
            return "<em>[image]</em>"
        bundle = self.pasted.get(unquote(url.removeprefix("attachment:")), {})
        drawn = pictures.element(bundle.get("image/png") or bundle.get("image/jpeg"))
        missing = f"[image absente du notebook : {escape(url[:60])} ; collez-la dans la cellule]"
        return self.slot(drawn or f"<em>{missing}</em>")

    def inline_html(self, html: str) -> str:
        return super().inline_html(self._with_images(html))

    def block_html(self, html: str) -> str:
        return super().block_html(self._with_images(html))

    def _with_images(self, html: str) -> str:
        """A picture is one too where it was written as HTML, to give it a size."""
        return html if self.plain else IMAGE.sub(lambda found: self.image("", found[1]), html)

    def heading(self, text: str, level: int, **attributes) -> str:
        return f"<p><strong>{text}</strong></p>\n"  # the page has its own outline

    def block_code(self, code: str, info: str | None = None) -> str:
        return super().block_code(code)  # no colours


def formula(latex: str, display: str = "inline") -> str:
    """A formula as MathML; as its LaTeX source if it is not understood."""
    from latex2mathml import converter

    source = f"${latex.strip()}$"
    if len(latex) > LONGEST_FORMULA:
        return f"<code>{escape(source)}</code>"
    try:
        known = latex.strip().replace("{aligned}", "{align*}")  # the library knows one of the two
        known = re.sub(r"(\\(?:log|ln|exp|max|min))\s", r"\1\\, ", known)  # or « log10 »
        element = converter.convert_to_element(known, display=display)
        safe = all(node.tag in MATH_TAGS for node in element.iter())
    except Exception:  # an unknown or unfinished command
        safe = False
    if not safe:
        return f"<code>{escape(source)}</code>"
    for node in element.iter():
        node.text = unescape(node.text or "")  # the library writes signs as numbers
        for name in set(node.attrib) - MATH_ATTRIBUTES:
            del node.attrib[name]
    return ElementTree.tostring(element, encoding="unicode")
