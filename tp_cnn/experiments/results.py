"""A folder of training runs that survives a kill.

It holds a JSON file a run, written whole after each epoch and renamed, so that a reader sees the
old one or the new one. The test measure ends the run. Beside it lies its checkpoint until it is
done.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.training import Measure
from tp_cnn.training.history import History, Row

SUFFIXES = {".json", ".lock", ".pt"}  # what a folder of results holds


@dataclass
class Run:
    """One training run. It is done when ``test``, measured at its last epoch, is there.

    ``conditions`` is what must be equal for runs to be compared: budget, code, data; ``earlier``
    holds those of its beginning, if it was resumed under others. ``about`` says where and when it
    was last taken up, ``begun`` is the time of its beginning, in seconds.
    """

    configuration: str
    recipe: dict  # all the fields of a `tp_cnn.training.recipe.Recipe`
    conditions: dict
    about: dict
    history: History = field(default_factory=History)
    test: Measure | None = None
    earlier: list[dict] = field(default_factory=list)
    begun: float = 0.0

    @property
    def seed(self) -> int:
        return self.recipe["seed"]

    @property
    def settings(self) -> dict:
        """All of the recipe but its seed."""
        return {name: value for name, value in self.recipe.items() if name != "seed"}

    @property
    def identifier(self) -> str:
        """A name for the files of the run, different for each recipe."""
        digest = hashlib.sha256(json.dumps(self.recipe, sort_keys=True).encode()).hexdigest()
        return re.sub(r"[^\w-]+", "-", self.configuration) + f"-{self.seed}-{digest[:8]}"


class Results:
    """The results in ``folder``; it need not exist yet.

    Raises:
        CourseError: the folder is a file, or holds something else than results.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if self.folder.is_file():
            raise CourseError(f"{folder} is a file: expected a folder for results, new or begun")
        entries = self.folder.glob("[!.]*")  # without .DS_Store and what a kill leaves unfinished
        foreign = sorted(
            entry.name for entry in entries if entry.suffix not in SUFFIXES or entry.is_dir()
        )
        if foreign:
            raise CourseError(
                f"{folder} holds {foreign[0]!r}, which is no result: give a folder for results "
                "alone (--results)"
            )

    def runs(self) -> dict[str, Run]:
        """The runs by identifier, in the order in which they began.

        Raises:
            CourseError: a file is not one that this class writes.
        """
        runs = {path.stem: _read(path) for path in self.folder.glob("[!.]*.json")}
        return dict(sorted(runs.items(), key=lambda item: (item[1].begun, item[0])))

    def has(self, run: Run) -> bool:
        """Whether the run is there and done."""
        known = self.runs().get(run.identifier)
        return known is not None and known.test is not None

    def refuse_mixing(self, run: Run) -> None:
        """Raise a CourseError if the folder holds runs that cannot be compared with this one."""
        found = []
        for other in self.runs().values():
            for conditions in (*other.earlier, other.conditions):
                found += _differences(conditions, run.conditions)
            if other.configuration == run.configuration and not found:
                changed = _differences(other.settings, run.settings)
                found += [f"configuration {run.configuration}, {line}" for line in changed]
        if found:
            raise CourseError(
                f"{self.folder} holds results that cannot be compared with these:\n  "
                + "\n  ".join(dict.fromkeys(found))
                + "\ngive another folder (--results), or accept the mixture (--mix)"
            )

    def begin(self, run: Run, mix: bool = False) -> Run:
        """Write a run before its first epoch, or take up what is there of it; return it.

        Raises:
            CourseError: see `refuse_mixing`; never if ``mix``.
        """
        if not mix:
            self.refuse_mixing(run)
        known = self.runs().get(run.identifier) or replace(run, begun=time.time())
        earlier = [*known.earlier, known.conditions]
        earlier = [one for one in earlier if one != run.conditions]
        run = replace(run, history=known.history, earlier=earlier, begun=known.begun)
        self.save(run)
        return run

    def save(self, run: Run) -> None:
        """Write the run's file anew."""
        with atomic_write(self.folder / f"{run.identifier}.json") as temporary:
            temporary.write_text(json.dumps(asdict(run)), encoding="utf-8")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other comparisons out of the folder for the block.

        Raises:
            CourseError: one is at work there.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            # The system frees it when its holder dies.
            with FileLock(self.folder / "results.lock", timeout=0):
                yield
        except Timeout:
            raise CourseError(
                f"{self.folder}: another comparison is at work there; wait until it ends, or give "
                "another folder (--results)"
            ) from None

    def checkpoint(self, run: Run) -> Path:
        """Where the checkpoint of a run lies until it is done."""
        return self.folder / f"{run.identifier}.pt"


def _read(path: Path) -> Run:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record["history"] = History(Row(**row) for row in record["history"])
        record["test"] = Measure(*record["test"]) if record["test"] else None
        run = Run(**record)
        if run.identifier != path.stem:  # a copy would count its seed twice
            raise ValueError(f"what it holds belongs in {run.identifier}.json")
        _check(run)
        return run
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path} is no file of results ({error!r}): delete it, or give another folder "
            "(--results)"
        ) from None


def _check(run: Run) -> None:
    """Refuse what tables would fail on, or tell as a measure."""
    if not all(isinstance(part, dict) for part in (run.about, run.conditions, *run.earlier)):
        raise TypeError("about, conditions or earlier is no record")
    if not all(isinstance(run.about.get(key), str) for key in ("data", "device", "date")):
        raise ValueError("about lacks its data, device or date")
    if [row.epoch for row in run.history] != list(range(1, len(run.history) + 1)):
        raise ValueError("its epochs do not follow one another")
    if run.test and len(run.history) != run.recipe["epochs"]:
        raise ValueError("it is done, without all its epochs")
    for row in run.history:
        _check_measure(row.train_loss, row.train_accuracy)
        _check_measure(row.validation_loss, row.validation_accuracy)
        if row.seconds < 0:
            raise ValueError(f"an epoch of {row.seconds} s")
    if run.test:
        _check_measure(*run.test)


def _check_measure(loss: float, accuracy: float) -> None:
    if not isinstance(loss, int | float) or not 0 <= accuracy <= 1:
        raise ValueError(f"a loss of {loss}, an accuracy of {accuracy}")


def _differences(there: dict, here: dict) -> list[str]:
    return [
        f"{key}: {there.get(key, 'none')} in the results, {here.get(key, 'none')} now"
        for key in {**there, **here}
        if there.get(key) != here.get(key)
    ]
