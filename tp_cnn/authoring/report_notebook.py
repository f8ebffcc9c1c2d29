"""Reads one notebook as a student saved it: its questions, answers, verdicts and experiments.

The statements say each question's number, title, kind and star; the outputs that were saved say
what the checks answered. The course's own notebook only tells what a student added, where an editor
changed or dropped the identifiers.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tp_cnn import display
from tp_cnn.authoring import saved, start
from tp_cnn.authoring.blanks import TEXT_PLACEHOLDER
from tp_cnn.authoring.editions import KIND_LABELS
from tp_cnn.authoring.parsing import only_says, parse
from tp_cnn.authoring.saved import SavedCell
from tp_cnn.errors import CourseError
from tp_cnn.training.history import HEADER

HEADING = re.compile(r"#+ +Question(?: (?P<number>\w+))?(?P<star> ★)? · (?P<title>.+)")
TITLE = re.compile(r"# +(\d\d)\. +(.+)")
GIVEN = re.compile(r"[0-9a-f]{12}-\d+|installation|[\w-]+-(?:indice-\d|enonce|test)")  # names
WORST_FIRST = ("wrong", "todo", "unknown", "right")  # verdicts; "unknown": not executed
REMARKS_HEADING = "Votre compte rendu"  # the student's own words stand below it
IS_REMARKS = re.compile(rf"#+ {REMARKS_HEADING}")
REMARKS_PLACEHOLDER = "*Votre bilan ici.*"


@dataclass
class Text:
    """What the student wrote in one cell."""

    type: str  # "markdown" or "code"
    source: str
    filled: bool = True
    attachments: dict = field(default_factory=dict)  # pictures pasted into the cell


@dataclass
class Shown:
    """Something that a cell displayed: a figure (base64), a table (Markdown), epochs or text."""

    kind: str  # "figure", "table", "record" or "text"
    content: str


@dataclass
class ReportEntry:
    """A question and what the student made of it."""

    notebook: str  # "03"
    id: str
    number: str | None
    kind: str
    star: bool
    title: str
    answers: list[Text] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)  # of its checks, among WORST_FIRST
    shown: list[Shown] = field(default_factory=list)  # what its experiment displayed
    reference: str = ""  # "Q13", or "Q12.2" for the second question of number 12

    @property
    def empty(self) -> bool:
        """Whether nothing is filled; a cell of several blanks counts once a check says of one."""
        judged = "right" in self.verdicts or "wrong" in self.verdicts
        return not judged and not any(answer.filled for answer in self.answers)

    @property
    def complete(self) -> bool:
        return bool(self.answers) and all(answer.filled for answer in self.answers)

    @property
    def verdict(self) -> str:
        """What the worst of its checks said; "" without a check."""
        return next((each for each in WORST_FIRST if each in self.verdicts), "")

    @property
    def name(self) -> str:
        """How a list names the question: « Q14 ★ », « 03 « Lire des filtres » »."""
        star = " ★" if self.star else ""
        return f"{self.reference}{star}" if self.number else f"{self.notebook} « {self.title} »"


@dataclass
class Notebook:
    """A student's notebook, read."""

    path: Path
    number: str  # "03"
    title: str
    entries: list[ReportEntry]
    executed: bool
    remarks: list[Text]  # what the student wrote under « Votre compte rendu »


@dataclass
class Report:
    """All that the page shows."""

    notebooks: list[Notebook]
    authors: list[str]
    date: str
    follow_up: bool

    @property
    def entries(self) -> list[ReportEntry]:
        """The questions that this edition asks for: the sheet's in its order, then the others."""
        found = [entry for notebook in self.notebooks for entry in notebook.entries]
        found.sort(key=_place)  # stable: the others stay in the order of the course
        return [entry for entry in found if entry.star] if self.follow_up else found


def _place(entry: ReportEntry) -> tuple[bool, int, str]:
    digits = re.match(r"\d*", entry.number or "")[0]
    return not entry.number, int(digits or 0), entry.number or ""


def read_notebook(path: Path) -> Notebook:
    """Read a student's notebook.

    Raises:
        CourseError: the file is no notebook, or holds no question of the course.
    """
    if not path.is_file():
        what = "est un dossier" if path.is_dir() else "n'existe pas"
        raise CourseError(f"{path} {what} : donnez un ou plusieurs notebooks (.ipynb)")
    try:
        cells = saved.read(path.read_bytes()).cells
    except saved.NotANotebook as error:
        raise CourseError(
            f"{path} n'est pas un notebook lisible ({error}) : rouvrez-le dans Jupyter, "
            "enregistrez-le, puis recommencez"
        ) from None
    title = next(filter(None, (TITLE.match(cell.source) for cell in cells)), None)
    number = title[1] if title else path.stem[:2]
    course = _course_cells(number)
    notebook = Notebook(
        path=path,
        number=number,
        title=title[2] if title else path.stem,
        entries=_entries(cells, number, course),
        executed=any(cell.executed for cell in cells),
        remarks=_remarks(cells, course),
    )
    if not notebook.entries:
        raise CourseError(
            f"{path} n'est pas un notebook de ce cours : aucune question n'y est reconnue ; "
            "attendu : par exemple 03_lenet_mnist.ipynb, avec vos réponses"
        )
    return notebook


def unanswered(entries: list[ReportEntry]) -> dict[str, list[ReportEntry]]:
    """The questions without answer and those that are not finished, where there are any."""
    groups = {
        "sans réponse": [entry for entry in entries if entry.empty],
        "inachevées": [entry for entry in entries if not entry.empty and not entry.complete],
    }
    return {title: group for title, group in groups.items() if group}


def _entries(cells: list[SavedCell], notebook: str, course: dict[str, str]) -> list[ReportEntry]:
    """The questions, each with the answers and checks below its statement.

    A text in a cell that the student added is a part of the answer; so is code, where nothing else
    answers.
    """
    entries: list[ReportEntry] = []
    own, own_code = _own_cells(cells, course), {}
    of_exercises = set()  # cells between the statement of an exercise and its answer
    about = {answer.index: them for answer, them in saved.written_answers(_with_roles(cells))}
    for cell in cells:
        name = cell.name if cell.role else course.get(cell.source.strip(), cell.name)
        heading = HEADING.match(cell.source) if name.endswith("-enonce") else None
        if heading:
            entries.append(_open_entry(name, heading, cell.source, notebook))
        elif not entries:
            continue
        elif cell.role == "answer":
            entries[-1].answers.append(_answer(cell))
            if cell.index in about and entries[-1].kind == "experience":
                given = [one for one in about[cell.index] if not one.role]
                them = [one for one in given if one.index not in of_exercises]
                entries[-1].shown += [shown for one in them for shown in _shown(one)]
        elif cell.role == "test":
            entries[-1].verdicts.append(_verdict(cell))
        elif cell.index in own and cell.type == "markdown":
            entries[-1].answers.append(_answer(cell))
        else:
            if not entries[-1].answers and entries[-1].kind in ("code", "calcul"):
                of_exercises.add(cell.index)
            if cell.index in own:
                own_code.setdefault(entries[-1].id, []).append(_answer(cell))
    for entry in entries:
        if not any(answer.filled for answer in entry.answers):
            entry.answers += own_code.get(entry.id, [])
    return entries


def _own_cells(cells: list[SavedCell], course: dict[str, str]) -> set[int]:
    """The places of the cells that the student added, or that lost what made them an answer's.

    Those below « Votre compte rendu » are its remarks.
    """
    ends = (cell.index for cell in reversed(cells) if IS_REMARKS.match(cell.source))
    return {
        cell.index
        for cell in cells[: next(ends, None)]
        if not (cell.role or GIVEN.fullmatch(cell.name) or cell.source.strip() in {"", *course})
    }


def _course_cells(notebook: str) -> dict[str, str]:
    """The texts of the course's cells, as they were installed, and the names of these."""
    try:
        paths = [path for path in start.shipped() if path.stem.startswith(notebook)]
    except CourseError:
        return {}
    cells = [cell for path in paths for cell in saved.read(path.read_bytes()).cells]
    return {cell.source.strip(): cell.name for cell in cells}


def _with_roles(cells: list[SavedCell]) -> list[tuple[str, SavedCell]]:
    return [(cell.role, cell) for cell in cells]


def _open_entry(name: str, heading: re.Match, statement: str, notebook: str) -> ReportEntry:
    details = statement.split("\n")[2:3]
    kinds = [
        kind
        for kind, label in KIND_LABELS.items()
        if details and details[0].lower().startswith(f"*{label}")
    ]
    return ReportEntry(
        notebook=notebook,
        id=name.removesuffix("-enonce"),
        number=heading["number"],
        kind=kinds[0] if kinds else "reponse",
        star=bool(heading["star"]),
        title=heading["title"].strip(),
    )


def _answer(cell: SavedCell) -> Text:
    source = cell.source.strip()
    if cell.type == "markdown":
        source = source.replace(TEXT_PLACEHOLDER, "").strip()
        return Text("markdown", source, bool(source), cell.attachments)
    return Text("code", source, bool(source) and not _has_blank(source))


def _has_blank(code: str) -> bool:
    """Whether a « ... » is left to replace; in brackets, as in ``images[..., 0]``, none is."""
    tree = parse(code)
    if tree is None:
        return re.search(r"\.\.\.(?! *[,\]])", code) is not None
    indices = [node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    allowed = {id(node) for index in indices for node in ast.walk(index)}
    return any(
        isinstance(node, ast.Constant) and node.value is ... and id(node) not in allowed
        for node in ast.walk(tree)
    )


def _verdict(cell: SavedCell) -> str:
    """The worst that a cell's checks said, "unknown" if it was not executed."""
    if any(output.get("output_type") in ("error", "pyerr") for output in cell.outputs):
        return "wrong"
    found = [display.facts(output).get("status") for output in cell.outputs]
    return next((status for status in WORST_FIRST if status in found), "unknown")


def _shown(cell: SavedCell) -> Iterator[Shown]:
    for output in cell.outputs:
        if picture := saved.shown(output, "image/png", "image/jpeg"):
            yield Shown("figure", picture)
        elif table := saved.shown(output, "text/markdown"):
            yield Shown("table", table)
        elif output.get("output_type") in ("error", "pyerr"):
            yield Shown("text", f"{output.get('ename')} : {output.get('evalue')}")
        elif not display.facts(output) and output.get("name") != "stderr":
            text = saved.shown(output, "text/plain")
            lines = [
                line for line in text.rstrip().splitlines() if not line.startswith("Données :")
            ]
            if lines and not text.startswith("<"):  # such as <Figure size 640x480>
                kind = "record" if lines[0] == HEADER else "text"
                yield Shown(kind, "\n".join(lines))


def _remarks(cells: list[SavedCell], course: dict[str, str]) -> list[Text]:
    """The texts below the heading « Votre compte rendu », be it in its cell, or in one for code."""
    starts = [n for n, cell in enumerate(cells) if IS_REMARKS.match(cell.source)]
    if not starts:
        return []
    heading, *below = cells[starts[-1] :]
    guide = {line for text in course if IS_REMARKS.match(text) for line in text.split("\n")}
    own = [line for line in heading.source.split("\n") if guide and line not in guide]
    return [
        Text("markdown" if cell.type == "markdown" else "code", text, True, cell.attachments)
        for cell in [replace(heading, source="\n".join(own)), *below]
        if (cell.type != "code" or _is_text(cell.source))
        and (text := cell.source.replace(REMARKS_PLACEHOLDER, "").strip())
    ]


def _is_text(code: str) -> bool:
    """Whether a text was typed there, and not the call that writes the report, be it wrong."""
    return "from_notebook" not in code and only_says(parse(code))
