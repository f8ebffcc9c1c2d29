"""What became of the notebooks of ``tp-cnn run``: its results page, and each one as HTML."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tp_cnn.authoring.pages import pictures
from tp_cnn.authoring.pages.render import environment, render
from tp_cnn.files import atomic_write

STATUS = {
    "ok": "Réussi",
    "error": "Erreur",
    "cell-timeout": "Temps de cellule dépassé",
    "notebook-timeout": "Temps du carnet dépassé",
    "dead": "Noyau arrêté",
}
REASONS = {
    "error": "error",
    "cell-timeout": "stopped by the time limit of a cell",
    "notebook-timeout": "stopped by the time limit of a notebook",
    "dead": "the kernel died (out of memory, or ended by its own code)",
}
EDITIONS = {"solutions": "corrigés", "notebooks": "carnets des étudiants"}
THUMBNAIL = 480  # pixels, width


@dataclass
class CellFailure:
    """Why a notebook stopped, and in which cell."""

    status: str  # a key of REASONS
    cell: str = ""  # the cell's identifier; "" before the first one
    source: str = ""  # the cell's code
    message: str = ""  # the last lines of the error, where there is one

    def __str__(self) -> str:
        place = f" in cell {self.cell}" if self.cell else ""
        return "\n".join(filter(None, [REASONS[self.status] + place, self.message]))


@dataclass
class Figure:
    """A picture that a cell drew."""

    caption: str  # the heading above the cell
    cell: str  # the cell's identifier
    picture: pictures.Picture  # a small copy


@dataclass
class NotebookResult:
    """What became of one notebook."""

    name: str
    title: str
    seconds: float
    facts: dict[str, list[str]]  # what the notebook announced: "device", "data"
    figures: list[Figure] = field(default_factory=list)
    html: str | None = None  # name of the executed notebook's page, beside index.html
    failure: CellFailure | None = None

    @property
    def status(self) -> str:
        return self.failure.status if self.failure else "ok"


def figures(notebook) -> list[Figure]:
    """The pictures of an executed notebook, in order, each a thumbnail with a caption."""
    found = []
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ +(.+)", cell.source, re.MULTILINE)
            heading = headings[-1] if headings else heading
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            small = pictures.shrunk(data.get("image/png") or data.get("image/jpeg"), THUMBNAIL)
            if small:
                found.append(Figure(heading, cell.id, small))
    return found


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


def index(
    results: list[NotebookResult], planned: int, seconds: float, edition: str, profile: str
) -> str:
    """The page, complete in itself.

    ``planned`` counts the notebooks still to come too; ``seconds`` are those of the run, which may
    execute several at once.
    """
    made = environment()
    made.globals["STATUS"] = STATUS
    made.filters["duration"] = duration
    return render(
        made,
        "results.html.j2",
        ["page.css"],
        results=results,
        good=sum(result.status == "ok" for result in results),
        planned=planned,
        seconds=seconds,
        edition=EDITIONS[edition],
        profile=profile,
    )


def duration(seconds: float) -> str:
    """``12 s``, or ``3 min 05 s``, in a form that French and English readers share."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
