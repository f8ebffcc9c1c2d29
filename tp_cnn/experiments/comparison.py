"""Comparisons of configurations over several seeds: resumable, shared by several processes.

Every configuration is trained with the same budget and the same seeds, into a results folder (see
`tp_cnn.experiments.results`). Calling again goes on: what is done stays, what was interrupted
resumes after its last epoch, what is new is added.
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import torch

from tp_cnn import runtime
from tp_cnn.data.sources import load
from tp_cnn.errors import CourseError
from tp_cnn.experiments.configurations import own_model
from tp_cnn.experiments.results import Results, Run
from tp_cnn.training import recipe as recipes
from tp_cnn.training.history import History, Row
from tp_cnn.training.recipe import Recipe

# What the weights that a recipe gives depend on; the rest of the package finds, checks or shows.
CODE = (
    "training/recipe.py",
    "training/loop.py",
    "training/checkpoint.py",
    "runtime.py",
    "data/augment.py",
    "data/batches.py",
    "data/normalise.py",
    "models/*.py",
)
BUDGET_FIELDS = ("dataset", "model", "images", "validation", "epochs")
PAUSE = 1.0  # seconds between two looks at the runs of other processes


def compare(
    configurations: Mapping[str, Recipe],
    seeds: int = 3,
    results: str | Path = "build/compare",
    *,
    root: str | Path | None = None,
    device: str | None = None,
    mix: bool = False,
    progress: bool | None = None,
    say: Callable[[str], None] = print,
) -> list[Run]:
    """Train every configuration with the seeds 0, 1, 2, ...; return all the runs of the folder.

    Several processes may call it at once on one folder: each run is done by one of them, and all
    return when the last run is done. When one dies, another goes on from its checkpoint.

    Args:
        configurations: name -> recipe, as `tp_cnn.experiments.configurations.recipes` gives them.
        results: the folder to create or to complete.
        root, device: as in `tp_cnn.training.recipe.train`. Processes that torchrun starts take a
            GPU each.
        mix: accept a folder that holds results of other code, data or budgets.
        progress: show a bar an epoch, as in `tp_cnn.training.fit`.
        say: receives a line an epoch.

    Raises:
        CourseError: the folder holds results of other code, data or budgets; or runs failed (they
            diverged, for example), once the others are done.
    """
    for recipe in configurations.values():
        recipes.check_known(recipe)
    device = _device_of_rank(device)
    data = {name: _data(name, root) for name in {one.dataset for one in configurations.values()}}
    first = [
        _describe(name, recipe, data[recipe.dataset], device)
        for name, recipe in configurations.items()
    ]
    wanted = [
        replace(run, recipe={**run.recipe, "seed": seed}) for seed in range(seeds) for run in first
    ]
    folder = Results(results)
    for run in first:
        if not mix:
            folder.refuse_mixing(run)

    def train(run: Run) -> None:
        _train(folder, run, mix, say, root=root, device=device, progress=progress)

    try:
        _do_all(folder, wanted, train, say)
    except KeyboardInterrupt:
        done = f"what is done is in {folder.folder}"
        say(f"interrupted; {done}, and the same command goes on from there")
        raise
    return list(folder.runs().values())


def _do_all(folder: Results, wanted: list[Run], train: Callable, say: Callable) -> None:
    failures, waiting = {}, False
    while pending := [run for run in wanted if not (folder.has(run) or run.identifier in failures)]:
        idle = True
        for run in pending:
            try:
                with folder.claim(run) as claimed:
                    idle = idle and not claimed
                    if claimed and not folder.has(run):  # it may have been done since we looked
                        train(run)
            except CourseError as error:
                failures[run.identifier] = f"{run.configuration}, seed {run.seed}: {error}"
                say(failures[run.identifier])
        if idle:
            if not waiting:
                say(f"waiting for the {len(pending)} runs that other processes are doing")
            waiting = True
            time.sleep(PAUSE)
    if failures:
        raise CourseError(
            f"{len(failures)} of {len(wanted)} runs failed. {next(iter(failures.values()))}"
        )


def _train(folder: Results, run: Run, mix: bool, say: Callable, **options) -> None:
    """Do a run that we have claimed, or what is left of it."""
    epochs = run.recipe["epochs"]
    checkpoint = folder.checkpoint(run)
    run = folder.begin(run, mix)

    def record(row: Row) -> None:
        say(f"{run.configuration}, seed {run.seed}: {row.epoch:>3}/{epochs} {_progress(row)}")
        # A run that lost its checkpoint begins again: its new rows replace the old ones.
        run.history = History([*(old for old in run.history if old.epoch < row.epoch), row])
        folder.save(run)

    result = recipes.train(
        Recipe(**run.recipe), checkpoint=checkpoint, after_epoch=record, **options
    )
    if result.test is None:
        raise KeyboardInterrupt
    # A kill between the checkpoint and the file leaves the last epoch out of the latter.
    run.history, run.test = result.history, result.test
    folder.save(run)
    checkpoint.unlink()


def _progress(row: Row) -> str:
    return (
        f"loss {row.train_loss:.4f}, validation {row.validation_accuracy:.2%}, {row.seconds:.1f} s"
    )


def _describe(name: str, recipe: Recipe, data: dict[str, str], device: str | None) -> Run:
    settings = asdict(recipe)
    conditions = {
        **{key: settings[key] for key in BUDGET_FIELDS},
        "model": "each its own" if own_model(name) else recipe.model,
        "train set": data["train"],
        "test set": data["test"],
        "torch": torch.__version__.split("+")[0],
        **_code(),
    }
    about = {
        "data": data["origin"],
        "device": runtime.describe_device(runtime.device(device)),
        "date": date.today().isoformat(),
    }
    return Run(name, settings, conditions, about)


def _data(dataset: str, root: str | Path | None) -> dict[str, str]:
    train_set, test_set = load(dataset, "train", root), load(dataset, "test", root)
    return {
        "origin": train_set.origin,
        "train": train_set.fingerprint(),
        "test": test_set.fingerprint(),
    }


def _code() -> dict[str, str]:
    package = Path(__file__).parents[1]
    return {
        f"code of {path.relative_to(package).as_posix()}": hashlib.sha256(
            path.read_bytes().replace(b"\r\n", b"\n")
        ).hexdigest()[:8]
        for pattern in CODE
        for path in sorted(package.glob(pattern))
    }


def _device_of_rank(device: str | None) -> str | None:
    where, rank = runtime.device(device), os.environ.get("LOCAL_RANK")
    if rank is None or where.type != "cuda" or where.index is not None:
        return device
    return f"cuda:{int(rank) % torch.cuda.device_count()}"
