"""Rebuilds a submission: the assignment, with the student's answers in their places.

Only what the student wrote is taken over: blanks, texts, and cells of their own. Statements, given
code, tests, points and kernel are those of the assignment. What had to be mended is told.
"""

import copy
from dataclasses import dataclass, field, replace

from tp_cnn.authoring import saved
from tp_cnn.authoring.parsing import parse
from tp_cnn.authoring.saved import SavedCell, SavedNotebook
from tp_cnn.grading import outputs
from tp_cnn.grading.matching import Given, given_cells, match, squeezed
from tp_cnn.grading.mending import Mending
from tp_cnn.grading.names import unique
from tp_cnn.grading.suspicions import imported, suspicions

ASK = "demander de nouveau le fichier .ipynb, enregistré par Jupyter"
UNREADABLE = "images illisibles ou démesurées, laissées de côté : {}"
FEWEST_CELLS, FEWEST_ANSWERS = 0.1, 0.5  # of the assignment's: with less, it is another notebook


@dataclass
class Rebuilt:
    """What came of a submission; ``notebook`` is None if it could not be rebuilt."""

    notebook: object = None  # nbformat, without outputs, ready to execute
    repairs: list[str] = field(default_factory=list)  # in French: what was mended
    reasons: list[str] = field(default_factory=list)  # why not rebuilt, or why a person must look
    figures: dict[str, list[str]] = field(default_factory=dict)  # question -> base64 PNGs


def rebuild(assignment, content: bytes, others: dict[str, set[str]] | None = None) -> Rebuilt:
    """Put a student's answers into the assignment; never raises, whatever ``content`` is.

    Args:
        assignment: `editions.notebook(source, "assignment")`.
        content: the file that was handed in.
        others: name -> grade ids of the course's other notebooks, to recognise them.
    """
    try:
        handed = saved.read(content)
    except saved.NotANotebook as error:
        return Rebuilt(reasons=[f"{error} ; {ASK}"])
    given = given_cells(assignment)
    left = match(given, handed.cells)
    stranger = _stranger(given, handed, others or {})
    if stranger:
        return Rebuilt(reasons=[stranger])
    mended = Mending(given, handed, left)
    figures = _figures(mended)
    unreadable = sum(not picture for found in figures.values() for picture in found)
    return Rebuilt(
        notebook=_notebook(assignment, mended),
        repairs=mended.repairs + [UNREADABLE.format(unreadable)] * bool(unreadable),
        reasons=[*mended.reasons, *_suspicions(mended, given_imports(assignment))],
        figures=outputs.within(figures),
    )


def _stranger(given: list[Given], handed: SavedNotebook, others: dict[str, set[str]]) -> str:
    """Why this is another notebook, or ""."""
    title = given[0].cell.source.split("\n")[0].lstrip("# ") if given else ""
    ids = {name for cell in handed.cells for name in (cell.id, cell.grade_id)}
    known = len(ids & {one.id for one in given if one.role})
    other = max(others, key=lambda name: len(ids & others[name]), default="")
    if other and len(ids & others[other]) > known:
        return f"c'est le notebook « {other} », pas « {title} » ; demander le bon à l'étudiant"
    blanks = [one for one in given if one.role == "answer" and one.names]
    fixed = [one for one in given if one.role != "answer"]
    recognised = sum(bool(one.handed) for one in fixed) >= FEWEST_CELLS * len(fixed)
    answered = sum(bool(one.handed) for one in blanks) > FEWEST_ANSWERS * len(blanks)
    if known or recognised or answered:
        return ""
    return (
        f"ce n'est pas le notebook « {title} » : aucune de ses questions n'y est ; "
        "demander le bon à l'étudiant"
    )


def _notebook(assignment, mended: Mending):
    """The assignment with the answers, and the student's own code after the cell it followed."""
    from nbformat import v4

    notebook = copy.deepcopy(assignment)
    taken = {cell.id for cell in notebook.cells}
    cells = []
    for index, cell in [(-1, None), *enumerate(notebook.cells)]:
        if cell:
            cell.source = mended.sources.get(cell.id, cell.source)
            cells.append(cell)
        for own in mended.added.get(index, []):
            if own.type == "code":
                name = unique("ajout", taken)
                metadata = {"tp_cnn": {"added": True}}
                cells.append(v4.new_code_cell(own.source, id=name, metadata=metadata))
    notebook.cells = cells
    return notebook


def given_imports(assignment) -> dict[str, str]:
    """What the given cells import: name -> full name."""
    trees = [parse(cell.source) for cell in assignment.cells if cell.cell_type == "code"]
    return imported([tree for tree in trees if tree])


def _suspicions(mended: Mending, given: dict[str, str]) -> list[str]:
    """Which of the cells that the student wrote or edited a person must look at, and why."""
    cells = []
    for one in mended.given:
        if one.role == "answer" and mended.sources[one.id] != one.shown:
            cells.append((one.id, mended.sources[one.id], one.type))
        elif one.role == "test":
            edited = [c.source for c in one.handed if squeezed(c.source) != squeezed(one.shown)]
            cells += [(one.id, source, "code") for source in edited]
    added = [cell for cells in mended.added.values() for cell in cells if cell.type == "code"]
    cells += [("ajoutée", cell.source, "code") for cell in added]
    told = [
        f"cellule « {name} » : {what}"
        for name, source, kind in cells
        for what in suspicions(source, kind, given)
    ]
    return list(dict.fromkeys(told))


def _figures(mended: Mending) -> dict[str, list[str]]:
    """The pictures that the free-text answers of each question are about, "" for unreadable."""
    cells, questions, question = [], {}, ""
    for index, one in [(-1, None), *enumerate(mended.given)]:
        if one:
            question = one.id.removesuffix("-enonce") if one.role == "statement" else question
            questions[one.id] = question
            theirs = mended.main.get(index) if one.type == "code" or one.role == "answer" else None
            theirs = theirs or SavedCell(index, one.type, "")
            cells.append((one.role, replace(theirs, type=one.type, id=one.id, source=one.shown)))
        own = mended.added.get(index, [])
        cells += [("", replace(cell, source="")) for cell in own]  # no section begins there
    figures: dict[str, list[str]] = {}
    for answer, about in saved.written_answers(cells):
        found = [picture for cell in about for picture in outputs.pictures(cell)]
        figures.setdefault(questions[answer.id], []).extend(found)
    return figures
