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
from tp_cnn.data.sources import ImageSet, load
from tp_cnn.errors import CourseError
from tp_cnn.experiments.results import Results, Run
from tp_cnn.training import recipe as recipes
from tp_cnn.training.history import History, Row
from tp_cnn.training.recipe import Recipe

# What the weights that a recipe gives depend on; the rest of the package finds, checks or shows.
CODE = (
    "training/recipe.py",
    "training/loop.py",
    "runtime.py",
    "training/precision.py",
    "data/augment.py",
    "data/batches.py",
    "data/normalise.py",
    "models/*.py",
)
BUDGET_FIELDS = ("dataset", "model", "images", "validation", "test_images", "epochs")
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
    device = _device_of_rank(device)
    data = {name: _data(name, root) for name in {one.dataset for one in configurations.values()}}
    folder = Results(results)
    computes_in = _precision(folder, next(iter(configurations.values())), root, device)
    first = [
        _describe(name, recipe, data[recipe.dataset], device, computes_in)
        for name, recipe in configurations.items()
    ]
    wanted = [
        replace(run, recipe={**run.recipe, "seed": seed}) for seed in range(seeds) for run in first
    ]
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
        Recipe(**run.recipe),
        checkpoint=checkpoint,
        computes_in=run.conditions["precision"],
        after_epoch=record,
        **options,
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


def _precision(folder: Results, recipe: Recipe, root: str | Path | None, device: str | None) -> str:
    """One for all the runs: what is asked, or that of the folder, or what pays for ``recipe``."""
    there = {run.conditions.get("precision") for run in folder.runs().values()}
    if runtime.settings().precision == "auto" and len(there) == 1 and None not in there:
        return there.pop()
    return recipes.choose_precision(
        recipe, load(recipe.dataset, "test", root), runtime.device(device)
    )


def _describe(
    name: str, recipe: Recipe, data: dict[str, str], device: str | None, computes_in: str
) -> Run:
    if recipe.epochs < 1:
        raise CourseError(f"epochs is {recipe.epochs}: a comparison needs 1 or more")
    settings = asdict(recipe)
    conditions = {
        **{key: settings[key] for key in BUDGET_FIELDS},
        "train set": data["train"],
        "test set": data["test"],
        "torch": torch.__version__.split("+")[0],
        "precision": computes_in,
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
        "train": _fingerprint(train_set),
        "test": _fingerprint(test_set),
    }


def _fingerprint(image_set: ImageSet) -> str:
    digest = hashlib.sha256(image_set.images.contiguous().numpy())
    digest.update(image_set.labels.contiguous().numpy())
    return f"{len(image_set):,} images, digest {digest.hexdigest()[:8]}"


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
