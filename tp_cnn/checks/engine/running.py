"""Running a student's function once: on copies, in silence, and what happened told as plain data.

`plain_call` is the way to call by default. Another one may call into another process, where
`plain_call` runs: arguments and results are numbers, arrays, tensors and lists of them, and `plain`
turns all that into JSON and back.
"""

import contextlib
import copy
import inspect
import io
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Number
from pathlib import Path

import numpy as np
import torch

from tp_cnn.checks.engine.compare import show
from tp_cnn.checks.engine.limits import TimeUp

OWN_FOLDER = str(Path(__file__).parents[2])  # tp_cnn
STANDARD_LIBRARY = sysconfig.get_path("stdlib")
LONGEST_TEXT = 200


@dataclass(frozen=True)
class Failure:
    """Why a call gave no result."""

    # "blank" or "type" (it is not a function), "signature", "exception", "time" or "gradients-off"
    kind: str
    text: str = ""  # the message of the exception, or what there is in place of a function
    errors: tuple[str, ...] = ()  # the names of the class of the exception and of its parents
    place: str = ""  # the student's own line, "cellule [3], ligne 2 : return 1 / 0"


@dataclass(frozen=True)
class Returned:
    """What came of one call."""

    result: object = None
    failure: Failure | None = None
    name: str = ""  # of the function, empty for a lambda
    names: tuple[str, ...] = ()  # of its arguments, empty if they are not one each
    changed: tuple[int, ...] = ()  # the ranks of the arguments that the function modified
    printed: str = ""  # what the function wrote while it ran


Call = Callable[[object, tuple], Returned]


class Elsewhere(Exception):
    """Raised by what stands for a student's code that failed in another process.

    What was printed there must have been printed here before.
    """

    def __init__(self, outcome: Returned):
        super().__init__(outcome)
        self.outcome = outcome


def plain_call(function: object, arguments: tuple) -> Returned:
    """Call the student's ``function`` on copies of ``arguments``.

    What it prints is kept aside and its warnings are dropped: nbgrader gives no points to a cell
    that writes on stderr. Only the keyboard interrupt goes through.
    """
    if not callable(function):
        kind = "blank" if function is None or function is ... else "type"
        return Returned(failure=Failure(kind, show(function)))
    name = str(getattr(function, "__name__", ""))
    name = name if name.isidentifier() else ""  # a lambda, a nn.Module
    names = argument_names(function, arguments)
    if names is None:
        return Returned(failure=Failure("signature"), name=name)
    copies, output = copy.deepcopy(arguments), io.StringIO()
    result = failure = None
    gradients, precision = torch.is_grad_enabled(), torch.get_default_dtype()
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            result = function(*copies)
    except KeyboardInterrupt:
        raise
    except TimeUp as error:
        failure = Failure("time", place=_place(error))
    except Elsewhere as error:
        return replace(error.outcome, printed=output.getvalue())
    except BaseException as error:  # SystemExit too must not stop the kernel
        errors = tuple(kind.__name__ for kind in type(error).__mro__)
        failure = Failure("exception", _text(error), errors, _place(error))
    torch.set_default_dtype(precision)  # that of the notebook, whatever the answer asks for
    if torch.is_grad_enabled() != gradients:
        torch.set_grad_enabled(gradients)
        failure = failure or Failure("gradients-off")
    pairs = enumerate(zip(arguments, copies, strict=True))
    changed = tuple(rank for rank, (before, after) in pairs if not _same(before, after))
    return Returned(result, failure, name, names, changed, output.getvalue())


def argument_names(function: Callable, arguments: tuple) -> tuple[str, ...] | None:
    """The student's own name for each argument, () where there is none; None if they do not fit."""
    try:
        bound = inspect.signature(function).bind(*arguments).arguments
    except ValueError:  # a function written in C without a signature
        return ()
    except TypeError:
        return None
    return tuple(bound) if len(bound) == len(arguments) else ()  # not with *arguments


def _same(before: object, after: object) -> bool:
    """Compare numbers, arrays, tensors and lists of them; anything else may change freely."""
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, torch.Tensor):
        return isinstance(after, torch.Tensor) and torch.equal(before, after)
    if isinstance(before, np.ndarray | Number):
        return np.array_equal(before, after)
    return True


def _text(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())[:LONGEST_TEXT]
    except Exception:  # a class of the student's
        return ""


def _place(error: BaseException) -> str:
    """The student's own line that failed: the last one that is not in a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _in_library(frame.filename)]
    return f"{_cell(own[-1].filename)}ligne {own[-1].lineno} : {own[-1].line}" if own else ""


def _in_library(filename: str) -> bool:
    installed = "site-packages" in filename or "dist-packages" in filename
    return installed or filename.startswith((OWN_FOLDER, STANDARD_LIBRARY, "<frozen"))


def _cell(filename: str) -> str:
    """In a notebook, the number of the cell; nothing for a file."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    compiler = getattr(shell, "compile", None)
    if not hasattr(compiler, "format_code_name"):
        return ""
    label = compiler.format_code_name(filename)  # ("Cell", "In[3]"), shown as [3] beside it
    return f"cellule {label[1].removeprefix('In')}, " if label else ""
