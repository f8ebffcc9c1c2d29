"""A file of training runs that survives a kill and that several processes fill together.

It holds JSON lines, only ever added at its end: one that describes a run each time a process
takes it up, then one an epoch. The last epoch's line holds the test measure, which ends the run.
A line that a kill has cut short is ignored, and removed by the next writer. Locks and checkpoints
lie in a folder beside it, that has its name and ``.runs``.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from tp_cnn.errors import CourseError
from tp_cnn.training import Measure
from tp_cnn.training.history import History, Row


@dataclass
class Run:
    """One training run. It is done when ``test``, measured at its last epoch, is there.

    ``conditions`` is what must be equal for runs to be compared: budget, code, data; ``earlier``
    holds those of its beginning, if it was resumed under others. ``about`` says where and when it
    was last taken up.
    """

    configuration: str
    recipe: dict  # all the fields of a `tp_cnn.training.recipe.Recipe`
    conditions: dict
    about: dict
    history: History = field(default_factory=History)
    test: Measure | None = None
    earlier: list[dict] = field(default_factory=list)

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


DESCRIPTION = ("configuration", "recipe", "conditions", "about")  # what a run's first line holds


class ResultsFile:
    """The results file at ``path``; it need not exist yet."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.folder = self.path.with_name(self.path.name + ".runs")

    def runs(self) -> dict[str, Run]:
        """The runs by identifier, in the order in which they began.

        Raises:
            CourseError: a line is not one that this class writes.
        """
        runs = {}
        content = self.path.read_bytes() if self.path.exists() else b""
        for number, line in enumerate(content.split(b"\n")[:-1], 1):  # after the last \n: cut short
            try:
                _read(json.loads(line), runs)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise CourseError(
                    f"{self.path}, line {number}, is not a line of results ({error!r}): delete "
                    "that line, or give another results file"
                ) from None
        return runs

    def has(self, run: Run) -> bool:
        """Whether the run is there and done."""
        known = self.runs().get(run.identifier)
        return known is not None and known.test is not None

    def refuse_mixing(self, run: Run) -> None:
        """Raise a CourseError if the file holds runs that cannot be compared with this one."""
        found = []
        for other in self.runs().values():
            for conditions in (*other.earlier, other.conditions):
                found += _differences(conditions, run.conditions)
            if other.configuration == run.configuration and not found:
                changed = _differences(other.settings, run.settings)
                found += [f"configuration {run.configuration}, {line}" for line in changed]
        if found:
            raise CourseError(
                f"{self.path} holds results that cannot be compared with these:\n  "
                + "\n  ".join(dict.fromkeys(found))
                + "\ngive another results file (--results), or accept the mixture (--mix)"
            )

    def begin(self, run: Run, mix: bool = False) -> None:
        """Add the line that describes a run, before its epochs.

        Raises:
            CourseError: see `refuse_mixing`; never if ``mix``.
        """
        with self._lock("results"):
            if not mix:
                self.refuse_mixing(run)
            described = {key: getattr(run, key) for key in DESCRIPTION}
            self._append({"run": run.identifier, **described})

    def add(self, run: Run, row: Row, test: Measure | None = None) -> None:
        """Add an epoch; with ``test``, the last one."""
        measured = {"test_loss": test.loss, "test_accuracy": test.accuracy} if test else {}
        with self._lock("results"):
            self._append({"run": run.identifier, **asdict(row), **measured})

    @contextmanager
    def claim(self, run: Run) -> Iterator[bool]:
        """Whether the run is ours for the block: false while another process has it."""
        lock = self._lock(run.identifier)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def checkpoint(self, run: Run) -> Path:
        """Where the checkpoint of a run lies until it is done."""
        return self.folder / f"{run.identifier}.pt"

    def _lock(self, name: str) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / f"{name}.lock")  # the system frees it when its holder dies

    def _append(self, record: dict) -> None:
        with open(self.path, "a+b") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)  # drop a line that a kill has cut short
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _read(record: dict, runs: dict[str, Run]) -> None:
    identifier = record.pop("run")
    if "epoch" not in record:
        run, before = Run(**record), runs.get(identifier)
        if before:  # taken up again
            run.history, run.test = before.history, before.test
            run.earlier = [*before.earlier, before.conditions]
        runs[identifier] = run
        return
    run = runs[identifier]
    if "test_accuracy" in record:
        run.test = Measure(record.pop("test_loss"), record.pop("test_accuracy"))
    row = Row(**record)
    # A run that lost its checkpoint begins again: its new rows replace the old ones.
    kept = [old for old in run.history if old.epoch != row.epoch]
    run.history = History(sorted([*kept, row], key=lambda row: row.epoch))


def _differences(there: dict, here: dict) -> list[str]:
    return [
        f"{key}: {there.get(key, 'none')} in the file, {here.get(key, 'none')} now"
        for key in {**there, **here}
        if there.get(key) != here.get(key)
    ]
