"""`tp-cnn compare`: train configurations over several seeds, tabulate and draw them."""

import argparse
import shlex
import sys
from pathlib import Path

from tp_cnn.commands.arguments import (
    begins_with,
    check_file,
    count,
    folder,
    given,
    share_or_count,
)
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write

FIGURES = {  # suffix -> how such a file begins
    ".png": b"\x89PNG",
    ".pdf": b"%PDF",
    ".svg": b"<?xml",
    ".jpg": b"\xff\xd8",
}


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "compare",
        help="train configurations over several seeds, tabulate and draw them",
        description="Train named configurations with one budget, over several seeds. The same "
        "command again goes on where it was stopped.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=compare_command)
    option = command.add_argument
    option("names", nargs="*", metavar="CONFIG", help="--list shows them; none: those of part 3")
    option("--list", action="store_true", help="show the configurations, and train nothing")
    option("--seeds", type=count(1000), default=3, help="seeds 0, 1, 2, ...")
    option("--epochs", type=int, default=15)
    option("--images", type=int, default=0, help="train images kept; 0: all")
    option("--validation", type=share_or_count, default=0.1, help="share or number held out")
    option("--dataset", default="cifar10", help="as in train")
    option("--model", help="as in train; default: cifarnet, or that of the configuration")
    option("--data", type=folder, metavar="DIR", help="where data sets are, or go")
    option("--device", help="auto, cpu, cuda, cuda:N or mps; default: TP_CNN_DEVICE, or auto")
    option("-j", "--jobs", type=count(64), default=1, metavar="N", help="trainings at once")
    option("--scheduler", metavar="ADDRESS", help="Dask cluster that trains, tcp://HOST:PORT")
    option("--results", type=folder, default="build/compare", metavar="DIR", help="new, or begun")
    option("--mix", action="store_true", help="accept results of other code, data or budgets")
    option("--csv", metavar="FILE", help="write one line an epoch of all the results")
    option("--figure", metavar="FILE", help="draw the curves and the test accuracies")


def compare_command(options) -> None:
    """Train what is not done yet, then print, tabulate and draw all the results."""
    from tp_cnn.experiments import configurations, summaries

    if options.list:
        for name, one in configurations.CONFIGURATIONS.items():
            changes = {**one.changes, **one.model_options}.items()
            start = f"{one.parent} + " if one.parent else ""
            print(f"{name:<22}{start}" + ", ".join(f"{key} {value}" for key, value in changes))
        return
    _check_files(options)
    runs = _run_comparison(options)
    found = summaries.summarise(runs)
    print(summaries.table(found))
    for key, value in summaries.about(runs).items():
        print(f"{key}: {value}")
    if options.csv:
        summaries.to_csv(runs, options.csv, shlex.join(["tp-cnn", *sys.argv[1:]]))
    if options.figure:
        from tp_cnn.plots import experiments as plots

        with atomic_write(options.figure) as temporary:
            kind = Path(options.figure).suffix[1:].lower()
            plots.comparison(found).savefig(temporary, format=kind)


def _check_files(options) -> None:
    results = Path(options.results).resolve()
    for option, path in (("--csv", options.csv), ("--figure", options.figure)):
        if path and results in Path(path).resolve().parents:
            raise CourseError(
                f"{option} {path}: {options.results} is for results alone; give a place outside it"
            )
    check_file(options.csv, "--csv", begins_with(b"# command: "))
    if options.figure:
        suffix = Path(options.figure).suffix.lower()
        if suffix not in FIGURES:
            raise CourseError(
                f"--figure {options.figure}: expected a name that ends with one of "
                f"{', '.join(FIGURES)}"
            )
        check_file(options.figure, "--figure", begins_with(FIGURES[suffix]))


def _run_comparison(options) -> list:
    from tqdm import tqdm

    from tp_cnn.experiments import comparison, configurations

    budget = ("dataset", "model", "images", "validation", "epochs")
    names = options.names or configurations.CUMULATIVE
    return comparison.compare(
        configurations.recipes(names, **given(options, budget)),
        options.seeds,
        options.results,
        root=options.data,
        device=options.device,
        jobs=options.jobs,
        scheduler=options.scheduler,
        mix=options.mix,
        say=tqdm.write,
    )
