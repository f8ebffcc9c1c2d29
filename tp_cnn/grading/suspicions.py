"""What in a student's cell a person must look at: told, never decided by this."""

import ast
import re

from tp_cnn.authoring.blanks import ALMOST, MARKER, RUBRIC_TITLE
from tp_cnn.authoring.parsing import parse

ASSIGNED = r"^([ \t]*)(?:[\w, ]+=[ \t]*)?"  # IPython allows files = !ls
PROGRAMS = "bash|sh|script|system|sx|sc|cmd|perl|ruby|javascript|writefile"
SHELL = re.compile(rf"{ASSIGNED}(?:!|%%?(?:{PROGRAMS})\b)", re.MULTILINE)
MAGIC = re.compile(rf"{ASSIGNED}[%!?].*$", re.MULTILINE)
MODULES = {  # module -> what it is for
    "subprocess": "lance des programmes",
    "pty": "lance des programmes",
    "ctypes": "touche à la mémoire du noyau",
    "atexit": "agit après la fin",
    "signal": "intercepte les arrêts",
    "builtins": "touche aux fonctions de Python",
    "__main__": "touche au noyau",
    "unittest": "imite des objets",
}
NAMES = {
    "__builtins__": "touche aux fonctions de Python",
    "__import__": "importe en cachette",
    "get_ipython": "agit sur le noyau",
}
ATTRIBUTES = {
    "system": "lance des programmes",
    "getoutput": "lance des programmes",
    "popen": "lance des programmes",
    "execv": "lance des programmes",
    "fork": "lance des programmes",
    "kill": "arrête des programmes",
    "_exit": "arrête le noyau",
    "settrace": "espionne l'exécution",
    "setprofile": "espionne l'exécution",
    "_getframe": "lit les variables des tests",
    "currentframe": "lit les variables des tests",
    "f_globals": "lit les variables des tests",
    "f_back": "lit les variables des tests",
    "get_referrers": "cherche les objets d'autrui",
    "get_objects": "cherche les objets d'autrui",
    "ast_transformers": "réécrit le code des tests",
    "input_transformers_post": "réécrit le code des tests",
    "__subclasses__": "cherche les objets d'autrui",
    "__code__": "réécrit des fonctions",
}
COMPARISONS = {"__eq__", "__ne__", "__bool__", "__instancecheck__"}  # of objects equal to all
COURSE = {"check", "grade", "tp_cnn"}


def parse_cell(source: str) -> ast.Module | None:
    """The tree of a cell, its magics left out; None if it is no Python."""
    return parse(MAGIC.sub(r"\1pass", source))


def suspicions(source: str, kind: str) -> list[str]:
    """In French, what in a cell is no answer to a question of the course."""
    found = []
    lines = source.splitlines()
    if any(MARKER.fullmatch(line) or ALMOST.search(line) for line in lines):
        found.append("contient des marques de correction (BEGIN, END)")
    if RUBRIC_TITLE in source:
        found.append("contient le barème du corrigé")
    if kind != "code":
        return found
    if SHELL.search(source):
        found.append("envoie des commandes au système (! ou %%bash)")
    tree = parse_cell(source)
    if tree is None:
        return found
    nodes = list(ast.walk(tree))
    course = COURSE.union(*map(_checks, nodes))
    own = {id(node) for node in tree.body if isinstance(node, ast.Assign)}
    told = {reason for node in nodes for reason in _uses(node)}
    told |= {reason for node in nodes for reason in _changes(node, course, id(node) in own)}
    return found + sorted(told)


def _checks(node: ast.AST) -> set[str]:
    """The names under which an import makes the checks known."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return set()
    module = getattr(node, "module", None) or ""
    paths = {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
    return {name.split(".")[0] for name, path in paths.items() if "tp_cnn.checks" in path}


def _uses(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.Import):
            tops = {name.split(".")[0] for name in names}
            return [f"importe {top} ({MODULES[top]})" for top in tops if top in MODULES]
        top = (node.module or "").split(".")[0]
        found = [f"importe {top} ({MODULES[top]})"] if top in MODULES else []
        if node.module in ("os", "sys", "inspect", "gc"):
            found += [
                f"utilise {name} ({ATTRIBUTES[name]})" for name in names if name in ATTRIBUTES
            ]
        return found
    if isinstance(node, ast.Name) and node.id in NAMES:
        return [f"utilise {node.id} ({NAMES[node.id]})"]
    if isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
        return [f"utilise {node.attr} ({ATTRIBUTES[node.attr]})"]
    if isinstance(node, ast.FunctionDef) and node.name in COMPARISONS:
        return [f"définit {node.name} (décide ce qui est égal)"]
    if isinstance(node, ast.Attribute) and node.attr == "modules":
        return ["utilise sys.modules"] * (getattr(node.value, "id", "") == "sys")  # not a network's
    return []


def _changes(node: ast.AST, course: set[str], own: bool) -> list[str]:
    """Whether a statement gives another meaning to the course's own functions.

    ``own``: it binds variables of the notebook. One called ``check`` changes nothing: each test
    imports the checks again.
    """
    names = []
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr" and node.args:
        names = [_root(node.args[0])]
    elif isinstance(node, ast.Assign):
        targets = [one for one in node.targets if not (own and isinstance(one, ast.Name))]
        names = [_root(target) for target in targets]
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        names = [node.name]
    return [f"modifie {name}, qui appartient au cours" for name in names if name in course]


def _root(node: ast.AST) -> str:
    """``check`` for ``check.sizes["a"]``."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return getattr(node, "id", "")
