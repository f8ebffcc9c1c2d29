"""Mends a submission: which of its cells is each answer, and what had become of the others.

Each step notes what it mends; a person reads it beside the marks.
"""

import ast
import bisect
import re
from dataclasses import replace

from tp_cnn.authoring.blanks import TEXT_PLACEHOLDER
from tp_cnn.authoring.parsing import only_says
from tp_cnn.authoring.saved import SECTION, SavedCell, SavedNotebook
from tp_cnn.grading.matching import Given, bound, squeezed
from tp_cnn.grading.names import readable
from tp_cnn.grading.suspicions import parse_cell

MOST_ADDED = 300  # cells of the student's own that are kept
MOST_WRITTEN = 500_000  # characters in them
ASTRAY = "réponses rédigées vides ({}), et textes écrits ailleurs : les lire dans le notebook rendu"
MOST_NAMED = 8  # cells named in a sentence
HOW = {"content": "ids", "grade_id": "metadata"}  # how cells were matched -> what is told
REPAIRS = {  # in the order in which they are told
    "old": "ancien format de notebook (nbformat 3), converti",
    "kernel": "noyau « {} » ignoré : c'est celui du cours qui exécute",
    "ids": "identifiants changés ou effacés, cellules retrouvées par contenu et place : {}",
    "metadata": "identifiants changés ou effacés, cellules retrouvées par les métadonnées : {}",
    "grading": "métadonnées de notation modifiées, rétablies : {}",
    "order": "cellules déplacées, remises dans l'ordre : {}",
    "type": "type de cellule changé (texte ou code), rétabli : {}",
    "double": "cellules en double, dont une seule est gardée : {}",
    "versions": "réponses en plusieurs exemplaires, dont le dernier modifié est gardé : {}",
    "joined": "réponses coupées en plusieurs cellules, réunies : {}",
    "merged": "réponses fusionnées avec une cellule fournie, séparées : {}",
    "elsewhere": "réponses écrites dans une autre cellule, remises à leur place : {}",
    "deleted answer": "cellules de réponse supprimées, laissées sans réponse : {}",
    "deleted test": "cellules de test supprimées, rétablies : {}",
    "deleted": "cellules fournies supprimées, rétablies : {}",
    "edited test": "cellules de test modifiées, rétablies : {}",
    "edited statement": "énoncés modifiés, rétablis : {}",
    "edited": "cellules fournies modifiées, rétablies : {}",
    "own": "code ajouté dans une cellule fournie, gardé à part : {}",
    "text": "textes écrits dans une cellule à part, joints à la réponse : {}",
    "outside": "textes ajoutés hors des réponses, laissés de côté : {}",
}


class Mending:
    """The work on one submission whose cells are matched.

    Attributes:
        sources: answer -> what the student wrote.
        main: index of a given cell -> the one that was handed in for it.
        added: index of a given cell, or -1 -> the student's own cells that follow it.
        reasons: in French, why a person must look.
    """

    def __init__(self, given: list[Given], handed: SavedNotebook, left: list[SavedCell]):
        self.given, self.handed, self.left = given, handed, left
        self.notes: dict[str, list[str]] = {key: [] for key in REPAIRS}
        self.sources: dict[str, str] = {}
        self.main: dict[int, SavedCell] = {}
        self.added: dict[int, list[SavedCell]] = {}
        self.reasons: list[str] = []
        answers = [one for one in given if one.role == "answer"]
        for one in given:
            if one.role != "answer":
                self._given(one)
        for one in answers:
            self._answer(one)
        self._place_added()
        for one in answers:
            self._complete(one)
        self._note_the_whole()

    @property
    def repairs(self) -> list[str]:
        """In French, what was mended."""
        told = {key: names for key, names in self.notes.items() if names}
        return [text.format(_named(told[key])) for key, text in REPAIRS.items() if key in told]

    def _note(self, key: str, name: str) -> None:
        if name not in self.notes[key]:
            self.notes[key].append(name)

    def _answer(self, one: Given) -> None:
        """Choose what the student answered."""
        blank = squeezed(one.shown)
        texts: dict[str, SavedCell] = {}
        for cell in one.handed:
            if squeezed(cell.source) not in ("", blank):
                texts.setdefault(squeezed(cell.source), cell)
        edited = list(texts.values())
        self.sources[one.id] = one.shown
        if not one.handed:
            if not self._rescue(one):
                self._note("deleted answer", one.id)
            return
        if len(one.handed) > max(1, len(edited)):
            self._note("double", one.id)
        self.main[one.index] = (edited or one.handed)[-1]
        if edited:
            self.sources[one.id] = self._choose(one, edited)
        else:
            self._rescue(one)
        if self.main[one.index].type != one.type:
            self._note("type", one.id)

    def _choose(self, one: Given, edited: list[SavedCell]) -> str:
        sources = [cell.source for cell in edited]
        if len(edited) == 1:
            return self._without_test(one, sources[0])
        versions = [source for source in sources if one.names <= bound(source)]
        if one.type == "markdown" or (one.names and len(versions) < 2):
            self._note("joined", one.id)
            return ("\n\n" if one.type == "markdown" else "\n").join(sources)
        self._note("versions", one.id)
        return versions[-1]

    def _without_test(self, one: Given, source: str) -> str:
        """Take out the text of the next cell, if the two were merged."""
        after = self.given[one.index + 1 : one.index + 2]
        for test in after:
            if not test.handed and test.type == "code" and test.shown in source:
                self._note("merged", one.id)
                return source.replace(test.shown, "").strip("\n")
        return source

    def _rescue(self, one: Given) -> bool:
        """Find an answer that was written in another of the course's cells below its statement."""
        for other in self._question(one):
            for cell in other.handed if one.names and other is not one else ():
                if other.type == "code" and one.names <= bound(cell.source) - other.names:
                    self.main.setdefault(one.index, cell)
                    self.sources[one.id] = cell.source.replace(other.shown, "").strip("\n")
                    self._note("elsewhere" if other.role == "answer" else "merged", one.id)
                    return True
        return False

    def _question(self, one: Given) -> list[Given]:
        """The cells of the same question: from its statement to the next, or to a new section."""
        begins = [
            other.index
            for other in self.given
            if other.role == "statement"
            or (other.type == "markdown" and not other.role and SECTION.search(other.shown))
        ]
        place = bisect.bisect_right(begins, one.index)
        first = begins[place - 1] if place else 0
        return self.given[first : begins[place] if place < len(begins) else None]

    def _added_to_question(self, one: Given) -> list[list[SavedCell]]:
        return [self.added.get(other.index, []) for other in self._question(one)]

    def _given(self, one: Given) -> None:
        """Note what became of a cell that belongs to the course."""
        same = [cell for cell in one.handed if squeezed(cell.source) == squeezed(one.shown)]
        kept = (same or one.handed)[:1]
        key = f" {one.role}" if one.role else ""
        if not kept:
            self._note("deleted test" if one.role == "test" else "deleted", one.name)
            return
        self.main[one.index] = kept[0]
        others = [cell for cell in one.handed if cell is not kept[0]]
        if one.type == "code" and not one.role:  # a copy that was edited is an experiment
            copies = [cell for cell in others if squeezed(cell.source) != squeezed(one.shown)]
            self.left += [cell for cell in copies if cell.type == "code"]
            others = [cell for cell in others if cell not in copies]
        if others:
            self._note("double", one.name)
        if not same:
            self._note(f"edited{key}", one.name)
            self._keep_what_was_written_there(one, kept[0])

    def _keep_what_was_written_there(self, one: Given, cell: SavedCell) -> None:
        source = cell.source.strip()
        if one.type == "markdown" and source.startswith(one.shown.strip()):
            text = source.removeprefix(one.shown.strip()).strip()
            if text:
                self._add(one.index, SavedCell(cell.index, "markdown", text))
        elif one.type == "code" and not one.role:
            taken = set().union(*(other.names for other in self.given))
            known = _own_statements(one.shown, set())
            own = [text for text in _own_statements(source, taken) if text not in known]
            if own:
                self._add(one.index, SavedCell(cell.index, "code", "\n".join(own)))
                self._note("own", one.name)

    def _add(self, index: int, cell: SavedCell) -> None:
        self.added.setdefault(index, []).append(cell)

    def _place_added(self) -> None:
        """Put each cell of the student's own after the given cell that it followed."""
        places = {cell.index: index for index, cell in self.main.items()}
        known = {squeezed(one.shown): one.name for one in self.given}
        own = {cell.index: cell for cell in self.left if squeezed(cell.source)}
        anchor, count, kept, size = -1, 0, 0, 0
        for cell in self.handed.cells:
            anchor = places.get(cell.index, anchor)
            if cell.index not in own:
                continue
            if squeezed(cell.source) in known:
                self._note("double", known[squeezed(cell.source)])
                continue
            count += 1
            size += len(cell.source)
            if kept < MOST_ADDED and size <= MOST_WRITTEN:
                kept += 1
                self._add(anchor, cell)
        if count > kept:
            self.reasons.append(f"{count} cellules ajoutées, dont {kept} sont gardées")

    def _complete(self, one: Given) -> None:
        """Join to an answer what the student wrote for it in the cells around."""
        if one.type == "markdown":
            self._complete_text(one)
        elif squeezed(self.sources[one.id]) == squeezed(one.shown):
            self._fetch(one)
        else:
            following = self.added.get(one.index, [])
            if following and following[0].type == "code" and not parse_cell(self.sources[one.id]):
                joined = f"{self.sources[one.id]}\n{following[0].source}"
                if parse_cell(joined):
                    self.sources[one.id] = joined
                    del following[0]
                    self._note("joined", one.id)

    def _complete_text(self, one: Given) -> None:
        """Join the texts below; all those of the question, if there is nothing else."""
        places = [self.added.get(one.index, [])]
        if self._says_nothing(one):
            places = self._added_to_question(one)
            for cells in places:
                cells[:] = map(_as_text, cells)
        texts = [cell for cells in places for cell in cells if cell.type == "markdown"]
        if not texts:
            return
        self.sources[one.id] = "\n\n".join(
            filter(None, [self._unblanked(one), *(cell.source for cell in texts)])
        )
        self.main.setdefault(one.index, texts[0])
        self._note("text", one.id)
        self._not_deleted(one)
        for cells in places:
            cells[:] = [cell for cell in cells if cell.type != "markdown"]

    def _fetch(self, one: Given) -> None:
        """Put into a blank the student's own cell, of the same question, that answers it."""
        for cells in reversed(self._added_to_question(one)):
            for cell in reversed(cells if one.names else ()):
                if cell.type == "code" and one.names <= bound(cell.source):
                    cells.remove(cell)
                    self.sources[one.id] = cell.source
                    self.main.setdefault(one.index, cell)
                    self._note("elsewhere", one.id)
                    self._not_deleted(one)
                    return

    def _not_deleted(self, one: Given) -> None:
        deleted = self.notes["deleted answer"]
        deleted[:] = [name for name in deleted if name != one.id]

    def _says_nothing(self, one: Given) -> bool:
        """Whether a free text is left as it was, or has lost a part of what it was."""
        return squeezed(self._unblanked(one)) in squeezed(one.shown)

    def _unblanked(self, one: Given) -> str:
        return self.sources[one.id].replace(TEXT_PLACEHOLDER, "").strip()

    def _note_the_whole(self) -> None:
        if self.handed.old:
            self._note("old", "")
        if self.handed.kernel not in ("", "python3"):
            self._note("kernel", readable(self.handed.kernel))
        for one in self.given:
            if one.how in HOW and one.role in ("answer", "test"):
                self._note(HOW[one.how], one.id)
            grading = self.main[one.index].grading if one.role and one.index in self.main else {}
            if grading and _differs(one.cell, grading):
                self._note("grading", one.id)
        there = [one for one in self.given if one.handed]
        for position in _out_of_order([self.main[one.index].index for one in there]):
            self._note("order", there[position].name)
        texts = sum(cell.type == "markdown" for cells in self.added.values() for cell in cells)
        if texts:
            self._note("outside", str(texts))
            written = [one for one in self.given if one.role == "answer" and one.type == "markdown"]
            empty = [one.id for one in written if self._says_nothing(one)]
            self.reasons += [ASTRAY.format(len(empty))] if empty else []
        if self.handed.cut:
            self.reasons.append(f"notebook démesuré : {self.handed.cut} cellules laissées de côté")
        if self.handed.huge:
            self.reasons.append(f"cellules démesurées, vidées : {self.handed.huge}")


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" et {more} de plus" if more > 0 else "")


def _out_of_order(places: list[int]) -> list[int]:
    """The positions to take out, as few as possible, for the rest to grow."""
    ends: list[int] = []  # the last places of the best growing runs of 1, 2, ... elements
    lengths = []  # of the best growing run that ends at each position
    for place in places:
        length = bisect.bisect_left(ends, place)
        ends[length : length + 1] = [place]
        lengths.append(length)
    wanted, kept = len(ends) - 1, set()
    for position in reversed(range(len(places))):
        if lengths[position] == wanted:
            kept.add(position)
            wanted -= 1
    return [position for position in range(len(places)) if position not in kept]


def _differs(cell, grading: dict) -> bool:
    own = cell.metadata["nbgrader"]
    keys = ("grade", "solution", "points", "locked", "cell_type")
    return any(own.get(key) != grading.get(key) for key in keys)


def _own_statements(code: str, taken: set[str]) -> list[str]:
    """The imports of a cell, and what binds names that are not ``taken``, a statement a text.

    Of a cell that is no Python, the lines that are imports.
    """
    tree = parse_cell(code)
    if tree is None:
        lines = [line.strip() for line in code.split("\n") if re.match("(import|from) ", line)]
        return [ast.unparse(found) for found in map(parse_cell, lines) if found]
    return [ast.unparse(node) for node in tree.body if _is_own(node, taken)]


def _is_own(node: ast.stmt, taken: set[str]) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    names = bound(ast.unparse(node))
    return isinstance(node, BINDING) and bool(names) and not names & taken


BINDING = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def _as_text(cell: SavedCell) -> SavedCell:
    """A code cell that only says something is a text, written there by mistake."""
    if cell.type == "markdown" or not only_says(parse_cell(cell.source)):
        return cell
    lines = [line.strip() for line in cell.source.split("\n") if line.strip()]
    return replace(cell, type="markdown", source="\n".join(line.lstrip("# ") for line in lines))
