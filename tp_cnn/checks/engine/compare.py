"""Reading a student's answer, whatever it is, and finding where it differs from the right one.

Nothing here raises on a strange answer, and no sentence ever holds the value that was expected.
"""

import contextlib
import types
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number

import numpy as np
import torch

from tp_cnn.display import decimal

DISPLAYED = 30  # whole numbers of an array shown in full; a larger one is shown by its shape
DISPLAYED_DECIMALS = 12  # the same for other numbers, longer to read
ROUNDED = 4  # decimals of a number that was rounded by hand
LONGEST = 1e15  # a whole number from there on is written with an exponent
DEPTH = 8  # nested lists deeper than this are not looked into
ONE_IN_A_TUPLE = (
    "vous obtenez un tuple d'un seul élément ; il faut un nombre : la virgule après return fait un "
    "tuple."
)
NAMES = {
    type(None): "rien (None)",
    type(...): "« ... »",
    dict: "un dictionnaire",
    set: "un ensemble",
    types.GeneratorType: "un générateur (yield) et non un résultat (return)",
}


@dataclass(frozen=True)
class Difference:
    """How an answer differs from another one: a sentence in French and the kind of difference."""

    # "type", "tuple", "shape", "decimal-comma", "digits", "two-results", "not-finite" or "value"
    kind: str
    sentence: str


@dataclass(frozen=True)
class Described:
    """An object that stayed in another process: what `describe` said of it there."""

    text: str

    def __repr__(self) -> str:
        return self.text


class Unreadable(Exception):
    """The answer is not made of numbers; the message says what it is, in French."""


def blanks(value: object, depth: int = DEPTH) -> int:
    """Count the cells still to fill: ``...`` or ``None``, alone or in nested lists."""
    if value is None or value is ...:
        return 1
    if isinstance(value, np.ndarray) and value.dtype == object:
        return blanks(value.tolist(), depth)
    if isinstance(value, list | tuple) and depth > 0:
        return sum(blanks(cell, depth - 1) for cell in value)
    return 0


def to_array(value: object) -> np.ndarray:
    """Turn a number, a tensor, an array or nested lists of them into a NumPy array of numbers.

    Raises:
        Unreadable: ``value`` is anything else.
    """
    if isinstance(value, str | bytes):
        raise Unreadable(f"du texte ({show(value)}) : retirez les guillemets")
    if not isinstance(value, Number | np.ndarray | torch.Tensor | list | tuple | range):
        raise Unreadable(describe(value))
    if _holds_booleans(value, DEPTH):  # NumPy reads [2, True] as [2, 1]
        raise Unreadable("des booléens (vrai ou faux)")
    try:
        array = np.asarray(_without_tensors(value))
    except ValueError:
        raise Unreadable(f"des lignes de longueurs différentes{_lengths(value)}") from None
    except Exception:  # a list may hold anything, itself included
        raise Unreadable("autre chose que des nombres") from None
    if array.dtype == object:  # Fraction, Decimal, huge integers
        with contextlib.suppress(Exception):
            array = array.astype(np.float64)
    if array.dtype.kind not in "iuf":
        kinds = {"b": "des booléens (vrai ou faux)", "c": "des nombres complexes"}
        raise Unreadable(kinds.get(array.dtype.kind, "autre chose que des nombres"))
    return array


def _lengths(rows: object) -> str:
    """How long a few rows are, " (3, 2, 3)"; nothing where some are deeper."""
    plain = isinstance(rows, list | tuple) and len(rows) <= DISPLAYED
    if not plain or not all(isinstance(row, list | tuple) for row in rows):
        return ""
    return f" ({', '.join(str(len(row)) for row in rows)})"


def _holds_booleans(value: object, depth: int) -> bool:
    if isinstance(value, bool | np.bool_):
        return True
    inside = value if isinstance(value, list | tuple) and depth > 0 else ()
    return any(_holds_booleans(cell, depth - 1) for cell in inside)


def _without_tensors(value):
    """Replace tensors, in nested lists too, by what NumPy reads (bfloat16 becomes float64)."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.double() if value.is_floating_point() else value).numpy()
    if isinstance(value, list | tuple):
        return [_without_tensors(cell) for cell in value]
    return value


def difference(
    obtained: object, wanted: object, tolerance: float, written: bool = False
) -> Difference | None:
    """Say how ``obtained`` differs from ``wanted``; None if they agree within ``tolerance``.

    Args:
        obtained: anything.
        wanted: a number, a tensor, an array or nested lists; of a known mistake, also a tuple of
            results that make no array together.
        tolerance: the largest absolute gap allowed on each value.
        written: whether ``obtained`` was written by hand; else a function returned it.
    """
    try:
        wanted = to_array(wanted).astype(np.float64)
    except Unreadable:
        return _of_tuples(obtained, wanted, tolerance)
    try:
        array = to_array(obtained)
        if isinstance(obtained, tuple) and len(obtained) == 1 and array.shape != wanted.shape:
            if wanted.ndim == 0 and not written:  # the notebook goes on with a number
                return Difference("tuple", ONE_IN_A_TUPLE)
            array = to_array(obtained[0])  # the comma of `return values,` changes nothing
    except Unreadable as reason:
        part = wrong_part(obtained, wanted)
        if part is not None:
            return _of_part(part, obtained, wanted, tolerance)
        article = "un nombre" if wanted.ndim == 0 else "un tableau de nombres"
        return Difference("type", f"vous obtenez {reason} ; il faut {article}.")
    if array.shape != wanted.shape:
        kind, hint = _several(obtained, wanted, written)
        return Difference(kind, _shape_sentence(array, wanted) + hint)
    array = array.astype(np.float64)
    # What a mistake gives may overflow too: the same infinities are the same mistake.
    alike = (array == wanted) | (np.isnan(array) & np.isnan(wanted))
    strange = ~np.isfinite(array) & ~alike
    if strange.any():
        where = np.argwhere(strange)[0].tolist()
        place = f" à l'indice {where}" if where else ""
        value = array[tuple(where)]
        reason = "NaN, « pas un nombre »" if np.isnan(value) else "l'infini"
        return Difference("not-finite", f"vous obtenez {reason}{place}.")
    with np.errstate(invalid="ignore"):
        right = alike | (np.abs(array - wanted) <= tolerance)
    return None if right.all() else Difference("value", _value_sentence(array, wanted, tolerance))


def wrong_part(obtained: object, wanted: np.ndarray) -> int | None:
    """Of a tuple of results that make no array together, the first that has not the right shape."""
    if not isinstance(obtained, tuple) or np.shape(wanted)[:1] != (len(obtained),):
        return None
    for rank, one in enumerate(obtained):
        try:
            if to_array(one).shape != wanted[rank].shape:
                return rank
        except Unreadable:
            return rank
    return None


def _of_part(part: int, obtained: object, wanted: np.ndarray, tolerance: float) -> Difference:
    one = obtained[part]
    found = difference(list(one) if isinstance(one, tuple) else one, wanted[part], tolerance)
    return Difference(found.kind, f"au résultat d'indice [{part}], {found.sentence}")


def _shape_sentence(array: np.ndarray, wanted: np.ndarray) -> str:
    if wanted.ndim == 0:
        return f"vous obtenez {show(array)} ; il faut un seul nombre."
    obtained = f"un tableau de forme {array.shape}" if array.ndim else f"le nombre {show(array)}"
    return f"vous obtenez {obtained} ; il faut un tableau de forme {wanted.shape}."


def _several(obtained: object, wanted: np.ndarray, written: bool) -> tuple[str, str]:
    """The kind of difference and a hint, where there are several numbers for one.

    In a number written in French, commas separate: 0,77 is (0, 77), and 1,191,170 three numbers.
    """
    if wanted.ndim or not isinstance(obtained, tuple):
        return "shape", ""
    if not written and len(obtained) == 2:
        return "two-results", " Votre fonction renvoie deux valeurs ; on en demande une."
    if not (written and all(type(number) is int for number in obtained)):
        return "shape", ""
    if is_whole(wanted):
        thousands = all(number == 0 or 100 <= number < 1000 for number in obtained[1:])
        hint = " Un nombre s'écrit sans virgule ni espace."
        return ("digits", hint) if thousands else ("shape", "")
    if len(obtained) != 2:
        return "shape", ""
    whole, decimals = obtained
    hint = f" En Python, les décimales viennent après un point : {whole}.{decimals}."
    return "decimal-comma", hint


def _of_tuples(obtained: object, wanted: Sequence, tolerance: float) -> Difference | None:
    """How a tuple of results differs from another one, part by part."""
    if not isinstance(obtained, list | tuple) or len(obtained) != len(wanted):
        return Difference("shape", "")
    pairs = zip(obtained, wanted, strict=True)
    return next(filter(None, (difference(*pair, tolerance) for pair in pairs)), None)


def _value_sentence(array: np.ndarray, wanted: np.ndarray, tolerance: float) -> str:
    gaps = np.abs(array - wanted)
    first = tuple(np.argwhere(gaps > tolerance)[0].tolist())  # () when the answer is one number
    precision = "" if is_whole(array) else f"à {decimal(tolerance, 'g')} près"
    direction = "trop petit" if array[first] < wanted[first] else "trop grand"
    if array.ndim == 0:
        sentence = (
            f"vous obtenez {show(array)}, c'est {direction}{precision and f' ({precision})'}."
        )
    else:
        count = _count(gaps <= tolerance)
        sentence = (
            f"vous obtenez {show(array)} ; à l'indice {list(first)}, "
            f"{show(array[first])} est {direction} ({count}{precision and f', {precision}'})."
        )
    if precision and not is_whole(wanted) and _is_rounded(array, gaps.max()):
        sentence += " L'écart est petit : gardez la valeur exacte plutôt qu'un arrondi."
    return sentence


def _is_rounded(array: np.ndarray, gap: float) -> bool:
    """Whether each value has a few decimals only, but for the error of a float32, and ``gap`` is no
    larger than what was cut.
    """
    decimals = range(ROUNDED + 1)
    few = (one for one in decimals if np.allclose(array, array.round(one), rtol=1e-6, atol=0))
    return gap <= 10.0 ** -next(few, np.inf)


def _count(right: np.ndarray) -> str:
    number = int(right.sum())
    if number == 0:
        return "aucune valeur juste"
    plural = "s" if number > 1 else ""
    return f"{number} valeur{plural} juste{plural} sur {right.size}"


def show(value: object) -> str:
    """Write a value on one line for a student: small arrays in full, large ones by their shape."""
    try:
        if isinstance(value, bool):
            text = str(value)
        elif isinstance(value, np.ndarray | torch.Tensor | list | tuple | Number):
            array = to_array(value)
            large = array.size > DISPLAYED  # a huge array is not looked into
            large = large or (array.size > DISPLAYED_DECIMALS and not is_whole(array))
            text = f"un tableau de forme {array.shape}" if large else _write(array.tolist())
        elif isinstance(value, types.GeneratorType):
            text = describe(value)  # its repr is an address
        else:
            text = " ".join(repr(value).split())
    except Exception:  # an object of the student's whose repr fails, or a list of anything
        text = f"un objet de type {type(value).__name__}"
        if type(value) is list:
            text = f"une liste de longueur {len(value)}"
    return text if len(text) <= 160 else text[:157] + "..."


def is_whole(array: np.ndarray) -> bool:
    """Say whether every value is a whole number."""
    with np.errstate(invalid="ignore"):  # infinity is not whole
        return bool((np.mod(array, 1) == 0).all())


def _write(value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_write(cell) for cell in value)}]"
    short = float(value).is_integer() and abs(value) < LONGEST
    return f"{value:.0f}" if short else f"{value:.6g}"


def describe(value: object) -> str:
    """Say in French what kind of object ``value`` is."""
    if isinstance(value, Described):
        return value.text
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return "une fonction et non sa valeur"
    return NAMES.get(type(value), f"un objet de type {type(value).__name__}")
