"""Pages of HTML: a template, style sheets, and at most one script, our own; nothing is loaded."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent
POLICY = b"default-src 'none'; img-src data:; base-uri 'none'"  # at the head of each of our pages


def environment(folder: Path = HERE) -> Environment:
    """The templates of ``folder``, and those here; whatever they show is escaped."""
    made = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["fingerprint"] = _fingerprint
    return made


def render(
    made: Environment,
    template: str,
    styles: Sequence[str],
    script: str = "",
    more_style: str = "",
    **values: object,
) -> str:
    """A whole page, which extends ``base.html.j2``.

    Args:
        styles, script: names of files beside the templates.
        more_style: CSS that only this page has.
    """
    css = "".join(_text(made, name) for name in styles) + more_style
    js = _text(made, script) if script else ""
    page = made.get_template(template)
    return page.render(css=Markup(css), js=Markup(js), **values)


def may_replace(path: Path) -> bool:
    """Whether nothing is lost by writing a page there: no file, an empty one, or a page of ours."""
    if not path.exists():
        return True
    with path.open("rb") as file:
        start = file.read(1000)
    return not start or POLICY in start


def _text(made: Environment, name: str) -> str:
    return made.loader.get_source(made, name)[0]


def _fingerprint(text: str) -> str:
    """What the policy of a page allows: this text and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
