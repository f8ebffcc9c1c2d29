"""The `tp-cnn` command: one module a command under `tp_cnn.commands`, which parse, call and print.

Exit codes: 0; 1 for a failure, said in one line; 2 for a wrong use of the command.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from tp_cnn import __version__
from tp_cnn.commands import build, compare, data, doctor, grade, report, run, start, train
from tp_cnn.errors import CourseError

NO_MEMORY = ("allocate memory", "out of memory")  # how torch says it, of a processor and of a GPU


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console without « é » or « ★ » shows « ? »
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except BrokenPipeError:  # `tp-cnn questions | head`: nobody reads any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CourseError, OSError) as error:
        print(f"tp-cnn: {error}", file=sys.stderr)
    except (RuntimeError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else "no more"
        if isinstance(error, RuntimeError) and not any(said in reason for said in NO_MEMORY):
            raise
        print(
            f"tp-cnn: not enough memory ({reason}): take smaller batches (--batch-size) or fewer "
            "images (--images)",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("tp-cnn: interrupted", file=sys.stderr)
    return 1


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tp-cnn", description="A lab course on CNNs.")
    parser.add_argument("--version", action="version", version=f"tp-cnn {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (start, run, train, compare, data, build, report, grade, doctor):
        command.add(commands)
    return parser


if __name__ == "__main__":  # torchrun --nproc-per-node 2 -m tp_cnn.cli train ...
    sys.exit(main())
