"""Cells that must fail, before each test: where they do not, the student's code has tampered.

Tests run in the student's own process, so that tampering cannot be prevented; it shows when an
assertion passes that must fail, when an absurd answer earns points, or when the checks are no
longer those of the course. What a clean run shows is known from the control, the solution.
"""

import ast
import re
import secrets
from dataclasses import dataclass

from tp_cnn.authoring.parsing import parse
from tp_cnn.authoring.saved import role

MESSAGES = {
    "assert": "une assertion fausse n'échoue plus avant le test {}",
    "absurd": "une réponse absurde ne donne plus le résultat attendu au test {}",
    "result": "le test {} n'affiche pas un nombre de points",
}


@dataclass(frozen=True)
class Canaries:
    """The canary cells of one notebook; the nonce makes them unknown to its author."""

    nonce: str

    @classmethod
    def new(cls) -> "Canaries":
        return cls(secrets.token_hex(8))

    def put(self, notebook, imports: str = "") -> None:
        """Put two cells before each test cell of ``notebook``.

        ``imports`` is executed there too: a student may have called a variable ``check``.
        """
        cells = []
        for cell in notebook.cells:
            if is_test(cell):
                cells += self._cells(cell, imports)
            cells.append(cell)
        notebook.cells = cells

    def _cells(self, test, imports: str) -> list:
        from nbformat import v4

        absurd = absurd_test(test.source)
        checks = "fingerprint(check)" if absurd != "None" else "None"
        texts = {
            "assert": f'{imports}\nassert 1 == 2, "{self.nonce}"',
            "absurd": "from tp_cnn.checks.engine.fingerprint import fingerprint\n"
            f"({absurd}, {checks})",
        }
        return [v4.new_code_cell(text, id=self._id(kind, test.id)) for kind, text in texts.items()]

    def _id(self, kind: str, test: str) -> str:
        return f"{self.nonce}-{kind}-{test}"[:64]

    def remove(self, notebook) -> dict[tuple[str, str], str]:
        """Take the canaries out of an executed notebook.

        Returns what each one showed: ("assert" or "absurd", test) -> text, "" if nothing.
        """
        shown = {}
        by_id = {cell.id: cell for cell in notebook.cells}
        for test in [cell for cell in notebook.cells if is_test(cell)]:
            alarm = by_id.get(self._id("assert", test.id))
            absurd = by_id.get(self._id("absurd", test.id))
            shown["assert", test.id] = error(alarm).replace(self.nonce, "nonce")
            shown["absurd", test.id] = result(absurd)
            shown["result", test.id] = "shown" if _is_number(result(test)) or error(test) else ""
        notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith(self.nonce)]
        return shown


def course_imports(assignment) -> str:
    """The statements of the given cells that import the checks."""
    trees = [parse(cell.source) for cell in assignment.cells if cell.cell_type == "code"]
    statements = [node for tree in filter(None, trees) for node in tree.body]
    return "\n".join(
        ast.unparse(node)
        for node in statements
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tp_cnn.checks")
    )


def compare(shown: dict[tuple[str, str], str], control: dict[tuple[str, str], str]) -> list[str]:
    """In French, what differs from the control; at most one sentence a kind."""
    found = {}
    for (kind, test), text in control.items():
        if shown.get((kind, test)) != text:
            found.setdefault(kind, MESSAGES[kind].format(f"« {test} »"))
    return list(found.values())


def is_test(cell) -> bool:
    """Whether this is a test cell: code, with points."""
    return role(cell.metadata.get("nbgrader", {})) == "test"


def absurd_test(source: str) -> str:
    """The last expression of a test, ``grade(check.f(answer), points=2)``, with an absurd answer.

    Of a test that ends otherwise, nothing: ``None``.
    """
    try:
        last = ast.parse(source).body[-1].value
        call = last.args[0]
        call.args, call.keywords = [ast.parse("object()").body[0].value], []
        return ast.unparse(last)
    except (AttributeError, IndexError):
        return "None"


def result(cell) -> str:
    """The text of the value that a cell shows at its end, or ""."""
    outputs = cell.outputs if cell else []
    values = [one.data.get("text/plain", "") for one in outputs if _is_result(one)]
    return values[-1] if values else ""


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None


def _is_result(output) -> bool:
    return output.output_type == "execute_result"


def error(cell) -> str:
    outputs = cell.outputs if cell else []
    errors = [one for one in outputs if one.output_type == "error"]
    return f"{errors[-1].ename}: {errors[-1].evalue}" if errors else ""
