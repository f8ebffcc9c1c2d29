"""The cells of a text source and the markers after ``# %%``: what may stand where."""

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

from tp_cnn.errors import CourseError

KINDS = ("code", "calcul", "experience", "reponse")
OPTIONS = {  # marker -> what may stand beside it
    "question": {"number", "kind", "star", "bonus"},
    "hint": set(),
    "answer": {"points"},
    "test": {"points"},
    "parameters": {"grading"},
}
TYPES = {"question": "markdown", "hint": "markdown", "test": "code", "parameters": "code"}
JUPYTEXT_OWN = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker"}


@dataclass
class Cell:
    """One cell of a source; ``id`` is its identifier, and its grade id, in the built notebooks."""

    where: str  # "solutions/03_lenet_mnist.py:42", for messages
    type: str  # "markdown" or "code"
    text: str
    role: str = ""  # a key of OPTIONS, or "" for a cell without marker
    name: str = ""  # the marker's value
    options: dict = field(default_factory=dict)
    id: str = ""

    @property
    def region(self) -> str | None:
        """The name of the region that this cell may hide from students."""
        if self.role == "answer":
            return "SOLUTION" if self.type == "code" else "MARK SCHEME"
        return "HIDDEN TESTS" if self.role == "test" else None

    @property
    def points(self) -> float:
        return self.options.get("points", 0)


def read_cells(path: Path) -> list[Cell]:
    """Read the cells of a source.

    Raises:
        CourseError: jupytext is missing, or a marker is unknown, misplaced or incomplete.
    """
    try:
        import jupytext
    except ImportError:
        raise CourseError(
            "reading a text source needs jupytext: pip install -r requirements-dev.txt"
        ) from None
    text = path.read_text(encoding="utf-8")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"# %%(\s|$)", line)]
    notebook = jupytext.reads(text, fmt="py:percent")
    file = f"{path.parent.name}/{path.name}"
    if len(lines) != len(notebook.cells):
        raise CourseError(
            f"{file}: {len(notebook.cells)} cells for {len(lines)} lines '# %%'; "
            "begin each cell, the first one too, with '# %%'"
        )
    return [
        _read_cell(f"{file}:{line}", cell) for line, cell in zip(lines, notebook.cells, strict=True)
    ]


def _read_cell(where: str, raw) -> Cell:
    metadata = {key: value for key, value in raw.metadata.items() if key not in JUPYTEXT_OWN}
    roles = [key for key in metadata if key in OPTIONS]
    if len(roles) > 1:
        raise CourseError(f"{where}: markers {roles} on one cell; keep one of them")
    role = roles[0] if roles else ""
    name = metadata.pop(role, "")
    for key in metadata:
        if key not in OPTIONS.get(role, ()):
            allowed = sorted(OPTIONS.get(role) or OPTIONS)
            close = difflib.get_close_matches(key, allowed, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"expected one of {allowed}"
            raise CourseError(f"{where}: unknown marker {key!r} on this cell; {hint}")
    cell = Cell(where, raw.cell_type, raw.source, role, name, metadata)
    if cell.type != TYPES.get(role, cell.type) or cell.type == "raw":
        expected = TYPES.get(role, "markdown or code")
        raise CourseError(f"{where}: a {role or 'plain'} cell is {expected}, not {cell.type}")
    _check_options(cell)
    return cell


def _check_options(cell: Cell) -> None:
    if cell.role not in ("", "parameters") and not (cell.name and isinstance(cell.name, str)):
        raise CourseError(f'{cell.where}: write {cell.role}="identifier", got {cell.name!r}')
    for key in ("star", "bonus"):
        if not isinstance(cell.options.get(key, False), bool):
            raise CourseError(f"{cell.where}: {key}={cell.options[key]!r}, expected true or false")
    grading = cell.options.get("grading", "")
    if not isinstance(grading, str) or not all(
        re.fullmatch(r"\w+=\S+", p) for p in grading.split()
    ):
        raise CourseError(
            f'{cell.where}: grading={grading!r}, expected parameters such as "epochs=1 images=200"'
        )
    if cell.role == "question" and cell.options.get("kind") not in KINDS:
        raise CourseError(
            f"{cell.where}: question {cell.name!r} has kind {cell.options.get('kind')!r}, "
            f"expected one of {', '.join(KINDS)}"
        )
    if cell.role == "answer" and cell.type == "code":
        if "points" in cell.options:
            raise CourseError(f"{cell.where}: the points of {cell.name!r} belong to its test cell")
    elif cell.role in ("answer", "test"):
        points = cell.options.get("points")
        if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
            raise CourseError(
                f"{cell.where}: {cell.role} {cell.name!r} has points={points!r}; "
                "write a positive number, such as points=2"
            )
