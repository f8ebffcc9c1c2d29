"""The slips that one makes in writing a formula: a factor forgotten, a sum for a product, one more.

A formula is a text, ``filters * (kernel * kernel * channels + 1)`` or ``32 * (5 * 5 * 3 + 1)``; a
slip is the same formula with one thing changed, and what to say of it in French. To say « c'est ce
que l'on trouve quand... » is then true, whatever the student did.
"""

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

FOUND = "C'est ce que l'on trouve"
AGAIN = " : relisez "
TERMS = 3  # named at most
LEAF = ast.Constant | ast.Name
OPERATIONS = {
    ast.Add: "une addition",
    ast.Sub: "une soustraction",
    ast.Mult: "une multiplication",
    ast.Div: "une division",
    ast.FloorDiv: "une division entière",
    ast.Pow: "une puissance",
}
CONFUSED = {  # what is written instead
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Add, ast.Div],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div, ast.Mult],
    ast.Pow: [ast.Mult],
}


@dataclass(frozen=True)
class Slip:
    sentence: str
    code: object  # compiled

    def value(self, names: Mapping[str, object]) -> object:
        """None where it has none: a division by zero, say."""
        try:
            return eval(self.code, {"__builtins__": {"round": round}}, dict(names))
        except (ArithmeticError, ValueError, RuntimeError, TypeError):
            return None


@dataclass(frozen=True)
class Formula:
    """A formula of the course, hence trusted.

    Attributes:
        labels: how messages call a name or a number of the text, such as ``{"5": "le côté"}``; a
            name without label is called by itself.
        names: what the names of the text stand for, from the arguments of a function; by default
            they are those of its arguments.
    """

    text: str
    labels: Mapping[str, str] = field(default_factory=dict)
    names: Callable[..., dict] | None = None

    def given(self) -> dict:
        """What the names of the text stand for, where there are no arguments."""
        return self.names() if self.names else {}

    def slips(self) -> Iterator[Slip]:
        tree = ast.parse(self.text, mode="eval")
        names = dict.fromkeys(one.id for one in ast.walk(tree) if isinstance(one, ast.Name))
        for node in list(ast.walk(tree)):
            for place, value in ast.iter_fields(node):
                for sentence, wrong in self._slips_of(value, list(names)):
                    setattr(node, place, wrong)
                    yield Slip(f"{FOUND} {sentence}.", _compiled(tree))
                setattr(node, place, value)

    def _slips_of(self, node: object, names: list[str]) -> Iterator[tuple[str, object]]:
        if isinstance(node, list):  # the argument of a call
            for sentence, wrong in self._slips_of(node[0], names) if len(node) == 1 else ():
                yield sentence, [wrong]
        if isinstance(node, ast.Constant | ast.Name):
            yield from self._counts(node)
        if isinstance(node, ast.Name):
            for other in names:
                if other != node.id:
                    wrong = ast.Name(other, ast.Load())
                    yield f"avec {self._label(wrong)} à la place {_of(self._label(node))}", wrong
        if isinstance(node, ast.BinOp):
            yield from self._operations(node)

    def _counts(self, node: ast.Constant | ast.Name) -> Iterator[tuple[str, ast.expr]]:
        label = self._label(node)
        one = ast.Constant(1)
        if not isinstance(node, ast.Constant) or isinstance(node.value, int):
            yield f"avec une unité de trop{AGAIN}{label}", ast.BinOp(node, ast.Add(), one)
            yield f"avec une unité de moins{AGAIN}{label}", ast.BinOp(node, ast.Sub(), one)
        yield f"avec un carré de trop{AGAIN}{label}", ast.BinOp(node, ast.Mult(), node)
        yield f"en comptant double{AGAIN}{label}", ast.BinOp(node, ast.Mult(), ast.Constant(2))
        yield f"avec la moitié{AGAIN}{label}", ast.BinOp(node, ast.Div(), ast.Constant(2))

    def _operations(self, node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
        for kept, lost in ((node.left, node.right), (node.right, node.left)):
            yield f"en oubliant {self._label(lost)}", kept
        right = OPERATIONS[type(node.op)]
        for other in CONFUSED[type(node.op)]:
            wrong = OPERATIONS[other]
            sentence = f"avec {wrong} à la place d'{right}{AGAIN}{self._terms(node)}"
            yield sentence, ast.BinOp(node.left, other(), node.right)
        if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv):
            swapped = ast.BinOp(node.right, node.op, node.left)
            yield f"à l'envers, pour {right}{AGAIN}{self._terms(node)}", swapped
        yield from self._without_parentheses(node)

    def _without_parentheses(self, node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
        """``a * (b + c)`` read as ``a * b + c``, and ``(a + b) // c`` as ``a + b // c``."""
        loose = (ast.Add, ast.Sub)
        if isinstance(node.op, loose):
            return
        left, right = node.left, node.right
        if isinstance(right, ast.BinOp) and isinstance(right.op, loose):
            first = ast.BinOp(left, node.op, right.left)
            yield "sans les parenthèses", ast.BinOp(first, right.op, right.right)
        if isinstance(left, ast.BinOp) and isinstance(left.op, loose):
            last = ast.BinOp(left.right, node.op, right)
            yield "sans les parenthèses", ast.BinOp(left.left, left.op, last)

    def _terms(self, node: ast.BinOp) -> str:
        """The two sides of an operation; of a long one, what it does with the second."""
        leaves = {ast.unparse(one) for one in ast.walk(node) if isinstance(one, LEAF)}
        return self._label(node if len(leaves) <= TERMS else node.right)

    def _label(self, node: ast.expr) -> str:
        """A part of the formula in French: its label, or what it is made of."""
        if isinstance(node, LEAF):
            text = ast.unparse(node)
            return self.labels.get(text, text)
        leaves = [one for one in ast.walk(node) if isinstance(one, LEAF)]
        named = list(dict.fromkeys(map(self._label, leaves)))
        return f"{', '.join(named[:-1])} et {named[-1]}" if len(named) > 1 else named[0]


def _of(label: str) -> str:
    contracted = {"le": "du", "les": "des"}
    first, _, rest = label.partition(" ")
    return f"{contracted[first]} {rest}" if first in contracted else f"de {label}"


def of_convolution(filters: int, side: int, channels: int) -> Formula:
    """Its weights: a bias a filter, and a weight a place and channel."""
    labels = {
        "side": "le côté du filtre",
        "channels": "le nombre de canaux lus",
        "filters": "le nombre de filtres",
        "1": "le biais",
    }
    sizes = {"filters": filters, "side": side, "channels": channels}
    return Formula("(side * side * channels + 1) * filters", labels, lambda: sizes)


def of_dense(units: int, inputs: int) -> Formula:
    """Its weights: a bias a neuron, and a weight an input."""
    labels = {
        "inputs": "le nombre de valeurs reçues",
        "units": "le nombre de neurones",
        "1": "le biais",
    }
    sizes = {"units": units, "inputs": inputs}
    return Formula("(inputs + 1) * units", labels, lambda: sizes)


def of_maps(units: int, maps: int, side: int) -> Formula:
    """The weights of a dense layer that reads ``maps`` maps of ``side`` × ``side``."""
    labels = {
        "maps": "le nombre de cartes lues",
        "side": "leur côté",
        "units": "le nombre de neurones",
        "1": "le biais",
    }
    sizes = {"units": units, "maps": maps, "side": side}
    return Formula("(maps * side * side + 1) * units", labels, lambda: sizes)


def _compiled(tree: ast.Expression) -> object:
    return compile(ast.fix_missing_locations(copy.deepcopy(tree)), "<formula>", "eval")
