"""What a test cell asks for, read from its text: which check, of which expression, for how many
points. A test is not executed in the student's process: the grader carries it out (see `judge`).
"""

import ast
from dataclasses import dataclass

from tp_cnn.authoring.parsing import parse
from tp_cnn.authoring.saved import role
from tp_cnn.errors import CourseError

CHECKS = "tp_cnn.checks"
GRADE = "engine.framework.grade"
FORM = "grade(check.name(answer, seed=1), points=2), below lines such as check.name(answer)"


@dataclass(frozen=True)
class Step:
    """One statement of a test cell: a check of what an expression gives."""

    check: str  # "lenet.lenet5"
    answer: str  # the expression, "build_lenet5"
    seed: int = 0
    points: float | None = None  # of the last step


def is_test(cell) -> bool:
    """Whether this is a test cell: code, with points."""
    return role(cell.metadata.get("nbgrader", {})) == "test"


def tests(assignment) -> dict[str, list[Step]]:
    """The steps of each test cell, by its identifier.

    Raises:
        CourseError: a test is of another form.
    """
    known = _imports(assignment)
    return {cell.id: _steps(cell, known) for cell in assignment.cells if is_test(cell)}


def _imports(assignment) -> dict[str, str]:
    """What the given cells import of the checks: ``check`` -> "lenet"."""
    trees = [parse(cell.source) for cell in assignment.cells if cell.cell_type == "code"]
    nodes = [node for tree in filter(None, trees) for node in tree.body]
    found = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(CHECKS):
            module = node.module.removeprefix(CHECKS).lstrip(".")
            for alias in node.names:
                found[alias.asname or alias.name] = f"{module}.{alias.name}".lstrip(".")
    return found


def _steps(cell, known: dict[str, str]) -> list[Step]:
    try:
        steps = [_step(statement.value, known) for statement in ast.parse(cell.source).body]
    except (AttributeError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise CourseError(
            f"test {cell.id!r} cannot be judged from outside the student's process "
            f"({type(error).__name__}: {error}); expected {FORM}"
        ) from error
    points = [step.points for step in steps]
    if not steps or points[-1] is None or any(one is not None for one in points[:-1]):
        raise CourseError(f"test {cell.id!r} must end with its points; expected {FORM}")
    return steps


def _step(call: ast.Call, known: dict[str, str], points: float | None = None) -> Step:
    options = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
    (first,) = call.args
    if known.get(getattr(call.func, "id", "")) == GRADE:
        return _step(first, known, float(options["points"]))
    names = ast.unparse(call.func).split(".")
    names[0] = known[names[0]]
    return Step(".".join(names), ast.unparse(first), int(options.get("seed", 0)), points)
