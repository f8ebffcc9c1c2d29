"""What of a notebook must be executed to grade it.

The cells that a student wrote, the tests, and the statements of the given cells on which they
depend: those that may bind or change a name used further down. Drawings and trainings that no
answer uses are left out.
"""

import ast
import copy
import re

from tp_cnn.authoring.parsing import parse

DRAWING = ("tp_cnn.plots", "tp_cnn.display", "tp_cnn.authoring.report", "IPython.display")


def needed(cells: list) -> list:
    """Copies of the code cells to execute, in order; the given ones cut to what is needed."""
    trees = {cell.id: parse(cell.source) for cell in cells if cell.cell_type == "code"}
    modules, harmless = _imports([tree for tree in trees.values() if tree])
    kept, wanted = [], set()
    for cell in reversed(cells):
        if cell.cell_type != "code":
            continue
        cell, tree = copy.deepcopy(cell), trees[cell.id]
        if tree is None:  # a magic, or no Python
            wanted |= set(re.findall(r"\w+", cell.source))
        elif not is_given(cell):
            wanted |= _read(tree)
        else:
            statements = []
            for statement in reversed(tree.body):
                if wanted & _touched(statement, modules, harmless):
                    statements.append(statement)
                    wanted |= _read(statement)
            cell.source = "\n".join(map(ast.unparse, statements[::-1]))
        if cell.source:
            kept.append(cell)
    return kept[::-1]


def is_given(cell) -> bool:
    """Whether a cell is neither an answer, nor a test, nor one that a student added."""
    return "nbgrader" not in cell.metadata and "tp_cnn" not in cell.metadata


def _imports(trees: list[ast.Module]) -> tuple[set[str], set[str]]:
    """The names that imports bind, and those of them that only draw or announce."""
    bound, harmless = set(), {"print"}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.asname or alias.name.split(".")[0] for alias in node.names}
                bound |= names
                if isinstance(node, ast.ImportFrom):
                    origins = [f"{node.module}.{alias.name}" for alias in node.names]
                    if all(origin.startswith(DRAWING) for origin in origins):
                        harmless |= names
    return bound, harmless


def _read(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _touched(tree: ast.AST, modules: set[str], harmless: set[str]) -> set[str]:
    """The names that a cell binds, or whose value it may change."""
    bound, changed = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            changed |= _read(node)
        elif isinstance(node, ast.Call) and not _read(node.func) <= harmless:
            changed |= _read(node)  # a method's object, or an argument
    return bound | (changed - modules)
