"""Every small change of a cell's code that a student might have written instead.

Why no library: mutmut (libcst) and cosmic-ray (parso) run a project's test suite on changed files,
and their operators are internal modules that come with a terminal interface or a database. Those
that they share with this course are the four tables and the few lines of `_constant` and
`_compare`; what students of this course do (an axis, ``eval`` for ``train``, a step moved out of
the loop, a layer left out, ``ceil`` for ``floor``) would have to be written all the same.
"""

import ast
import builtins
import copy
from collections.abc import Iterator
from dataclasses import dataclass

CONTEXT = 40  # characters kept on both sides of a change in a long line
LONG = 100

OPERATORS = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Add, ast.Div],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div, ast.Mult],
    ast.Mod: [ast.FloorDiv, ast.Mult],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}
COMPARISONS = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
EXCHANGED = [  # one of them instead of another, as a name or after a dot
    ("train", "eval"),
    ("floor", "round", "ceil"),
    ("max", "min", "mean"),
    ("maximum", "minimum"),
    ("argmax", "argmin"),
    ("mean", "sum"),
    ("std", "var"),
    ("zeros", "ones"),
    ("rand", "randn"),
    ("no_grad", "enable_grad"),
    ("MaxPool2d", "AvgPool2d"),
    ("ReLU", "LeakyReLU", "Sigmoid", "ReLU6"),
    ("BatchNorm2d", "InstanceNorm2d"),
    ("Dropout", "AlphaDropout"),
    ("SGD", "Adam"),
]
ROUNDINGS = ["A / B", "int(A / B + 0.5)", "round(A / B)", "-(-A // B)"]  # for A // B


@dataclass(frozen=True)
class Mutant:
    """A changed cell, and the change in one line: ``return a + b → return a - b``."""

    code: str
    change: str


def mutants(code: str) -> list[Mutant]:
    """The mutants of ``code``, each once; two that read the same are told apart by a number."""
    tree = ast.parse(code)
    original = ast.unparse(tree)
    found = {}
    for _ in _changes(tree):
        found.setdefault(_written(tree), None)
    found.pop(original, None)
    seen, result = {}, []
    for changed in found:
        change = describe(original, changed)
        seen[change] = seen.get(change, 0) + 1
        number = f" ({seen[change]})" if seen[change] > 1 else ""
        result.append(Mutant(changed, change + number))
    return result


def describe(before: str, after: str) -> str:
    """The lines that differ, ``before → after``; of a long line, what surrounds the change."""
    old, new = before.splitlines(), after.splitlines()
    start, end = _shared(old, new)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    margin = min(len(line) - len(line.lstrip()) for line in [*old, *new])
    one, other = ("; ".join(_tabs(line[margin:]) for line in lines) for lines in (old, new))
    if max(len(one), len(other)) > LONG:
        start, end = _shared(one, other)
        left, right = max(0, start - CONTEXT), max(0, end - CONTEXT)
        one, other = (_cut(text, left, len(text) - right) for text in (one, other))
    return f"{one or '(nothing)'} → {other or '(nothing)'}"


def _tabs(line: str) -> str:
    """Make visible what only differs by its indentation."""
    code = line.lstrip()
    return "⇥ " * ((len(line) - len(code)) // 4) + code


def _cut(text: str, start: int, end: int) -> str:
    middle = text[start:end]
    if len(middle) > 2 * LONG:
        middle = f"{middle[:LONG]} … {middle[-LONG:]}"
    return "…" * (start > 0) + middle + "…" * (end < len(text))


def _shared(old, new) -> tuple[int, int]:
    """How many lines, or characters, two texts share at their start and at their end."""
    shortest = min(len(old), len(new))
    start = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    left = shortest - start
    end = next((i for i in range(left) if old[-1 - i] != new[-1 - i]), left)
    return start, end


def _written(tree: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(tree))


def _changes(tree: ast.AST) -> Iterator[None]:
    """Make each change in ``tree`` itself, yield, and undo it."""
    for parent in list(ast.walk(tree)):
        names = [argument.arg for argument in _arguments(parent)]
        for inner in list(ast.walk(parent)) if len(names) > 1 else []:
            if isinstance(inner, ast.Name) and inner.id in names:
                for other in names:
                    yield from _with(inner, "id", other)
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list):
                for changed in _lists(parent, value):
                    yield from _with(parent, field, changed)
                for index, node in enumerate(value):
                    for changed in _nodes(node):
                        replaced = [*value[:index], changed, *value[index + 1 :]]
                        yield from _with(parent, field, replaced)
            else:
                for changed in _nodes(value):
                    yield from _with(parent, field, changed)


def _with(node: ast.AST, field: str, value: object) -> Iterator[None]:
    before = getattr(node, field)
    setattr(node, field, value)
    yield
    setattr(node, field, before)


def _arguments(node: ast.AST) -> list[ast.arg]:
    return node.args.args if isinstance(node, ast.FunctionDef) else []


def _lists(parent: ast.AST, nodes: list) -> Iterator[list]:
    """A statement, an argument or an element dropped; two neighbours exchanged; loops."""
    if nodes and all(isinstance(node, ast.stmt) for node in nodes):
        yield from _statements(parent, nodes)
    elif isinstance(parent, ast.Call | ast.Tuple | ast.List | ast.Dict | ast.comprehension):
        if isinstance(parent, ast.Dict):
            return  # a key without its value is no code
        for index in range(len(nodes)):
            yield nodes[:index] + nodes[index + 1 :]
        for index in range(len(nodes) - 1):
            if isinstance(nodes[index], ast.expr):  # the order of keywords says nothing
                yield [*nodes[:index], nodes[index + 1], nodes[index], *nodes[index + 2 :]]


def _statements(parent: ast.AST, nodes: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    for index, node in enumerate(nodes):
        before, after = nodes[:index], nodes[index + 1 :]
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            continue  # its name would be missing: the cell just stops
        if isinstance(parent, ast.Module) and isinstance(node, ast.Assign):
            continue  # likewise
        yield [*before, *after] or [ast.Pass()]
        if isinstance(node, ast.If | ast.With):
            yield [*before, *node.body, *after]
        if isinstance(node, ast.If) and node.orelse:
            yield [*before, *node.orelse, *after]
        if isinstance(node, ast.For) and after:
            longer = copy.copy(node)
            longer.body = [*node.body, after[0]]
            yield [*before, longer, *after[1:]]
        if isinstance(node, ast.For) and len(node.body) > 1:
            shorter = copy.copy(node)
            shorter.body = node.body[:-1]
            yield [*before, shorter, node.body[-1], *after]
        if after and isinstance(node, ast.Expr) and isinstance(after[0], ast.Expr):
            yield [*before, after[0], node, *after[1:]]


def _nodes(node: object) -> Iterator[ast.AST]:
    """What might stand instead of ``node``."""
    kinds = {
        ast.BinOp: _operation,
        ast.AugAssign: _augmented,
        ast.BoolOp: _operator,
        ast.UnaryOp: lambda node: [node.operand],
        ast.Compare: _compare,
        ast.Constant: _constant,
        ast.Call: _call,
        ast.Name: _exchange,
        ast.Attribute: _exchange,
        ast.Subscript: lambda node: [node.value],
        ast.Slice: _slice,
        ast.If: _condition,
        ast.IfExp: lambda node: [*_condition(node), node.body, node.orelse],
    }
    yield from kinds.get(type(node), lambda node: [])(node)


def _changed(node: ast.AST, **fields) -> ast.AST:
    node = copy.copy(node)
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _operator(node) -> list[ast.AST]:
    return [_changed(node, op=other()) for other in OPERATORS.get(type(node.op), [])]


def _operation(node: ast.BinOp) -> list[ast.AST]:
    found = [*_operator(node), node.left, node.right]
    if not isinstance(node.op, ast.Add | ast.Mult):
        found.append(_changed(node, left=node.right, right=node.left))
    if isinstance(node.op, ast.FloorDiv):
        sides = {"A": node.left, "B": node.right}
        found += [_filled(template, sides) for template in ROUNDINGS]
    return found


def _filled(template: str, sides: dict[str, ast.expr]) -> ast.expr:
    texts = {letter: f"({ast.unparse(side)})" for letter, side in sides.items()}
    text = "".join(texts.get(letter, letter) for letter in template)
    return ast.parse(text, mode="eval").body


def _augmented(node: ast.AugAssign) -> list[ast.AST]:
    return [*_operator(node), ast.Assign([node.target], node.value)]


def _compare(node: ast.Compare) -> list[ast.AST]:
    others = COMPARISONS.get(type(node.ops[0]), [])
    return [_changed(node, ops=[other(), *node.ops[1:]]) for other in others]


def _constant(node: ast.Constant) -> list[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        return [ast.Constant(not value)]
    if isinstance(value, int):
        return [ast.Constant(value + 1), ast.Constant(value - 1)]
    if isinstance(value, float):
        return [ast.Constant(other) for other in (value + 1, value - 1, value * 2, value / 2)]
    return []


def _call(node: ast.Call) -> list[ast.AST]:
    """Without the call: the object of a method, or an argument; another rounding."""
    found = [node.func.value] if isinstance(node.func, ast.Attribute) else []
    found += [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    if isinstance(node.func, ast.Name) and node.func.id == "round":
        found += [_filled(text, {"A": node.args[0]}) for text in ("int(A)", "-int(-A // 1)")]
    return found


def _exchange(node: ast.Name | ast.Attribute) -> list[ast.AST]:
    field = "id" if isinstance(node, ast.Name) else "attr"
    name = getattr(node, field)
    others = [other for group in EXCHANGED if name in group for other in group if other != name]
    if isinstance(node, ast.Name):  # another name would be unknown
        others = [other for other in others if hasattr(builtins, other)]
    return [_changed(node, **{field: other}) for other in others]


def _slice(node: ast.Slice) -> list[ast.AST]:
    sides = [side for side in ("lower", "upper", "step") if getattr(node, side)]
    return [_changed(node, **{side: None}) for side in sides]


def _condition(node) -> list[ast.AST]:
    return [_changed(node, test=ast.UnaryOp(ast.Not(), node.test))]
