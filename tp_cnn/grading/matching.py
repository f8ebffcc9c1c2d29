"""Which cell that a student handed in stands for which cell of the assignment.

By identifier, then by nbgrader's copy of it, then by content and place: the cells that nobody edits
(statements, tests, given code) say where the answers lie.
"""

import re
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from tp_cnn.authoring import blanks
from tp_cnn.authoring.saved import SavedCell, role

BOUND = re.compile(
    r"^(?:async +)?(?:def|class) +(\w+)|^([A-Za-z_]\w*(?: *, *[A-Za-z_]\w*)*) *(?::[^=\n]+)?=(?!=)",
    re.MULTILINE,
)
HINT = re.compile(r"<details><summary>.*?</summary>|</details>")
COMPARED = 4_000  # characters of each cell
MOST_PAIRS = 20_000  # compared in one gap
LIKE, LIKE_ANSWER = 0.6, 0.4  # likeness, from 0 to 1, from which two cells are the same
IN_PLACE = 0.3  # of any text that lies where a free-text answer is expected


@dataclass
class Given:
    """A cell of the assignment, and what was handed in for it."""

    index: int
    cell: object  # of nbformat
    role: str  # "answer", "test", "statement" or ""
    shown: str  # its text in the students' edition
    names: set[str]  # what its code binds
    handed: list[SavedCell] = field(default_factory=list)
    how: str = ""  # "id", "grade_id" or "content"

    @property
    def id(self) -> str:
        return self.cell.id

    @property
    def name(self) -> str:
        """For people: a graded cell's identifier, or the beginning of a cell without a name."""
        return self.id if self.role else f"« {self.shown.strip()[:40].splitlines()[0]}… »"

    @property
    def type(self) -> str:
        return self.cell.cell_type


def given_cells(assignment) -> list[Given]:
    """The cells of an assignment (see `editions.notebook`)."""
    cells = []
    for index, cell in enumerate(assignment.cells):
        part = role(cell.metadata.get("nbgrader", {}))
        shown = blanks.student(cell.source, "HIDDEN TESTS") if part == "test" else cell.source
        names = bound(shown) if cell.cell_type == "code" else set()
        cells.append(Given(index, cell, part, shown, names))
    return cells


def bound(code: str) -> set[str]:
    """The names that the lines without indentation bind, even if the code is no valid Python."""
    found = BOUND.findall(code)
    return {name.strip() for one, several in found for name in (one or several).split(",")}


def squeezed(text: str) -> str:
    """The text without what editors change by themselves: spaces and empty lines."""
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


def match(given: list[Given], handed: list[SavedCell]) -> list[SavedCell]:
    """Fill ``handed`` and ``how`` of each given cell; return the cells that stand for none."""
    by_id = {one.id: one for one in given}
    left = []
    for cell in handed:
        one = by_id.get(cell.id) or by_id.get(cell.grade_id)
        if one is None:
            left.append(cell)
        else:
            one.handed.append(cell)
            one.how = "id" if cell.id == one.id else one.how or "grade_id"
    left = _match_same_text(given, left)
    left = _match_in_place(given, left)
    return _match_anywhere(given, left)


def _match_same_text(given: list[Given], left: list[SavedCell]) -> list[SavedCell]:
    """Match the texts that the assignment holds once, in its order where that is possible."""
    texts: dict[tuple[str, str], list[Given]] = {}
    for one in given:
        texts.setdefault(_key(one.type, one.shown), []).append(one)
    places: dict[tuple[str, str], list[SavedCell]] = {}
    for cell in left:
        places.setdefault(_key(cell.type, cell.source), []).append(cell)
    taken, last = set(), -1
    for one in given:
        key = _key(one.type, one.shown)
        same = places.get(key, [])
        if not one.handed and same and len(texts[key]) == 1:
            cell = next((cell for cell in same if cell.index > last), same[0])
            one.handed, one.how = [cell], "content"
            taken.add(cell.index)
        last = max([last, *(cell.index for cell in one.handed)])
    return [cell for cell in left if cell.index not in taken]


def _key(kind: str, text: str) -> tuple[str, str]:
    return kind, squeezed(text[:COMPARED])


def _match_in_place(given: list[Given], left: list[SavedCell]) -> list[SavedCell]:
    """Match what remains between two matched cells, in order, so that the likeness is greatest."""
    taken: set[int] = set()
    gap: list[Given] = []
    before = -1
    for one in [*given, None]:
        if one is not None and not one.handed:
            gap.append(one)
            continue
        after = min(cell.index for cell in one.handed) if one else float("inf")
        if gap:
            inside = [c for c in left if before < c.index < after and c.index not in taken]
            for missing, cell in _align(gap, inside[: MOST_PAIRS // len(gap)]):
                missing.handed, missing.how = [cell], "content"
                taken.add(cell.index)
        gap = []
        before = max(cell.index for cell in one.handed) if one else before
    return [cell for cell in left if cell.index not in taken]


def _align(gap: list[Given], cells: list[SavedCell]) -> list[tuple[Given, SavedCell]]:
    """The pairs, in the order of both lists, whose likenesses have the greatest sum."""
    scores = [[_likeness(one, cell) for cell in cells] for one in gap]
    best = [[0.0] * (len(cells) + 1) for _ in range(len(gap) + 1)]  # of what follows
    for i in reversed(range(len(gap))):
        for j in reversed(range(len(cells))):
            pair = scores[i][j] + best[i + 1][j + 1] if scores[i][j] else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], pair)
    pairs, i, j = [], 0, 0
    while i < len(gap) and j < len(cells):
        if scores[i][j] and best[i][j] == scores[i][j] + best[i + 1][j + 1]:
            pairs.append((gap[i], cells[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    return pairs


def _match_anywhere(given: list[Given], left: list[SavedCell]) -> list[SavedCell]:
    """Match the blanks whose cell was moved away: by the names that they bind."""
    names = [(cell, bound(cell.source)) for cell in left if cell.type == "code"]
    taken = set()
    for one in given:
        if one.role != "answer" or one.handed or not one.names:
            continue
        found = [cell for cell, has in names if one.names <= has and cell.index not in taken]
        if found:
            one.handed, one.how = [found[-1]], "content"
            taken.add(found[-1].index)
    return [cell for cell in left if cell.index not in taken]


def _likeness(one: Given, cell: SavedCell) -> float:
    """From 0, another cell, to 1, the same."""
    text, other = (HINT.sub("", text[:COMPARED]) for text in (one.shown, cell.source))
    if one.role == "answer" and one.type == "markdown":
        if cell.type == "code" or re.match(r"#+ |<details>", cell.source):
            return 0.0
        return max(IN_PLACE, fuzz.ratio(text, other) / 100)
    if one.type != cell.type and one.role != "answer":
        return 0.0
    common = len(one.names & bound(other)) / max(1, len(one.names))
    threshold = LIKE_ANSWER if one.role == "answer" and (common or not one.names) else LIKE
    score = max(common, fuzz.ratio(text, other, score_cutoff=100 * threshold) / 100)
    return score if score >= threshold else 0.0
