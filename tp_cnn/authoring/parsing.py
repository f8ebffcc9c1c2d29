"""Reading a student's code as Python, whatever it holds."""

import ast


def parse(code: str) -> ast.Module | None:
    """The tree of ``code``; None if it is no Python, or too deep for the parser."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
