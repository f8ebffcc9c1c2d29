"""`tp-cnn run`: execute the notebooks, write a results page."""

import os
import sys
from pathlib import Path

from tp_cnn.commands.arguments import count, folder, seconds


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "run", help="execute the course's notebooks, write a results page"
    )
    command.set_defaults(run=run_command)
    command.add_argument("names", nargs="*", metavar="NAME", help="such as 03; default: all")
    command.add_argument(
        "--profile", choices=["quick", "full"], help="default: TP_CNN_PROFILE, or quick"
    )
    edition = command.add_mutually_exclusive_group()
    edition.add_argument("--solutions", dest="edition", action="store_const", const="solutions")
    edition.add_argument("--notebooks", dest="edition", action="store_const", const="notebooks")
    command.set_defaults(edition="solutions")
    command.add_argument("--output", type=folder, default="build/run", metavar="DIR")
    command.add_argument("--cell-timeout", type=seconds, default=600, metavar="SECONDS")
    command.add_argument("--notebook-timeout", type=seconds, default=1800, metavar="SECONDS")
    command.add_argument(
        "-j",
        "--jobs",
        type=count(64),
        metavar="N",
        help="notebooks at once; default: 2, or 1 on a single core",
    )
    command.add_argument(
        "--download", action="store_true", help="let the notebooks download data sets"
    )


def run_command(options) -> int:
    """Execute the notebooks, print a line each."""
    import joblib

    from tp_cnn.authoring import run as notebooks

    if not options.download:
        os.environ["TP_CNN_DOWNLOAD"] = "0"  # for the notebooks' kernels
    results = notebooks.run_notebooks(
        options.names or None,
        options.profile,
        options.edition,
        options.output,
        options.cell_timeout,
        options.notebook_timeout,
        jobs=options.jobs or min(2, joblib.cpu_count()),
    )
    for result in results:
        print(f"{result.name:<24}{result.status:<18}{result.seconds:>6.1f} s")
    failed = [result for result in results if result.failure]
    for result in failed:
        print(f"\n{result.name}: {result.failure}", file=sys.stderr)
    print(f"results page: {Path(options.output) / 'index.html'}")
    return 1 if failed else 0
