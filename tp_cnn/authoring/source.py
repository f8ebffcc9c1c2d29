"""A notebook's text source, ``solutions/NN_slug.py``: its cells, markers and questions.

The format is jupytext's ``py:percent`` with short markers after ``# %%``; CONTRIBUTING.md says how
to write it. Reading a source refuses what an author may not write.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from tp_cnn.authoring import blanks
from tp_cnn.authoring.colab import add_installation
from tp_cnn.authoring.markers import Cell, read_cells
from tp_cnn.errors import CourseError


@dataclass
class Question:
    """A statement and the cells below it, up to the next statement."""

    id: str
    number: str | None
    kind: str
    star: bool
    bonus: bool
    title: str
    cells: list[Cell]  # the statement first

    @property
    def points(self) -> float:
        return sum(cell.points for cell in self.cells)


@dataclass
class Source:
    """A parsed and checked source."""

    path: Path
    number: str  # "03"
    title: str
    duration: str
    prerequisites: str
    cells: list[Cell]
    questions: list[Question]

    @property
    def name(self) -> str:
        return self.path.stem


def project_root(start: Path | None = None) -> Path:
    """The nearest folder, going up from ``start`` (the working folder), that holds a course.

    Raises:
        CourseError: no folder above has both ``solutions`` and ``pyproject.toml``.
    """
    found = find_root(start)
    if found is None:
        raise CourseError(
            f"{start or Path.cwd()}: no course here (expected a folder solutions/ beside "
            "pyproject.toml); run the command from the project's folder"
        )
    return found


def find_root(start: Path | None = None) -> Path | None:
    """As `project_root`; None without one."""
    start = (start or Path.cwd()).resolve()
    for folder in [start, *start.parents]:
        if (folder / "solutions").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    return None


def select(paths: list[Path], names: list[str] | None) -> list[Path]:
    """Keep the notebooks called ``names``: ``"03_lenet_mnist"``, or ``"03"`` for short.

    Raises:
        CourseError: a name fits none of ``paths``.
    """
    if not names:
        return paths
    known = ", ".join(path.stem for path in paths) or "none"
    chosen = []
    for name in names:
        short = Path(name).stem
        found = [path for path in paths if path.stem == short or path.stem[:2] == short.zfill(2)]
        if not found:
            raise CourseError(f"no notebook called {name!r}; known: {known}")
        chosen += [path for path in found if path not in chosen]
    return chosen


def read_sources(names: list[str] | None = None, root: Path | None = None) -> list[Source]:
    """Read the sources called ``names`` (by default all) of the course in ``root``.

    Raises:
        CourseError: a source is refused, or two notebooks have a question of the same identifier.
    """
    root = root or project_root()
    paths = sorted((root / "solutions").glob("[0-9][0-9]_*.py"))
    sources = [read_source(path) for path in select(paths, names)]
    seen = {}
    for question in (question for source in sources for question in source.questions):
        where = question.cells[0].where
        if question.id in seen:
            raise CourseError(
                f"{where}: question {question.id!r} already stands at {seen[question.id]}; "
                "give one of the two another identifier"
            )
        seen[question.id] = where
    return sources


def read_source(path: str | Path) -> Source:
    """Read and check one source.

    Raises:
        CourseError: the source is refused; the message names the file, the line and the remedy.
    """
    path = Path(path)
    cells = read_cells(path)
    questions = _group(cells)
    for cell in cells:
        blanks.check(cell.text, cell.region, cell.where)
    for question in questions:
        _check_question(question)
    _name_cells(cells)
    title = _read_title(path, cells)
    add_installation(cells)
    return Source(path, path.stem[:2], *title, cells, questions)


def _group(cells: list[Cell]) -> list[Question]:
    """Put each answer, test and hint under the question above it."""
    questions = []
    for cell in cells:
        if cell.role == "question":
            questions.append(_open_question(cell))
        elif cell.role in ("hint", "answer", "test"):
            if not questions:
                raise CourseError(
                    f"{cell.where}: {cell.role} {cell.name!r} stands before any question; "
                    'open one above it with # %% [markdown] question="…" kind="…"'
                )
            if cell.role == "hint" and cell.name != questions[-1].id:
                raise CourseError(
                    f"{cell.where}: hint for {cell.name!r} under question {questions[-1].id!r}; "
                    "move it below its question"
                )
            questions[-1].cells.append(cell)
    return questions


def _open_question(cell: Cell) -> Question:
    heading = re.match(r"#+ +(.+)", cell.text)
    if not heading or heading[1].lower().startswith("question"):
        raise CourseError(
            f"{cell.where}: question {cell.name!r} must begin with a heading, such as "
            "'### Taille de la sortie'; the word Question, the number and the ★ are added by build"
        )
    options = cell.options
    number = options.get("number")
    return Question(
        id=cell.name,
        number=None if number is None else str(number),
        kind=options["kind"],
        star=options.get("star", False),
        bonus=options.get("bonus", False),
        title=heading[1].strip(),
        cells=[cell],
    )


def _check_question(question: Question) -> None:
    where = f"{question.cells[0].where}: question {question.id!r}"
    roles = [(cell.role, cell.type) for cell in question.cells]
    hints = roles.count(("hint", "markdown"))
    if hints not in ((2,) if question.kind in ("code", "calcul") else (0, 2)):
        raise CourseError(
            f"{where} has {hints} hints; a question of kind {question.kind} takes two, "
            'each in a cell # %% [markdown] hint="' + question.id + '"'
        )
    blank, test, text = ("answer", "code"), ("test", "code"), ("answer", "markdown")
    if question.kind in ("code", "calcul") and blank not in roles:
        raise CourseError(f'{where} has no blank; add a code cell # %% answer="{question.id}"')
    if blank not in roles and text not in roles:
        raise CourseError(f"{where} has no answer cell; add one, or make it an ordinary heading")
    if blank in roles and test not in roles[roles.index(blank) :]:
        cell = question.cells[roles.index(blank)]
        raise CourseError(
            f'{cell.where}: blank {cell.name!r} has no test; add a cell # %% test="…" points=… '
            "below it"
        )


def _name_cells(cells: list[Cell]) -> None:
    """Give each cell its identifier: from its marker, or a hash of its content."""
    seen = {}
    hints = 0
    occurrences = {}
    for cell in cells:
        hints = 0 if cell.role == "question" else hints + (cell.role == "hint")
        if cell.role in ("answer", "test"):
            cell.id = cell.name
        elif cell.role == "question":
            cell.id = f"{cell.name}-enonce"
        elif cell.role == "hint":
            cell.id = f"{cell.name}-indice-{hints}"
        else:
            digest = hashlib.sha256(f"{cell.type}\n{cell.text}".encode()).hexdigest()[:12]
            occurrences[digest] = occurrences.get(digest, 0) + 1
            cell.id = f"{digest}-{occurrences[digest]}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell.id):
            raise CourseError(
                f"{cell.where}: identifier {cell.id!r}: expected at most 64 characters "
                "among letters without accents, digits, - and _"
            )
        if cell.id in seen:
            raise CourseError(
                f"{cell.where}: identifier {cell.id!r} is already taken at {seen[cell.id]}; "
                "choose another one"
            )
        seen[cell.id] = cell.where


def _read_title(path: Path, cells: list[Cell]) -> tuple[str, str, str]:
    """The title, duration and prerequisites that the first cell announces."""
    text = cells[0].text if cells and cells[0].type == "markdown" else ""
    found = [
        re.search(pattern, text, re.MULTILINE)
        for pattern in (
            rf"\A# {path.stem[:2]}\. (.+)",
            r"^\W*\*\*Durée\s*:\*\*\s*(.+)",
            r"^\W*\*\*Prérequis\s*:\*\*\s*(.+)",
        )
    ]
    if not all(found):
        raise CourseError(
            f"{path.parent.name}/{path.name}: the first cell must be markdown and hold the lines "
            f"'# {path.stem[:2]}. Titre', '**Durée :** …' and '**Prérequis :** …'"
        )
    return tuple(match[1].strip() for match in found)
