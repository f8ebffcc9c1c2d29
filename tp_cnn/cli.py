"""The `tp-cnn` command: reads the arguments, calls the package, prints.

Exit codes: 0; 1 for a failure, said in one line; 2 for a wrong use of the command.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from tp_cnn import __version__
from tp_cnn.commands import report as report_command
from tp_cnn.errors import CourseError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except (CourseError, OSError) as error:
        print(f"tp-cnn: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("tp-cnn: interrupted", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tp-cnn", description="A lab course on CNNs.")
    parser.add_argument("--version", action="version", version=f"tp-cnn {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_train(commands)
    _add_compare(commands)
    _add_data(commands)
    _add_build(commands)
    report_command.add(commands)
    doctor = commands.add_parser("doctor", help="check the machine: one [OK] or [FAIL] a line")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_run(commands) -> None:
    add = commands.add_parser("run", help="execute the course's notebooks, write a results page")
    add.set_defaults(run=_run)
    add.add_argument("names", nargs="*", metavar="NAME", help="such as 03; default: all")
    add.add_argument(
        "--profile", choices=["quick", "full"], help="default: TP_CNN_PROFILE, or quick"
    )
    edition = add.add_mutually_exclusive_group()
    edition.add_argument("--solutions", dest="edition", action="store_const", const="solutions")
    edition.add_argument("--notebooks", dest="edition", action="store_const", const="notebooks")
    add.set_defaults(edition="solutions")
    add.add_argument("--output", default="build/run", metavar="DIR")
    add.add_argument("--cell-timeout", type=float, default=600, metavar="SECONDS")
    add.add_argument("--notebook-timeout", type=float, default=1800, metavar="SECONDS")
    add.add_argument("--download", action="store_true", help="let the notebooks download data sets")


def _add_build(commands) -> None:
    build = commands.add_parser("build", help="build both editions of notebooks from their sources")
    build.add_argument("names", nargs="*", metavar="NAME", help="such as 03; default: all")
    build.add_argument("--no-execute", action="store_true", help="keep the outputs as they are")
    build.set_defaults(run=_build)
    questions = commands.add_parser("questions", help="list the questions of the course")
    questions.add_argument("names", nargs="*", metavar="NAME", help="such as 03; default: all")
    questions.add_argument("--json", action="store_true")
    questions.set_defaults(run=_questions)


def _add_data(commands) -> None:
    data = commands.add_parser("data", help="find, download, check and cache data sets")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    for action, text, needs_name in (
        ("status", "what is on the disk", False),
        ("fetch", "download a data set", True),
        ("verify", "compare with the official checksums", True),
        ("cache", "decode images once, so that they load at once later", True),
    ):
        add = actions.add_parser(action, help=text)
        if needs_name:
            add.add_argument("name", help="mnist, fashion-mnist or cifar10")
        add.add_argument("--data", metavar="DIR", help="where data sets are, or go")
        add.set_defaults(run=_data, action=action)


def _add_train(commands) -> None:
    add = commands.add_parser(
        "train",
        help="train a network and print its test error",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add.set_defaults(run=_train)
    option = add.add_argument
    option("--model", default="lenet5", help="lenet5, cifarnet or dense")
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


def _add_compare(commands) -> None:
    add = commands.add_parser(
        "compare",
        help="train configurations over several seeds, tabulate and draw them",
        description="Train named configurations with one budget, over several seeds. The same "
        "command again goes on where it was stopped; several may run at once on one results file.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add.set_defaults(run=_compare)
    option = add.add_argument
    option("names", nargs="*", metavar="CONFIG", help="--list shows them; none: those of part 3")
    option("--list", action="store_true", help="show the configurations, and train nothing")
    option("--seeds", type=int, default=3, help="seeds 0, 1, 2, ...")
    option("--epochs", type=int, default=15)
    option("--images", type=int, default=0, help="train images kept; 0: all")
    option("--validation", type=float, default=0.1, help="share of them held out")
    option("--dataset", default="cifar10", help="as in train")
    option("--model", default="cifarnet", help="as in train")
    option("--data", metavar="DIR", help="where data sets are, or go")
    option("--device", help="auto, cpu, cuda, cuda:N or mps; default: TP_CNN_DEVICE, or auto")
    option("--results", default="compare.jsonl", metavar="FILE", help="created, or completed")
    option("--mix", action="store_true", help="accept results of other code, data or budgets")
    option("--csv", metavar="FILE", help="write one line an epoch of all the results")
    option("--figure", metavar="FILE", help="draw the curves and the test accuracies")


MODEL_OPTIONS = ("activation", "pooling", "dropout", "batch_norm")


def _train(options) -> int:
    # Heavy imports wait until a command needs them: `tp-cnn --version` answers at once.
    from tqdm import tqdm

    from tp_cnn import recipe, runtime
    from tp_cnn.history import HEADER

    if options.output:
        Path(options.output).mkdir(parents=True, exist_ok=True)  # fail before the training
    given = _given(options, [field.name for field in fields(recipe.Recipe)])
    given.setdefault("seed", runtime.settings().seed)
    result = recipe.run(
        recipe.Recipe(**given, model_options=_given(options, MODEL_OPTIONS)),
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


def _compare(options) -> None:
    from tp_cnn import configurations, summaries

    if options.list:
        for name, one in configurations.CONFIGURATIONS.items():
            changes = {**one.changes, **one.model_options}.items()
            start = f"{one.parent} + " if one.parent else ""
            print(f"{name:<22}{start}" + ", ".join(f"{key} {value}" for key, value in changes))
        return
    runs = _run_comparison(options)
    if os.environ.get("RANK", "0") != "0":
        return  # torchrun: one process prints for all
    found = summaries.summarise(runs)
    print(summaries.table(found))
    for key, value in summaries.about(runs).items():
        print(f"{key}: {value}")
    if options.csv:
        summaries.to_csv(runs, options.csv, shlex.join(["tp-cnn", *sys.argv[1:]]))
    if options.figure:
        from tp_cnn.plots import experiments as plots

        plots.comparison(found).savefig(options.figure)


def _run_comparison(options) -> list:
    from tqdm import tqdm

    from tp_cnn import configurations, experiments

    budget = ("dataset", "model", "images", "validation", "epochs")
    names = options.names or configurations.CUMULATIVE
    return experiments.compare(
        configurations.recipes(names, **_given(options, budget)),
        options.seeds,
        options.results,
        root=options.data,
        device=options.device,
        mix=options.mix,
        progress=False if "WORLD_SIZE" in os.environ else None,
        say=tqdm.write,
    )


def _given(options, names: Iterable[str]) -> dict:
    values = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _write_results(result, folder: Path) -> None:
    from tp_cnn.plots import training as plots
    from tp_cnn.training import predict

    result.history.to_csv(folder / "history.csv")
    result.history.plot().savefig(folder / "curves.png")
    test = result.batches["test"]
    logits, labels = predict(test, result.model)
    images, classes = test.image_set.images, test.image_set.classes
    plots.confusion(labels, logits.argmax(1), classes).savefig(folder / "confusion.png")
    plots.worst_mistakes(images, labels, logits, classes).savefig(folder / "mistakes.png")
    print(f"history.csv, curves.png, confusion.png and mistakes.png are in {folder}")


def _doctor(options) -> int:
    from tp_cnn import doctor

    return 0 if doctor.report() else 1


def _run(options) -> int:
    from tp_cnn.course import run

    if not options.download:
        os.environ["TP_CNN_DOWNLOAD"] = "0"  # for the notebooks' kernels
    results = run.run(
        options.names or None,
        options.profile,
        options.edition,
        options.output,
        options.cell_timeout,
        options.notebook_timeout,
    )
    for result in results:
        print(f"{result.name:<24}{result.status:<18}{result.seconds:>6.1f} s")
    failed = [result for result in results if result.failure]
    for result in failed:
        print(f"\n{result.name}: {result.failure}", file=sys.stderr)
    print(f"results page: {Path(options.output) / 'index.html'}")
    return 1 if failed else 0


def _build(options) -> None:
    from tp_cnn.course import build, questions

    for built in build.build(options.names or None, execute=not options.no_execute):
        done = "executed" if built.executed else "not executed"
        print(f"{built.name}: {done}, {built.seconds:.1f} s")
        for note in built.notes:
            print(f"  {note}")
    if questions.update_readme():
        print("README.md: the table of notebooks is up to date")


def _questions(options) -> None:
    from tp_cnn.course import questions

    rows = questions.questions(names=options.names or None)
    print(questions.as_json(rows) if options.json else questions.as_table(rows))


def _data(options) -> int:
    from tp_cnn.data import sources

    if options.action == "verify":
        verdicts = sources.verify(options.name, options.data)
        for verdict in verdicts:
            print(f"{verdict.state:<10} {verdict.path} {verdict.detail}".rstrip())
        return 1 if any(verdict.state == "altered" for verdict in verdicts) else 0
    actions = {
        "status": lambda: sources.status(options.data),
        "fetch": lambda: sources.fetch(options.name, options.data),
        "cache": lambda: sources.build_cache(options.name, options.data),
    }
    for row in actions[options.action]():
        place = f"{row.layout} in {row.where}"
        print(f"{row.name:<14}{row.split:<7}{row.images:>7,} images  {place}  {row.note}".rstrip())
    if options.action == "status":
        print("digits and shapes need no file")
    return 0
