"""Calling a student's function, and telling in French what went wrong."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch

from tp_cnn.checks.engine.compare import blanks, show
from tp_cnn.checks.engine.explanations import explain
from tp_cnn.checks.engine.running import Call, Failure, Returned, argument_names, plain_call

PRINTED_LINES = 6
ERRORS = {
    "AttributeError": "cet objet n'a pas cet attribut",
    "ImportError": "module introuvable",
    "IndexError": "indice hors du tableau",
    "KeyError": "clé absente",
    "NameError": "nom inconnu",
    "OverflowError": "nombre trop grand",
    "RecursionError": "la fonction s'appelle elle-même sans fin",
    "SystemExit": "le code demande à Python de s'arrêter",
    "TypeError": "opération impossible entre ces types",
    "ValueError": "valeur ou forme qui ne convient pas",
    "ZeroDivisionError": "division par zéro",
}
BLANK_ERRORS = ("TypeError", "AttributeError")  # of a computation with « ... »
TO_FILL = "remplacez les « ... » par votre réponse."
TOO_LONG = (
    "votre code n'a pas fini dans le temps laissé : cherchez une boucle qui ne s'arrête jamais, "
    "ou un calcul bien trop long."
)

GRADIENTS_OFF = (
    "votre fonction change le calcul des gradients dans tout le notebook.\n  → Écrivez "
    "with torch.no_grad(): autour du calcul concerné : après ce bloc, tout redevient comme avant."
)


class Refused(Exception):
    """The student's code cannot be judged any further; the message says why, in French."""

    def __init__(
        self,
        message: str,
        mistake: str | None = None,
        status: str = "wrong",
        error: str = "",
        clue: str | None = None,
    ):
        super().__init__(message)
        self.mistake = mistake
        self.status = status
        self.clue = clue  # as that of a verdict
        self.error = error  # the exception that ended the student's code, class and text


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


def attempt(function: object, arguments: tuple, names: list[str], call: Call = plain_call) -> Trial:
    """Call the student's ``function`` on copies of ``arguments``.

    To see what a function does to a model, try a closure: ``attempt(lambda: function(model), (),
    [])``.

    Args:
        names: the names of the arguments, for the message about a wrong signature.
        call: how to call (see `running`).

    Raises:
        Refused: it is not a function, wrong signature, exception in the student's code, or an
            argument modified.
    """
    outcome = call(function, arguments)
    own = len(outcome.names) == len(arguments)
    named = dict(zip(outcome.names if own else names, arguments, strict=True))
    trial = Trial(outcome.result, _write_call(outcome, named), outcome.printed)
    if outcome.failure:
        raise _refusal(outcome.failure, outcome, names, trial)
    for rank in outcome.changed:
        name = list(named)[rank]
        message = trial.when(f"votre fonction modifie son argument {name}.")
        raise Refused(f"{message}\n  → Travaillez sur une copie de {name}.", "mutation")
    return trial


def require_function(student: object, names: list[str]) -> None:
    """Refuse anything but a function of as many arguments as ``names``, without calling it.

    Raises:
        Refused: it is not a function, or its signature is wrong.
    """
    if not callable(student):
        raise _not_a_function(show(student))
    if argument_names(student, (None,) * len(names)) is None:
        raise _wrong_signature(getattr(student, "__name__", ""), names)


def refuse_blanks(results: list) -> None:
    """Refuse results that are all empty: the function is still to write.

    Raises:
        Refused: as « À faire ».
    """
    if not results or not all(blanks(result) for result in results):
        return
    if any(result is None for result in results):
        message = "la fonction ne renvoie rien. Si elle est écrite, il lui manque un return."
        raise Refused(message, status="todo", clue="no-return")
    if not any(_holds_dots(result) for result in results):
        message = "un des résultats renvoyés est vide (None) : a-t-il bien été calculé ?"
        raise Refused(message, status="todo")
    raise Refused(f"dans la fonction, {TO_FILL}", status="todo")


def _holds_dots(value: object) -> bool:
    """Whether a « ... » is left, alone or in nested lists."""
    return value is ... or (isinstance(value, list | tuple) and any(map(_holds_dots, value)))


@contextlib.contextmanager
def private_draws(seed: int) -> Iterator[None]:
    """PyTorch's random numbers from ``seed``; after it, the notebook draws what it would have."""
    with torch.random.fork_rng(devices=[]):
        restart_draws(seed)
        yield


def restart_draws(seed: int) -> None:
    """Inside `private_draws`: not torch.manual_seed, which sets the GPU's generator too."""
    torch.default_generator.manual_seed(seed)


def try_all(function: Callable, tries: Iterable[tuple]) -> tuple[list[Trial], Refused | None]:
    """Call ``function`` on the arguments of each try, themselves and not copies, until it fails."""
    trials: list[Trial] = []
    for arguments in tries:
        try:
            trials.append(attempt(lambda values=arguments: function(*values), (), []))
        except Refused as refusal:
            return trials, refusal
    return trials, None


def told(printed: str) -> str:
    """What the student's code printed, as lines to add to a message."""
    lines = printed.strip().splitlines()
    if not lines:
        return ""
    shown = lines[:PRINTED_LINES] + ["..."] * (len(lines) > PRINTED_LINES)
    return "\n  Votre code a affiché :" + "".join(f"\n    {line[:120]}" for line in shown)


def _write_call(outcome: Returned, named: dict[str, object]) -> str:
    if not named:
        return ""
    name = outcome.name or "votre fonction"
    words = [f"{argument}={show(value)}" for argument, value in named.items()]
    if sum(map(len, words)) <= 70:
        return f"{name}({', '.join(words)})"
    return f"{name}(" + ",".join(f"\n    {word}" for word in words) + ")"


def _refusal(failure: Failure, outcome: Returned, names: list[str], trial: Trial) -> Refused:
    place = f"\n  {failure.place}" if failure.place else ""
    if failure.kind == "blank":
        return Refused(TO_FILL, status="todo")
    if failure.kind == "type":
        return _not_a_function(failure.text)
    if failure.kind == "signature":
        return _wrong_signature(outcome.name, names)
    if failure.kind == "time":
        return Refused(trial.when(TOO_LONG) + place + told(trial.printed), "time")
    if failure.kind == "gradients-off":
        return Refused(trial.when(GRADIENTS_OFF), "gradients-off")
    blank = any(name in failure.errors for name in BLANK_ERRORS)
    if blank and "ellipsis" in failure.text.lower():
        return Refused(f"il reste des « ... » à remplacer.{place}", status="todo")
    meaning = next((ERRORS[name] for name in failure.errors if name in ERRORS), "")
    kind = failure.errors[0] + (f" ({meaning})" if meaning else "")
    message = trial.when(f"votre code s'arrête sur une erreur.{place}\n  {kind} : {failure.text}")
    error = f"{failure.errors[0]}: {failure.text}"
    explained = explain(failure.text)
    pointer = f"\n  → {explained}" if explained else ""
    clue = "explained" if explained and failure.place else None
    return Refused(message + pointer + told(trial.printed), "exception", error=error, clue=clue)


def _not_a_function(shown: str) -> Refused:
    return Refused(f"il faut une fonction ; vous donnez {shown}.", "type")


def _wrong_signature(name: str, names: list[str]) -> Refused:
    count = f"{len(names)} argument{'s' if len(names) > 1 else ''}"
    accept = f"accepter {count}, dans cet ordre : {', '.join(names)}"
    wanted = accept if names else "pouvoir s'appeler sans argument"
    subject = name if name.isidentifier() else "votre fonction"
    return Refused(f"{subject} doit {wanted}.", "signature")
