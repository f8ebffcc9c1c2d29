"""The file in which a run is kept after each epoch: what it takes to go on, and whose it is."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from zipfile import ZipFile

import torch

from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.training import precision
from tp_cnn.training.history import History, Row

PARTS = {"identity", "description", "history", "model", "optimizer", "scheduler", "random", "order"}
MOVING = {"last_epoch"}  # what a scheduler counts; its other public values say which one it is


class Checkpoint:
    """All that a run needs to go on where it stopped.

    Beside the weights and the random states lies a description of the run: the network, the
    optimiser, the batches and the data, and what the caller adds. A run of another description is
    not gone on with: its numbers would be told as those of this one.
    """

    def __init__(self, path, model, train, validation, optimizer, scheduler, identity: Mapping):
        self.path = Path(path)
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.generator = getattr(train, "generator", None)
        self.identity = {key: str(value) for key, value in identity.items()}
        self.description = {
            "model": " ".join(str(model).split()),
            "optimizer": f"{type(optimizer).__name__} {optimizer.defaults}",
            "scheduler": _scheduler(scheduler),
            "batches": str(len(train)),
            **_described("train", train),
            **_described("validation", validation),
        }

    def save(self, history: History) -> None:
        """Write the file anew.

        Raises:
            CourseError: the disk refuses.
        """
        state = {
            "identity": self.identity,
            "description": self.description,
            "precision": precision.of(self.model),
            "history": [asdict(row) for row in history],
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "random": torch.get_rng_state(),
            "order": self.generator.get_state() if self.generator else None,
        }
        try:
            with atomic_write(self.path) as temporary:
                torch.save(state, temporary)
        except (OSError, RuntimeError) as error:  # RuntimeError: how torch reports a full disk
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise CourseError(
                f"{self.path} cannot be written after epoch {len(history)} ({reason}): free some "
                "space or give another path"
            ) from None

    def load(self, epochs: int) -> History:
        """Take the run up where the file left it; its history, empty if there is no file.

        Raises:
            CourseError: the file is of another run, has more ``epochs``, or is no checkpoint.
        """
        if not self.path.exists():
            return History()
        state = self._read()
        self._refuse_another(state, epochs)
        precision.keep(self.model, state.get("precision") or "float32")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"])
        if self.generator:
            self.generator.set_state(state["order"])
        history = History(Row(**row) for row in state["history"])
        if len(history) == epochs:
            print(f"Déjà terminé : les {epochs} époques sont dans {self.path}, rien n'est refait.")
        return history

    def _read(self) -> dict:
        try:
            if not self.path.is_file():  # a pipe would be waited for
                raise ValueError("not a file")
            with ZipFile(self.path) as archive:  # torch reads altered weights without a word
                if altered := archive.testzip():
                    raise ValueError(f"{altered} is altered")
            # Only tensors and plain values are read: a checkpoint from elsewhere cannot run code.
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if lost := PARTS - state.keys():
                raise ValueError(f"no {', '.join(sorted(lost))}")
            return state
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise CourseError(
                f"{self.path} is not a checkpoint of this package ({reason}): delete it or give "
                "another"
            ) from None

    def _refuse_another(self, state: dict, epochs: int) -> None:
        # What the caller named says enough: what follows from it need not be told too.
        found = _differences(state["identity"], self.identity)
        found = found or _differences(state["description"], self.description)
        there, here = state.get("precision") or "float32", precision.of(self.model)
        if here not in (None, there):
            found.append(f"its precision is {there}, here it is {here}")
        done = len(state["history"])
        if done > epochs:
            found.append(f"its epochs are {done}, here they are {epochs}")
        if found:
            raise CourseError(
                f"{self.path} belongs to another run: {'; '.join(found)}. Delete it or give "
                "another path"
            )


def _differences(there: dict, here: dict) -> list[str]:
    return [
        f"its {key} is {there.get(key, 'unknown')}, here it is {here.get(key, 'unknown')}"
        for key in {**here, **there}
        if there.get(key) != here.get(key)
    ]


def _described(part: str, batches) -> dict[str, str]:
    """What a `tp_cnn.data.batches.Batches` says of itself; of another iterable nothing is known."""
    describe = getattr(batches, "description", dict)
    return {f"{part} {key}": value for key, value in describe().items()}


def _scheduler(scheduler) -> str:
    state = scheduler.state_dict() if scheduler else {}
    settings = {
        key: value
        for key, value in state.items()
        if not key.startswith("_") and key not in MOVING and not callable(value)
    }
    return f"{type(scheduler).__name__} {settings}"
