"""Running a student's function: on copies, in silence, and with errors told in French."""

import contextlib
import copy
import inspect
import io
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Number
from pathlib import Path

import numpy as np
import torch

from tp_cnn.checks.engine.compare import show

OWN_FOLDER = str(Path(__file__).parents[2])  # tp_cnn
STANDARD_LIBRARY = sysconfig.get_path("stdlib")
PRINTED_LINES = 6
ERRORS = {
    AttributeError: "cet objet n'a pas cet attribut",
    ImportError: "module introuvable",
    IndexError: "indice hors du tableau",
    KeyError: "clé absente",
    NameError: "nom inconnu",
    OverflowError: "nombre trop grand",
    RecursionError: "la fonction s'appelle elle-même sans fin",
    SystemExit: "le code demande à Python de s'arrêter",
    TypeError: "opération impossible entre ces types",
    ValueError: "valeur ou forme qui ne convient pas",
    ZeroDivisionError: "division par zéro",
}


class Refused(Exception):
    """The student's code cannot be judged any further; the message says why, in French."""

    def __init__(self, message: str, mistake: str | None = None, status: str = "wrong"):
        super().__init__(message)
        self.mistake = mistake
        self.status = status


@dataclass(frozen=True)
class Trial:
    """What a student's object gave once: a value, or a function's result for some arguments."""

    result: object
    call: str = ""  # "taille(size=5, kernel=3)", empty for a value
    printed: str = ""  # what the function wrote while it ran

    def when(self, sentence: str) -> str:
        """Say for which call ``sentence`` holds."""
        if not self.call:
            return sentence
        gap = "\n  " if "\n" in self.call else " "
        return f"pour {self.call},{gap}{sentence}"


def attempt(function: Callable, arguments: tuple, names: list[str]) -> Trial:
    """Call the student's ``function`` on copies of ``arguments``.

    What it prints is kept aside and its warnings are dropped: nbgrader gives no points to a cell
    that writes on stderr. Only the keyboard interrupt goes through. To see what a function does
    to a model, try a closure: ``attempt(lambda: function(model), (), [])``.

    Args:
        names: the names of the arguments, for the message about a wrong signature.

    Raises:
        Refused: wrong signature, exception in the student's code, or an argument modified.
    """
    named = name_arguments(function, arguments, names)
    call = _write_call(function, named)
    copies = copy.deepcopy(arguments)
    output = io.StringIO()
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
    except BaseException as error:  # SystemExit too must not stop the kernel
        raise _refusal(error, Trial(None, call, output.getvalue())) from None
    trial = Trial(result, call, output.getvalue())
    for name, before, after in zip(named, arguments, copies, strict=True):
        if not _same(before, after):
            message = trial.when(f"votre fonction modifie son argument {name}.")
            advice = f"Travaillez sur une copie de {name}."
            raise Refused(f"{message}\n  → {advice}", "mutation")
    return trial


def told(printed: str) -> str:
    """What the student's code printed, as lines to add to a message."""
    lines = printed.strip().splitlines()
    if not lines:
        return ""
    shown = lines[:PRINTED_LINES] + ["..."] * (len(lines) > PRINTED_LINES)
    return "\n  Votre code a affiché :" + "".join(f"\n    {line[:120]}" for line in shown)


def name_arguments(function: Callable, arguments: tuple, names: list[str]) -> dict[str, object]:
    """Pair each argument with the student's own name for it, or ours where there is none."""
    try:
        bound = inspect.signature(function).bind(*arguments).arguments
    except ValueError:  # a function written in C without a signature
        bound = {}
    except TypeError:
        count = f"{len(names)} argument{'s' if len(names) > 1 else ''}"
        accept = f"accepter {count}, dans cet ordre : {', '.join(names)}"
        wanted = accept if names else "pouvoir s'appeler sans argument"
        raise Refused(f"{_name(function)} doit {wanted}.", "signature") from None
    own_names = len(bound) == len(arguments)  # not with *arguments
    return dict(zip(bound if own_names else names, arguments, strict=True))


def _write_call(function: Callable, named: dict[str, object]) -> str:
    if not named:
        return ""
    words = [f"{name}={show(value)}" for name, value in named.items()]
    if sum(map(len, words)) <= 70:
        return f"{_name(function)}({', '.join(words)})"
    return f"{_name(function)}(" + ",".join(f"\n    {word}" for word in words) + ")"


def _name(function: Callable) -> str:
    name = str(getattr(function, "__name__", ""))
    return name if name.isidentifier() else "votre fonction"  # a lambda, a nn.Module


def _same(before: object, after: object) -> bool:
    """Compare numbers, arrays, tensors and lists of them; anything else may change freely."""
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, torch.Tensor):
        return isinstance(after, torch.Tensor) and torch.equal(before, after)
    if isinstance(before, np.ndarray | Number):
        return np.array_equal(before, after)
    return True


def _refusal(error: BaseException, trial: Trial) -> Refused:
    place = _place(error)
    if isinstance(error, TypeError) and "ellipsis" in str(error).lower():
        return Refused(f"il reste des « ... » à remplacer.{place}", status="todo")
    meaning = next((ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS), "")
    kind = type(error).__name__ + (f" ({meaning})" if meaning else "")
    text = " ".join(str(error).split())[:200]
    message = trial.when(f"votre code s'arrête sur une erreur.{place}\n  {kind} : {text}")
    return Refused(message + told(trial.printed), "exception")


def _place(error: BaseException) -> str:
    """The student's own line that failed: the last one that is not in a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _in_library(frame.filename)]
    if not own:
        return ""
    return f"\n  {_cell(own[-1].filename)}ligne {own[-1].lineno} : {own[-1].line}"


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
