"""The table that a training run fills, one row an epoch."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tp_cnn.display import decimal, percent
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write


@dataclass(frozen=True)
class Row:
    """One epoch. Losses are means over images, accuracies are between 0 and 1."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float  # during this epoch
    seconds: float  # of training and validation

    def __str__(self) -> str:
        loss, accuracy = self.validation_loss, self.validation_accuracy
        cells = [
            str(self.epoch),
            decimal(self.train_loss, ".4f"),
            percent(self.train_accuracy),
            "" if loss is None else decimal(loss, ".4f"),
            "" if accuracy is None else percent(accuracy),
            decimal(self.learning_rate, ".2g"),
            f"{decimal(self.seconds, '.1f')} s",
        ]
        return _line(cells)


def _line(cells: list[str]) -> str:
    widths = (6, 12, 12, 11, 11, 8, 8)
    return " ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


HEADER = _line(["époque", "coût appr.", "exact. appr.", "coût val.", "exact. val.", "pas", "durée"])


class History(list):
    """The rows of a run, in order; prints as a table.

    ``history.validation_accuracy`` is the list of a column. ``interrupted`` is true when the run
    was stopped before its last epoch.
    """

    interrupted = False

    def __getattr__(self, name: str) -> list:
        if name not in (field.name for field in fields(Row)):
            raise AttributeError(name)
        return [getattr(row, name) for row in self]

    def best(self) -> Row:
        """The row of the best validation accuracy; the first one in case of a tie."""
        measured = [row for row in self if row.validation_accuracy is not None]
        if not measured:
            raise CourseError("this history has no validation accuracy: give fit a validation set")
        return max(measured, key=lambda row: row.validation_accuracy)

    def to_csv(self, path: str | Path) -> None:
        """Write one line an epoch; an existing file is replaced at once."""
        with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)])
            writer.writeheader()
            writer.writerows(asdict(row) for row in self)

    @classmethod
    def from_csv(cls, path: str | Path) -> "History":
        """Read what `to_csv` wrote.

        Raises:
            CourseError: the file is missing, or is not such a table.
        """
        try:
            with open(path, newline="") as file:
                return cls(_row(line) for line in csv.DictReader(file))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise CourseError(f"{path} is not a history written by to_csv: {error}") from None

    def __repr__(self) -> str:
        return "\n".join([HEADER, *map(str, self)])


def lowest_epoch(losses: Sequence[float]) -> int:
    """The number, from 1, of the epoch whose loss is the lowest: where to stop (notebook 04)."""
    return losses.index(min(losses)) + 1


def _row(line: dict[str, str]) -> Row:
    numbers = {name: float(text) if text else None for name, text in line.items()}
    return Row(**{**numbers, "epoch": int(line["epoch"])})
