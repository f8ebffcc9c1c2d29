"""The check of a table: each cell on its own, so that a mistake in one does not hide the others."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import torch

from tp_cnn.checks.engine import diagnosis
from tp_cnn.checks.engine.calls import Refused
from tp_cnn.checks.engine.compare import blanks, describe, difference, show
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import Check, Verdict
from tp_cnn.checks.engine.pairs import Clue, Pair, pairs_of
from tp_cnn.checks.engine.shapes import of_shapes

SHOWN = 6  # wrong cells
BACKWARDS = "Les cases de cette ligne sont dans l'ordre inverse : lisez les titres des colonnes."

OTHER_ROW = "C'est ce qu'il faut à une autre ligne : les lignes sont-elles dans l'ordre ?"


@dataclass(frozen=True)
class WrongCell:
    sentence: str
    mistake: str | None = None
    pointer: str = ""
    clue: str | None = None


@dataclass(eq=False, repr=False)
class TableCheck(Check):
    """The check of a table: a dictionary by name of row, or a list of rows in the same order.

    ``answer`` gives for each row the tuple of its cells, each a number or a tuple of numbers. The
    ``answer`` of a mistake has the same form, without the rows and with None in the cells where
    the mistake makes no difference; a list holds several wrong cells, ... stands for any of them.
    Where there is one column, a student's row is its only cell.

    Attributes:
        columns: what each column holds, in French.
        codes: whether the numbers are names, of which it says too much that one is larger.
        parts: for each column, what the numbers of a cell are, where it holds several.
        formulas: for each name of row, how its cells are computed, or None (see `formulas`).
    """

    _: KW_ONLY
    columns: Sequence[str]
    codes: bool = False
    parts: Sequence[Sequence[str]] = ()
    formulas: Mapping[str, Sequence[Formula | None]] = field(default_factory=dict)

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        rows = self._read(student)
        left = sum(blanks(cell) > 0 for cells in rows.values() for cell in cells)
        if left:
            cells = "1 case" if left == 1 else f"{left} cases"
            nothing = any(cell is None for row in rows.values() for cell in row)
            hint = " None compte comme une case vide : écrivez un nombre." if nothing else ""
            raise Refused(f"il reste {cells} à remplir.{hint}", status="todo")
        found = [
            self._judge_cell(name, column, cell, rows)
            for name, cells in rows.items()
            for column, cell in enumerate(cells)
        ]
        wrong = [cell for cell in found if cell]
        if not wrong:
            return Verdict("right", f"{len(found)} cases sur {len(found)}.")
        lines = [self._count(len(found) - len(wrong), len(found))]
        for cell, following in zip(wrong[:SHOWN], [*wrong[1:SHOWN], None], strict=True):
            lines.append(f"  {cell.sentence}")
            if cell.pointer and not (following and following.pointer == cell.pointer):
                lines.append(f"  → {cell.pointer}")
        lines += ["  ..."] * (len(wrong) > SHOWN)
        named = next((cell.mistake for cell in wrong if cell.mistake), None)
        clue = None if named else next((cell.clue for cell in wrong if cell.clue), None)
        share = (len(found) - len(wrong)) / len(found)
        return Verdict("wrong", "\n".join(lines), named, clue, share)

    def _judge_cell(
        self, name: str, column: int, cell: object, rows: dict[str, list]
    ) -> WrongCell | None:
        wanted = self.answer[name][column]
        cell = _first_alone(cell) if np.ndim(wanted) == 0 else cell
        gap = difference(cell, wanted, self.tolerance, written=True)
        if gap is None:
            return None
        said = gap.sentence
        if self.codes and gap.kind == "value":
            said = f"{show(cell)} ne convient pas."
        sentence = f"{name}, {self.columns[column]} : {said}"
        if self._is_backwards(rows[name], self.answer[name]):
            return WrongCell(sentence, None, BACKWARDS, "backwards")
        for mistake in self.mistakes:
            value = mistake.answer.get(name, [None] * len(self.columns))[column]
            if self._is(cell, value):
                return WrongCell(sentence, mistake.name, mistake.message)
        elsewhere = [other for other, cells in self.answer.items() if self._is(cell, cells[column])]
        if not all(self._is(rows[one][column], self.answer[one][column]) for one in elsewhere):
            return WrongCell(sentence, None, OTHER_ROW, "other-row")
        clue = self._clue(name, column, cell, wanted, gap.kind)
        return WrongCell(sentence, None, clue.pointer, clue.name) if clue else WrongCell(sentence)

    def _is_backwards(self, row: list, wanted: Sequence) -> bool:
        pairs = zip(row, reversed(wanted), strict=True)
        return len(row) > 1 and all(self._is(cell, other) for cell, other in pairs)

    def _clue(self, name: str, column: int, cell: object, wanted: object, kind: str) -> Clue | None:
        if kind == "shape":
            return of_shapes(cell, wanted)
        if self.codes:
            return None
        pairs = pairs_of([cell], [wanted], self.tolerance) if kind == "value" else []
        if not pairs:
            return None
        formula = self.formulas.get(name, [None] * len(self.columns))[column]
        part = _of_parts(pairs[0], self.parts[column] if self.parts else ())
        return part or diagnosis.of_written(pairs, formula, self.tolerance)

    def _is(self, cell: object, wrong: object) -> bool:
        if wrong is None or wrong is ...:
            return wrong is ...
        values = wrong if isinstance(wrong, list) else [wrong]
        return not all(difference(cell, value, self.tolerance, written=True) for value in values)

    def _read(self, student: object) -> dict[str, list]:
        """The student's cells by name of row, whatever the table is made of."""
        student = _plain(student)
        if isinstance(student, dict) and len(student) == len(self.answer):
            others = iter([row for name, row in student.items() if name not in self.answer])
            student = [student[name] if name in student else next(others) for name in self.answer]
        elif isinstance(student, dict):
            student = list(student.values())
        if not isinstance(student, list | tuple):
            message = f"il faut un dictionnaire ou une liste ; vous donnez {describe(student)}."
            raise Refused(message, "type")
        if len(student) != len(self.answer):
            message = f"le tableau a {len(self.answer)} lignes ({', '.join(self.answer)})"
            raise Refused(f"{message} ; vous en donnez {len(student)}.", "shape")
        return {
            name: self._cells(name, row) for name, row in zip(self.answer, student, strict=True)
        }

    def _cells(self, name: str, row: object) -> list:
        if len(self.columns) == 1:
            return [row]
        if row is None or row is ...:
            return [...] * len(self.columns)
        if not isinstance(row, list | tuple) or len(row) != len(self.columns):
            message = f"la ligne {name} doit avoir {len(self.columns)} cases"
            raise Refused(f"{message} : {', '.join(self.columns)}.", "shape")
        return list(row)

    def _count(self, right: int, total: int) -> str:
        if right == 0:
            return f"aucune case juste sur {total}."
        plural = "s" if right > 1 else ""
        return f"{right} case{plural} juste{plural} sur {total}."


def _of_parts(pair: Pair, parts: Sequence[str]) -> Clue | None:
    """Which of the numbers of a cell is wrong."""
    if pair.right.shape != (len(parts),) or not parts:
        return None
    wrong = [part for part, right in zip(parts, pair.right, strict=True) if not right]
    if len(wrong) == len(parts):
        return None
    return Clue("part", f"À revoir dans cette case : {', '.join(wrong)} ; le reste est juste.")


def _plain(value: object) -> object:
    """The list that an array or a tensor holds."""
    if isinstance(value, np.ndarray | torch.Tensor):
        with contextlib.suppress(Exception):  # a tensor without data
            return value.tolist()
    return value


def _first_alone(cell: object) -> object:
    """1000 for [1000] or (1000, 1, 1), other ways to write the size of a dense layer's output."""
    cell = _plain(cell)
    if isinstance(cell, list | tuple) and cell and all(type(v) is int and v == 1 for v in cell[1:]):
        return cell[0]
    return cell
