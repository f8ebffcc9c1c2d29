"""`tp-cnn train`: train one network and print its test error."""

import argparse
import json
import sys
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

from tp_cnn.commands.arguments import Noted, begins_with, check_file, folder, given, share_or_count
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write

SPEEDRUN = ("--recipe", "--data", "--images", "--epochs", "--seed", "--device")  # all it takes
SWITCHES = ("--flip", "--mixup", "--batch-norm")
MODEL_OPTIONS = ("activation", "pooling", "dropout", "batch_norm")
BELONGS = {"momentum": ("optimizer", "sgd"), "decay": ("schedule", "exponential")}
PNG = b"\x89PNG"
WRITTEN = {  # into --output, and how each begins
    "run.json": b'{"recipe": ',
    "history.csv": b"epoch,train_loss",
    "curves.png": PNG,
    "confusion.png": PNG,
    "mistakes.png": PNG,
}


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "train",
        help="train a network and print its test error",
        epilog=f"--recipe speedrun has settings of its own: it takes {', '.join(SPEEDRUN[1:])}.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=train_command)
    option = partial(command.add_argument, action=Noted)
    option("--recipe", choices=["speedrun"], help="CIFAR-10 in seconds on a GPU; see below")
    option(
        "--model",
        default="lenet5",
        help="lenet5, dense, cifarnet, vgg, resnet20, ... (docs/settings.md)",
    )
    option(
        "--dataset", default="mnist", help="mnist, fashion-mnist, cifar10, digits, shapes, FOLDER"
    )
    option("--data", type=folder, metavar="DIR", help="where data sets are, or go")
    option("--images", type=int, default=0, help="train images kept; 0: all")
    option("--validation", type=share_or_count, default=0.1, help="share or number held out")
    option("--epochs", type=int, default=5)
    option("--batch-size", type=int, default=128)
    descent = partial(option, default=argparse.SUPPRESS)  # networks of notebook 08 have their own
    descent("--optimizer", help="sgd, adam or adamw (default: sgd, or the network's own)")
    descent(
        "--lr",
        type=float,
        dest="learning_rate",
        help="learning rate, the largest of one-cycle (default: 0.05, or the network's own)",
    )
    descent("--momentum", type=float, help="of sgd (default: 0.9)")
    descent("--weight-decay", type=float, help="(default: 0, or the network's own)")
    descent(
        "--schedule",
        help="constant, exponential, cosine or one-cycle (default: exponential, or the network's "
        "own)",
    )
    descent(
        "--decay", type=float, help="factor an epoch, of the exponential schedule (default: 0.85)"
    )
    option("--normalise", default="pixels", help="none, pixels, images or zca")
    option("--shift", type=int, default=0, help="random shift in train, in pixels")
    option("--crop", type=int, default=0, help="random crop in train, centred at test; 0: none")
    option("--flip", action="store_true", help="random horizontal flip in train")
    option("--jitter", type=float, default=0.0, help="random change of the colours, such as 0.2")
    option("--cutout", type=int, default=0, help="side of a random hidden square; 0: none")
    option("--mixup", action="store_true", help="mix train images two by two")
    option("--activation", choices=["relu", "tanh"], help="of lenet5")
    option("--pooling", choices=["max", "average"], help="of lenet5")
    option("--dropout", type=float, help="of cifarnet")
    option("--batch-norm", action="store_true", default=None, help="of cifarnet")
    option("--seed", type=int, help="default: TP_CNN_SEED, or 0")
    option("--device", help="auto, cpu, cuda, cuda:N or mps; default: TP_CNN_DEVICE, or auto")
    option("--checkpoint", metavar="FILE", help="written each epoch; an existing one is resumed")
    option(
        "--output",
        type=folder,
        metavar="DIR",
        help="write the history, the curves and the worst mistakes",
    )


def train_command(options) -> int:
    """Train, print the test error, then write the results if asked."""
    # Heavy imports wait until a command needs them: `tp-cnn --version` answers at once.
    from tp_cnn.training import distributed

    with distributed.group(options.device) as device:
        return _speedrun(options, device) if options.recipe else _train(options, device)


def _speedrun(options, device: str | None) -> int:
    from tp_cnn import runtime
    from tp_cnn.training import distributed
    from tp_cnn.training.recipe import Recipe
    from tp_cnn.training.speedrun import EPOCHS, speedrun

    switches = [name for name in SWITCHES if getattr(options, name[2:].replace("-", "_"))]
    others = [name for name in [*options.noted, *switches] if name not in SPEEDRUN]
    if others:
        raise CourseError(
            f"--recipe speedrun has settings of its own and takes {', '.join(SPEEDRUN[1:])} alone: "
            f"leave out {', '.join(others)}"
        )
    if distributed.size() > 1:
        raise CourseError("--recipe speedrun is for one process: call it without torchrun")
    seed = runtime.settings().seed if options.seed is None else options.seed
    Recipe("cifar10", images=options.images, epochs=options.epochs, seed=seed)  # the same bounds
    epochs = options.epochs if "--epochs" in options.noted else EPOCHS
    speedrun(seed, epochs, options.images, options.data, device)
    return 0


def _train(options, device: str | None) -> int:
    from tqdm import tqdm

    from tp_cnn.training import distributed, recipe
    from tp_cnn.training.history import HEADER

    first = distributed.is_first()  # of the processes that train together: it writes and prints
    wanted = _recipe(options)
    check_file(options.checkpoint, "--checkpoint", lambda path: True)  # it knows its own files
    if options.output:
        _check_output(Path(options.output), {"recipe": asdict(wanted)})
    result = recipe.train(
        wanted,
        root=options.data,
        device=device,
        say=lambda line: first and print(line, flush=True),
        checkpoint=options.checkpoint,
        progress=None if first else False,
        after_epoch=lambda row: (
            first and tqdm.write(f"{HEADER}\n{row}" if row.epoch == 1 else str(row))
        ),
    )
    if not first:
        return 0
    # What was computed is told first: nothing that follows can lose it.
    if result.test:
        total = len(result.batches["test"].image_set)
        wrong = total - round(result.test.accuracy * total)
        print(
            f"test error: {wrong / total:.2%} ({wrong} of {total:,} images, measured once, at the "
            "end)",
            flush=True,
        )
    written = not options.output or _write_results(wanted, result, Path(options.output))
    if result.test is None:
        advice = "the same command goes on from there" if options.checkpoint else "see --checkpoint"
        raise CourseError(f"stopped after {len(result.history)} epochs: {advice}")
    return 0 if written else 1


def _recipe(options):
    from tp_cnn import runtime
    from tp_cnn.experiments.configurations import descent
    from tp_cnn.training import recipe

    values = descent(options.model)
    values |= given(options, [field.name for field in fields(recipe.Recipe)])
    for name, (field, owner) in BELONGS.items():
        there = values.get(field, getattr(recipe.Recipe, field))
        if name in values and there != owner:
            raise CourseError(f"--{name}: goes with --{field} {owner}, not {there}")
    values.setdefault("seed", runtime.settings().seed)
    return recipe.Recipe(**values, model_options=given(options, MODEL_OPTIONS))


def _check_output(output: Path, run: dict) -> None:
    """Make the folder; refuse what is not ours in it, and the results of another run.

    Raises:
        CourseError: naming the fields that differ.
    """
    output.mkdir(parents=True, exist_ok=True)
    for name, start in WRITTEN.items():
        check_file(output / name, "--output", begins_with(start))
    try:
        there = json.loads((output / "run.json").read_text(encoding="utf-8"))
        found = {part: dict(there[part]) for part in run}
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError):
        raise CourseError(f"{output / 'run.json'} is damaged: remove it") from None
    differing = [
        f"{key}: {found[part].get(key, 'none')} there, {value} now"
        for part, values in run.items()
        for key, value in json.loads(json.dumps(values)).items()
        if found[part].get(key) != value
    ]
    if differing:
        raise CourseError(
            f"--output {output} holds the results of another run ({'; '.join(differing)}): give "
            "another folder"
        )


def _write_results(wanted, result, output: Path) -> bool:
    """Write what can be written; say what could not, rather than fail."""
    from tp_cnn.training import recipe

    sets = {part: batches.image_set for part, batches in result.batches.items()}
    data = recipe.identity(wanted, sets["train"], sets["test"])
    run = {"recipe": asdict(wanted), "data": {key: data[key] for key in ("train set", "test set")}}
    try:
        _check_output(output, run)
        with atomic_write(output / "run.json") as temporary:
            told = {"test": result.test and result.test._asdict(), "origin": sets["test"].origin}
            temporary.write_text(json.dumps({**run, **told}), encoding="utf-8")
        result.history.to_csv(output / "history.csv")
        _draw(result, output)
    except (CourseError, OSError, RuntimeError) as error:
        print(f"tp-cnn: {output}: not all is written: {error}", file=sys.stderr)
        return False
    except KeyboardInterrupt:
        print(f"tp-cnn: {output}: not all is written: interrupted", file=sys.stderr)
        return False
    print(f"{', '.join(WRITTEN)} are in {output}")
    return True


def _draw(result, output: Path) -> None:
    from tp_cnn.plots import training as plots
    from tp_cnn.training import predict

    test = result.batches["test"]
    logits, labels = predict(test, result.model)
    images, classes = test.image_set.images, test.image_set.classes
    figures = {
        "curves.png": lambda: plots.curves({"": result.history}),
        "confusion.png": lambda: plots.confusion(labels, logits.argmax(1), classes),
        "mistakes.png": lambda: plots.worst_mistakes(images, labels, logits, classes),
    }
    for name, draw in figures.items():
        with atomic_write(output / name) as temporary:
            draw().savefig(temporary, format="png")
