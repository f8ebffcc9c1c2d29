"""`tp-cnn compare`: train configurations over several seeds, tabulate and draw them."""

import argparse
import os
import shlex
import sys

from tp_cnn.commands.arguments import given


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "compare",
        help="train configurations over several seeds, tabulate and draw them",
        description="Train named configurations with one budget, over several seeds. The same "
        "command again goes on where it was stopped; several may run at once on one folder.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=compare_command)
    option = command.add_argument
    option("names", nargs="*", metavar="CONFIG", help="--list shows them; none: those of part 3")
    option("--list", action="store_true", help="show the configurations, and train nothing")
    option("--seeds", type=int, default=3, help="seeds 0, 1, 2, ...")
    option("--epochs", type=int, default=15)
    option("--images", type=int, default=0, help="train images kept; 0: all")
    option("--validation", type=float, default=0.1, help="share of them held out")
    option("--dataset", default="cifar10", help="as in train")
    option("--model", help="as in train; default: cifarnet, or that of the configuration")
    option("--data", metavar="DIR", help="where data sets are, or go")
    option("--device", help="auto, cpu, cuda, cuda:N or mps; default: TP_CNN_DEVICE, or auto")
    option("--results", default="build/compare", metavar="DIR", help="created, or completed")
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

    from tp_cnn.experiments import comparison, configurations

    budget = ("dataset", "model", "images", "validation", "epochs")
    names = options.names or configurations.CUMULATIVE
    return comparison.compare(
        configurations.recipes(names, **given(options, budget)),
        options.seeds,
        options.results,
        root=options.data,
        device=options.device,
        mix=options.mix,
        progress=False if "WORLD_SIZE" in os.environ else None,
        say=tqdm.write,
    )
