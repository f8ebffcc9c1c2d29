"""Comparisons of configurations over several seeds: resumable, on several processes or machines.

Every configuration is trained with the same budget and the same seeds, into a results folder (see
`tp_cnn.experiments.results`). Calling again goes on: what is done stays, what was interrupted
resumes after its last epoch, what is new is added.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date
from itertools import cycle, repeat
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
    "training/precision.py",
    "training/distributed.py",
    "training/graphs.py",
    "data/augment.py",
    "data/batches.py",
    "data/normalise.py",
    "models/*.py",
)
BUDGET_FIELDS = ("dataset", "model", "images", "validation", "test_images", "epochs")


def compare(
    configurations: Mapping[str, Recipe],
    seeds: int = 3,
    results: str | Path = "build/compare",
    *,
    root: str | Path | None = None,
    device: str | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    mix: bool = False,
    progress: bool | None = None,
    say: Callable[[str], None] = print,
) -> list[Run]:
    """Train every configuration with the seeds 0, 1, 2, ...; return all the runs of the folder.

    Args:
        configurations: name -> recipe, as `tp_cnn.experiments.configurations.recipes` gives them.
        results: the folder to create or to complete.
        root, device: as in `tp_cnn.training.recipe.train`. Several jobs share the GPUs.
        jobs, scheduler: as in `tp_cnn.runtime.in_parallel`. The workers of a cluster look for the
            data in ``root`` too, and must find the same.
        mix: accept a folder that holds results of other code, data or budgets.
        progress: show a bar an epoch, as in `tp_cnn.training.fit`.
        say: receives a line an epoch; a line a run, of those that other processes do.

    Raises:
        CourseError: the folder holds results of other code, data or budgets, or another comparison
            is at work there; or runs failed (they diverged, for example), once the others are done.
    """
    folder = Results(results)
    for recipe in configurations.values():
        recipes.check_known(recipe)
    data = {name: _data(name, root) for name in {one.dataset for one in configurations.values()}}
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
    here = jobs == 1 and not scheduler
    options = {"root": root, "progress": progress if here else False, "mix": mix}
    try:
        with folder.alone():
            left = [run for run in wanted if not folder.has(run)]
            place = folder if here else Results(folder.folder.absolute())
            calls = [
                (place, run, say if here else None, {**options, "device": where})
                for run, where in zip(left, _devices(device, jobs), strict=False)
            ]
            failures = []
            for run, failure in runtime.in_parallel(_attempt, calls, jobs, scheduler):
                if failure:
                    failures.append(f"{run.configuration}, seed {run.seed}: {failure}")
                    say(failures[-1])
                elif not here:
                    folder.save(run)  # a machine of the cluster may have a disk of its own
                    folder.checkpoint(run).unlink(missing_ok=True)
                    say(_line(run, run.history[-1]))
    except KeyboardInterrupt:
        done = f"what is done is in {folder.folder}"
        say(f"interrupted; {done}, and the same command goes on from there")
        raise
    if failures:
        raise CourseError(f"{len(failures)} of {len(wanted)} runs failed. {failures[0]}")
    return list(folder.runs().values())


def _attempt(
    folder: Results, run: Run, say: Callable | None, options: dict
) -> tuple[Run, str | None]:
    """Do a run, here or in another process; give it, and why it failed if it did."""
    try:
        if (
            say is None
            and _data(run.recipe["dataset"], options["root"])["train"]
            != (run.conditions["train set"])
        ):
            raise CourseError("this machine has another train set: give all the same --data")
        return _train(folder, run, say or _say_nothing, **options), None
    except CourseError as error:
        return run, str(error)


def _say_nothing(line: str) -> None:
    """What processes of their own do with a line: the first one tells of their runs."""


def _train(folder: Results, run: Run, say: Callable, mix: bool, **options) -> Run:
    """Do a run, or what is left of it."""
    checkpoint = folder.checkpoint(run)
    run = folder.begin(run, mix)

    def record(row: Row) -> None:
        say(_line(run, row))
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
    return run


def _line(run: Run, row: Row) -> str:
    return (
        f"{run.configuration}, seed {run.seed}: {row.epoch:>3}/{run.recipe['epochs']} "
        f"loss {row.train_loss:.4f}, validation {row.validation_accuracy:.2%}, {row.seconds:.1f} s"
    )


def _devices(device: str | None, jobs: int) -> Iterator[str | None]:
    """A device for each run: the one asked for, or all the GPUs in turn."""
    where = runtime.device(device)
    if jobs == 1 or where.type != "cuda" or where.index is not None:
        return repeat(device)
    return cycle([f"cuda:{number}" for number in range(torch.cuda.device_count())])


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
    settings = asdict(recipe)
    conditions = {
        **{key: settings[key] for key in BUDGET_FIELDS},
        "model": "each its own" if own_model(name) else recipe.model,
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
