"""Reading a student's code as Python, whatever it holds."""

import ast

TELLING = {"print", "display", "Markdown"}  # what shows a text


def parse(code: str) -> ast.Module | None:
    """The tree of ``code``; None if it is no Python, or too deep for the parser."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def only_says(tree: ast.Module | None) -> bool:
    """Whether a cell computes nothing: no Python at all, comments, or nothing but texts."""
    if tree is None:
        return True
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names <= TELLING and all(isinstance(node, ast.Expr) for node in tree.body)
