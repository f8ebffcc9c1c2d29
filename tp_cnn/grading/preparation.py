"""Prepares a submission for execution, in a process of its own, with limits (see `apart`)."""

import copy

from tp_cnn.grading.apart import MEMORY, BeyondLimits, apart
from tp_cnn.grading.rebuild import Rebuilt, given_imports, rebuild
from tp_cnn.grading.selection import is_added, is_solution, needed
from tp_cnn.grading.suspicions import ready_functions

SECONDS = 30  # the longest of the course takes a tenth of one
TOO_HEAVY = (
    f"notebook trop lourd à analyser (plus de {SECONDS} s ou de {MEMORY / 1e9:.1f} Go) : lire ce "
    "qu'il contient, et demander à l'étudiant un notebook ordinaire"
)
NOT_EXECUTED = "cellules personnelles dont aucune réponse ne dépend, non exécutées : {}"


def prepare(
    assignment, content: bytes, others: dict, solutions: dict[str, str]
) -> tuple[Rebuilt, object]:
    """Rebuild a submission; never raises because of what is in it.

    Args:
        solutions: the right text of each answer: an answer may use of the course what it uses.

    Returns:
        What came of it, and what is to be executed: the cells on which answers depend. None in
        place of the latter if it could not be rebuilt.

    Raises:
        OSError: no process could be started.
    """
    try:
        return apart(_prepare, (assignment, content, others, solutions), SECONDS)
    except BeyondLimits:
        return Rebuilt(reasons=[TOO_HEAVY]), None


def likeness(assignment, content: bytes, others: dict) -> int:
    """0: another notebook, or none; 1: this one, left blank; 2: this one, with answers."""
    try:
        return apart(_likeness, (assignment, content, others), SECONDS)
    except BeyondLimits:
        return 0


def _prepare(assignment, content: bytes, others: dict, solutions: dict[str, str]):
    rebuilt = rebuild(assignment, content, others)
    if rebuilt.notebook is None:
        return rebuilt, None
    prepared = copy.copy(rebuilt.notebook)
    prepared.cells = needed(rebuilt.notebook.cells)
    left = sum(map(is_added, rebuilt.notebook.cells)) - sum(map(is_added, prepared.cells))
    if left:
        rebuilt.repairs.append(NOT_EXECUTED.format(left))
    given = given_imports(assignment)
    rebuilt.reasons += [
        f"cellule « {cell.id} » : {what}"
        for cell in prepared.cells
        if is_added(cell) or is_solution(cell)
        for what in ready_functions(cell.source, solutions.get(cell.id, ""), given)
    ]
    return rebuilt, prepared


def _likeness(assignment, content: bytes, others: dict) -> int:
    rebuilt = rebuild(assignment, content, others)
    if rebuilt.notebook is None:
        return 0
    blank = {cell.id: cell.source for cell in assignment.cells}
    return 1 + any(cell.source != blank.get(cell.id) for cell in rebuilt.notebook.cells)
