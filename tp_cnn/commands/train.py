"""`tp-cnn train`: train one network and print its test error."""

import argparse
from dataclasses import fields
from pathlib import Path

from tp_cnn.commands.arguments import given
from tp_cnn.errors import CourseError

MODEL_OPTIONS = ("activation", "pooling", "dropout", "batch_norm")


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "train",
        help="train a network and print its test error",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=train_command)
    option = command.add_argument
    option(
        "--model",
        default="lenet5",
        help="lenet5, dense, cifarnet, vgg, resnet20, ... (docs/settings.md)",
    )
    option(
        "--dataset", default="mnist", help="mnist, fashion-mnist, cifar10, digits, shapes, FOLDER"
    )
    option("--data", metavar="DIR", help="where data sets are, or go")
    option("--images", type=int, default=0, help="train images kept; 0: all")
    option("--validation", type=float, default=0.1, help="share of them held out")
    option("--epochs", type=int, default=5)
    option("--batch-size", type=int, default=128)
    option("--optimizer", default="sgd", help="sgd, adam or adamw")
    option("--lr", type=float, default=0.05, help="learning rate", dest="learning_rate")
    option("--momentum", type=float, default=0.9)
    option("--weight-decay", type=float, default=0.0)
    option("--schedule", default="exponential", help="constant, exponential, cosine or one-cycle")
    option("--decay", type=float, default=0.85, help="factor an epoch, exponential schedule")
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
    option("--output", metavar="DIR", help="write the history, the curves and the worst mistakes")


def train_command(options) -> int:
    """Train, write the results if asked, print the test error."""
    # Heavy imports wait until a command needs them: `tp-cnn --version` answers at once.
    from tqdm import tqdm

    from tp_cnn import runtime
    from tp_cnn.training import recipe
    from tp_cnn.training.history import HEADER

    if options.output:
        Path(options.output).mkdir(parents=True, exist_ok=True)  # fail before the training
    values = given(options, [field.name for field in fields(recipe.Recipe)])
    values.setdefault("seed", runtime.settings().seed)
    result = recipe.train(
        recipe.Recipe(**values, model_options=given(options, MODEL_OPTIONS)),
        root=options.data,
        device=options.device,
        say=lambda line: print(line, flush=True),
        checkpoint=options.checkpoint,
        after_epoch=lambda row: tqdm.write(f"{HEADER}\n{row}" if row.epoch == 1 else str(row)),
    )
    if options.output:
        _write_results(result, Path(options.output))
    if result.test is None:
        advice = "the same command goes on from there" if options.checkpoint else "see --checkpoint"
        raise CourseError(f"stopped after {len(result.history)} epochs: {advice}")
    total = len(result.batches["test"].image_set)
    wrong = total - round(result.test.accuracy * total)
    print(
        f"test error: {wrong / total:.2%} ({wrong} of {total:,} images, measured once, at the end)"
    )
    return 0


def _write_results(result, folder: Path) -> None:
    from tp_cnn.plots import training as plots
    from tp_cnn.training import predict

    result.history.to_csv(folder / "history.csv")
    plots.curves({"": result.history}).savefig(folder / "curves.png")
    test = result.batches["test"]
    logits, labels = predict(test, result.model)
    images, classes = test.image_set.images, test.image_set.classes
    plots.confusion(labels, logits.argmax(1), classes).savefig(folder / "confusion.png")
    plots.worst_mistakes(images, labels, logits, classes).savefig(folder / "mistakes.png")
    print(f"history.csv, curves.png, confusion.png and mistakes.png are in {folder}")
