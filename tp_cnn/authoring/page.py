"""The results page of ``tp-cnn run``, and the executed notebooks as HTML."""

import base64
import io
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tp_cnn.files import atomic_write

if TYPE_CHECKING:
    from tp_cnn.authoring.run import Failure, Result

STATUS = {
    "ok": "Réussi",
    "error": "Erreur",
    "cell-timeout": "Temps de cellule dépassé",
    "notebook-timeout": "Temps du carnet dépassé",
    "dead": "Noyau arrêté",
}
EDITIONS = {"solutions": "corrigés", "notebooks": "carnets des étudiants"}
THUMBNAIL = 480  # pixels, width


@dataclass
class Figure:
    """A picture that a cell drew."""

    caption: str  # the heading above the cell
    cell: str  # the cell's identifier
    address: str  # data: address of a small copy
    size: tuple[int, int]


def figures(notebook) -> list[Figure]:
    """The pictures of an executed notebook, in order, each a thumbnail with a caption."""
    found = []
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ +(.+)", cell.source, re.MULTILINE)
            heading = headings[-1] if headings else heading
            continue
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            encoded = data.get("image/png") or data.get("image/jpeg")
            if encoded:
                found.append(Figure(heading, cell.id, *_thumbnail(encoded)))
    return found


def _thumbnail(encoded: str) -> tuple[str, tuple[int, int]]:
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")  # figures may have no background
    small = Image.alpha_composite(white, image).convert("RGB")
    small.thumbnail((THUMBNAIL, 4 * THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), small.size


def export(notebook, path: Path) -> str | None:
    """Write ``notebook`` as one HTML file, its pictures inside; return the file's name.

    Formulas need the network: they are drawn by MathJax. Returns None where the export fails,
    as with some systems' own Python: the results page then does without.
    """
    from nbconvert import HTMLExporter

    try:
        exporter = HTMLExporter(language_code="fr", require_js_url="", mermaid_js_url="")
        text, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    except Exception:
        return None
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path.name


def index(results: list["Result"], planned: int, edition: str, profile: str) -> str:
    """The page, complete in itself; ``planned`` counts the notebooks still to come too."""
    good = sum(result.status == "ok" for result in results)
    seconds = sum(result.seconds for result in results)
    waiting = planned - len(results)
    summary = f"{good} réussi{'s' if good > 1 else ''} sur {planned} · {duration(seconds)}"
    summary += f" · profil {escape(profile)} · {EDITIONS[edition]}"
    summary += f" · {waiting} en attente" if waiting else ""
    rows = "\n".join(map(_row, results))
    sections = "\n".join(map(_section, results))
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carnets exécutés : {good} réussi{"s" if good > 1 else ""} sur {planned}</title>
<style>
{css}</style>
</head>
<body>
<header>
<h1>Carnets exécutés</h1>
<p>{summary}</p>
</header>
<main>
<nav aria-label="Carnets"><ul class="rows">
{rows}
</ul></nav>
{sections}
</main>
</body>
</html>
"""


def _row(result: "Result") -> str:
    return (
        f'<li><a href="#{escape(result.name)}">{escape(result.title)}</a> '
        f"{_badge(result)} <span>{duration(result.seconds)}</span></li>"
    )


def _badge(result: "Result") -> str:
    return f'<span class="badge {result.status}">{STATUS[result.status]}</span>'


def _section(result: "Result") -> str:
    facts = {"Durée": duration(result.seconds)}
    facts["Matériel"] = " ; ".join(result.facts.get("device", [])) or "non annoncé"
    facts["Données"] = " ; ".join(result.facts.get("data", [])) or "non annoncées"
    terms = "".join(
        f"<div><dt>{key}</dt><dd>{escape(text)}</dd></div>" for key, text in facts.items()
    )
    page = result.html or f"{result.name}.ipynb"
    return f"""<section id="{escape(result.name)}">
<h2>{escape(result.title)} {_badge(result)}</h2>
<dl>{terms}</dl>
<p><a href="{escape(page)}">Carnet exécuté</a></p>
{_failure(result.failure, page) if result.failure else ""}
{_gallery(result.figures, page)}
</section>"""


def _failure(failure: "Failure", page: str) -> str:
    title, source, message = STATUS[failure.status], "", ""
    if failure.cell:
        address = f"{page}#cell-id={failure.cell}"
        title += f', cellule <a href="{escape(address)}">{escape(failure.cell)}</a>'
        source = f'<pre tabindex="0" aria-label="Cellule">{escape(failure.source)}</pre>'
    if failure.message:
        message = f'<pre tabindex="0" aria-label="Message">{escape(failure.message)}</pre>'
    return f'<div class="failure">\n<h3>{title}</h3>\n{source}\n{message}\n</div>'


def _gallery(pictures: list[Figure], page: str) -> str:
    if not pictures:
        return ""
    items = []
    for number, figure in enumerate(pictures, 1):
        caption = f"Figure {number}" + (f" : {figure.caption}" if figure.caption else "")
        width, height = figure.size
        items.append(
            f'<li><a href="{escape(page)}#cell-id={escape(figure.cell)}">'
            f'<img src="{figure.address}" width="{width}" height="{height}" alt="" loading="lazy">'
            f"<span>{escape(caption)}</span></a></li>"
        )
    return '<ul class="figures">\n' + "\n".join(items) + "\n</ul>"


def duration(seconds: float) -> str:
    """``12 s``, or ``3 min 05 s``, in a form that French and English readers share."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
