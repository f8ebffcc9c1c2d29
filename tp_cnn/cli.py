"""The `tp-cnn` command: one module a command under `tp_cnn.commands`, which parse, call and print.

Exit codes: 0; 1 for a failure, said in one line; 2 for a wrong use of the command.
"""

import argparse
import sys
from collections.abc import Sequence

from tp_cnn import __version__
from tp_cnn.commands import build, compare, data, doctor, grade, report, run, train
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
    for command in (run, train, compare, data, build, report, grade, doctor):
        command.add(commands)
    return parser


if __name__ == "__main__":  # torchrun --nproc-per-node 2 -m tp_cnn.cli train ...
    sys.exit(main())
