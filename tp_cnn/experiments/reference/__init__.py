"""Results that the project measured with whole budgets, shipped as small tables.

A slow computer can so describe and compare what it has no time to run. Each table begins with
lines ``# key: value``: the command that measured it, the machine, the data, the date, the seeds.
"""

import csv
from importlib.resources import files

from tp_cnn.errors import CourseError
from tp_cnn.training.history import History, Row

FRENCH = {  # of what says how a table was measured, for students
    "command": "commande",
    "device": "calcul sur",
    "data": "données",
    "seeds": "graines",
    "note": "mesure",
    "seconds": "temps",
    "precision": "précision",
}
FRENCH_WORDS = {
    "JPEG copy": "copie JPEG",
    "official files in": "fichiers officiels dans",
    "class folders in": "un dossier par classe dans",
    "threads": "fils de calcul",
    "thread": "fil de calcul",
    "digest": "empreinte",
    "cifarnet on cifar10": "CifarNet sur CIFAR-10",
    "epochs": "époques",
    "each its own on cifar10": "chacun son réseau, sur CIFAR-10",
    "images 10000": "10 000 images",
    "all train images": "toutes les images d'apprentissage",
    "train 50,000": "apprentissage 50 000",
    "test 10,000": "test 10 000",
    "validation 0.1": "un dixième en validation",
}


class ReferenceTable(list):
    """Rows as dictionaries, numbers read as such; prints as ``about``: how they were measured."""

    def __init__(self, rows: list[dict], about: dict[str, str]):
        super().__init__(rows)
        self.about = about

    def where(self, **wanted) -> "ReferenceTable":
        """The rows whose columns have these values: ``table.where(seed=0)``."""
        return ReferenceTable([row for row in self if wanted.items() <= row.items()], self.about)

    def history(self) -> History:
        """The rows of one run, one an epoch, as a `tp_cnn.training.history.History`."""
        return History(Row(**{name: row[name] for name in Row.__annotations__}) for row in self)

    def __repr__(self) -> str:
        return "\n".join(
            f"{FRENCH.get(key, key)} : {_in_french(key, value)}"
            for key, value in self.about.items()
        )


def _in_french(key: str, value: str) -> str:
    if key == "command" or value.startswith("tp-cnn "):
        return value
    for english, french in FRENCH_WORDS.items():
        value = value.replace(english, french)
    return value


def load(name: str) -> ReferenceTable:
    """The table called ``name``: ``"cifar10_base"``, for example.

    Raises:
        CourseError: there is no such table.
    """
    file = files(__name__) / f"{name}.csv"
    if not file.is_file():
        names = sorted(other.name for other in files(__name__).iterdir() if ".csv" in other.name)
        raise CourseError(f"no reference table {name!r}: expected one of {', '.join(names)}")
    return parse(file.read_text(encoding="utf-8"))


def parse(text: str) -> ReferenceTable:
    """Read a table: lines ``# key: value``, then comma-separated values."""
    lines = text.splitlines()
    notes = [line for line in lines if line.startswith("# ")]
    about = dict(note[2:].split(": ", 1) for note in notes)
    rows = csv.DictReader(lines[len(notes) :])
    return ReferenceTable(
        [{name: _value(text) for name, text in row.items()} for row in rows], about
    )


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
