"""What a student wrote or displayed, as HTML that is safe to open and needs no network.

Only known tags and attributes of the student's text remain, as bleach cleans it. Formulas and
pictures, which this module makes itself, are put in their places afterwards.
"""

import base64
import io
import re
from html import escape, unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import bleach
from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

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
WIDEST = 1000  # pixels: 300 dots an inch in a column of the printed page
LARGE_PNG = 100_000  # bytes; above, a photograph is smaller as JPEG
SLOT = "\ue000{}\ue001"  # characters for private use: no student types them


def to_html(markdown: str, attachments: dict | None = None) -> str:
    """Markdown, with formulas and the pictures pasted into the cell, as clean HTML."""
    renderer = _Renderer(attachments or {})
    text = re.sub("[\ue000\ue001]", "", markdown)
    html = MarkdownWithMath(renderer).render(text)
    clean = bleach.clean(html, TAGS, _is_kept, ["http", "https", "mailto"], strip=True)
    return re.sub(SLOT.format(r"(\d+)"), lambda slot: renderer.pieces[int(slot[1])], clean)


def _is_kept(tag: str, attribute: str, value: str) -> bool:
    """Whether an attribute stays; none may hold a slot, where only text has its place."""
    return attribute in ATTRIBUTES.get(tag, ()) and SLOT[0] not in value


class _Renderer(IPythonRenderer):
    """Leaves a slot for each formula and picture, and keeps what stands there in ``pieces``."""

    def __init__(self, attachments: dict):
        super().__init__(escape=False, allow_harmful_protocols=False)
        self.pasted = attachments
        self.pieces: list[str] = []

    def slot(self, piece: str) -> str:
        self.pieces.append(piece)
        return SLOT.format(len(self.pieces) - 1)

    def inline_math(self, body: str) -> str:
        return self.slot(formula(body))

    def block_math(self, body: str) -> str:
        return self.slot(formula(body, display="block"))

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def image(self, text: str, url: str, title: str | None = None) -> str:
        bundle = self.pasted.get(unquote(url.removeprefix("attachment:")), {})
        encoded = bundle.get("image/png") or bundle.get("image/jpeg")
        drawn = picture(encoded) if encoded else ""
        missing = f"[image absente du notebook : {escape(url[:60])} ; collez-la dans la cellule]"
        return self.slot(drawn or f"<em>{missing}</em>")

    def heading(self, text: str, level: int, **attributes) -> str:
        return f"<p><strong>{text}</strong></p>\n"  # the page has its own outline

    def block_code(self, code: str, info: str | None = None) -> str:
        return HTMLRenderer.block_code(self, code, None)


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


def picture(encoded: str) -> str:
    """An image, given in base64, as an element that holds it; "" if it cannot be read."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    except Exception:  # Pillow has many ways to refuse what is no image
        return ""
    if image.width > WIDEST:
        image = image.resize((WIDEST, max(1, round(image.height * WIDEST / image.width))))
    white = Image.new("RGBA", image.size, "white")  # figures may have no background
    image = Image.alpha_composite(white, image).convert("RGB")
    kind, content = "png", _compress(image, "PNG", optimize=True)
    if len(content) > LARGE_PNG:
        kind, content = "jpeg", _compress(image, "JPEG", quality=85)
    address = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return f'<img src="{address}" width="{image.width}" height="{image.height}" alt="">'


def _compress(image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
