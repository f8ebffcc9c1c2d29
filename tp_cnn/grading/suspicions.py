"""What in a student's cell a person must look at: told with its line, never decided by this.

An answer to a question of the course computes, with what it created and what libraries offer. What
goes beyond that is told: to change an object that comes from elsewhere, to reach for Python's or
IPython's insides, to run programs, to call the course's own function in place of writing it.
"""

import ast
import re
from collections.abc import Iterator

from tp_cnn.authoring.blanks import ALMOST, MARKER, RUBRIC_TITLE
from tp_cnn.authoring.parsing import parse

ASSIGNED = r"^([ \t]*)(?:[\w, ]+=[ \t]*)?"  # IPython allows files = !ls
PROGRAMS = "bash|sh|script|system|sx|sc|cmd|perl|ruby|javascript|writefile"
INSTALLS = r"(?!!?[ \t]*(?:python\d? -m )?(?:pip|conda) )"  # `!pip install seaborn`
SHELL = re.compile(rf"{ASSIGNED}{INSTALLS}(?:!|%%?(?:{PROGRAMS})\b)", re.MULTILINE)
MAGIC = re.compile(rf"{ASSIGNED}[%!?].*$", re.MULTILINE)
SHOWN = 100  # characters of a line
MODULES = {  # module -> what it is for
    "subprocess": "lance des programmes",
    "pty": "lance des programmes",
    "ctypes": "touche à la mémoire du noyau",
    "atexit": "agit après la fin",
    "signal": "intercepte les arrêts",
    "builtins": "touche aux fonctions de Python",
    "__main__": "touche au noyau",
    "unittest": "imite des objets",
    "importlib": "importe en cachette",
    "runpy": "importe en cachette",
    "pkgutil": "importe en cachette",
    "socket": "parle à d'autres programmes",
    "inspect": "lit le code et les variables d'autrui",
    "traceback": "lit les variables des tests",
    "marshal": "réécrit des fonctions",
    "sitecustomize": "agit avant le début",
}
NAMES = {
    "__builtins__": "touche aux fonctions de Python",
    "__import__": "importe en cachette",
    "get_ipython": "agit sur le noyau",
    "exec": "exécute un texte",
    "eval": "exécute un texte",
    "compile": "exécute un texte",
    "globals": "touche aux variables du notebook",
    "vars": "touche à ce que tient un objet",
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
    "f_locals": "lit les variables des tests",
    "f_back": "lit les variables des tests",
    "tb_frame": "lit les variables des tests",
    "gi_frame": "lit les variables des tests",
    "get_referrers": "cherche les objets d'autrui",
    "get_referents": "cherche les objets d'autrui",
    "get_objects": "cherche les objets d'autrui",
    "ast_transformers": "réécrit le code des tests",
    "input_transformers_post": "réécrit le code des tests",
    "user_ns": "agit sur le noyau",
    "answer": "lit la réponse d'une vérification",
    "mistakes": "lit les erreurs connues d'une vérification",
    "judge": "remplace une vérification",
}
COMPARISONS = {"__eq__", "__ne__", "__bool__", "__instancecheck__"}  # of objects equal to all
DUNDERS = {  # that honest code reads; it may define any other
    "__name__",
    "__version__",
    "__doc__",
    "__file__",
    "__class__",
    "__init__",
    "__len__",
    "__call__",
    "__getitem__",
    "__setitem__",
    "__iter__",
    "__next__",
    "__repr__",
    "__str__",
    "__enter__",
    "__exit__",
    "__post_init__",
    "__annotations__",
    "__main__",
}
HARMLESS = {  # of modules that otherwise are of the kernel
    "sys": {
        "version",
        "version_info",
        "platform",
        "executable",
        "path",
        "getsizeof",
        "maxsize",
        "stderr",
        "stdout",
    },
    "gc": {"collect", "enable", "disable"},
}
SETTINGS = {"rcParams", "options", "backends", "environ"}  # of libraries, which are there for that
COURSE = {"check", "grade", "tp_cnn"}
LOOPS = (ast.For, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ListComp)
LOOPS += (ast.GeneratorExp, ast.SetComp, ast.DictComp)
DRAWN = ("tp_cnn.plots", "tp_cnn.display", "tp_cnn.runtime", "tp_cnn.errors", "tp_cnn.checks")


def parse_cell(source: str) -> ast.Module | None:
    """The tree of a cell, its magics left out; None if it is no Python."""
    return parse(MAGIC.sub(r"\1pass", source))


def suspicions(source: str, kind: str, given: dict[str, str] | None = None) -> list[str]:
    """In French, what in a cell is no answer to a question of the course.

    Args:
        given: what the notebook's own cells import: name -> full name (see `imported`).
    """
    found = []
    lines = source.splitlines()
    if any(MARKER.fullmatch(line) or ALMOST.search(line) for line in lines):
        found.append("contient des marques de correction (BEGIN, END)")
    if RUBRIC_TITLE in source:
        found.append("contient le barème du corrigé")
    if kind != "code":
        return found
    if match := SHELL.search(source):
        text = _line(source, source.count("\n", 0, match.start()) + 1)
        found.append(f"envoie des commandes au système (! ou %%bash){text}")
    tree = parse_cell(source)
    if tree is None:
        return found
    known = (given or {}) | imported([tree])
    told: dict[str, int] = {}  # reason -> the first line
    for node in ast.walk(tree):
        reasons = [*_uses(node, known), *_changes(node, known, node in tree.body), *_asks(node)]
        for reason in reasons:
            told.setdefault(reason, getattr(node, "lineno", 0))
    return found + sorted(reason + _line(source, line) for reason, line in told.items())


def imported(trees: list[ast.Module]) -> dict[str, str]:
    """The names that imports bind, and what they stand for: ``np`` -> "numpy"."""
    found = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def ready_functions(source: str, solution: str, given: dict[str, str]) -> list[str]:
    """In French, what of the course's own code an answer uses and the solution does not."""
    tree, right = parse_cell(source), parse_cell(solution)
    if tree is None:
        return []
    allowed = set(_course_names(right, given)) if right else set()
    told: dict[str, int] = {}
    for name, line in _course_names(tree, given).items():
        if name not in allowed:
            told.setdefault(f"emploie {name}, le code du cours", line)
    return sorted(reason + _line(source, line) for reason, line in told.items())


def _course_names(tree: ast.Module, given: dict[str, str]) -> dict[str, int]:
    """The full names of the course's objects that a cell uses, and their first lines."""
    known, found = given | imported([tree]), {}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        whole = isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner
        root = root_name(node) if whole else ""
        if known.get(root, "").startswith("tp_cnn"):
            name = f"{known[root]}{ast.unparse(node).removeprefix(root)}"
            if not name.startswith(DRAWN):
                found.setdefault(name, node.lineno)
    return found


def _line(source: str, number: int) -> str:
    lines = source.splitlines()
    text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f", ligne {number} : {text[:SHOWN]}" if text else ""


def _uses(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    """What a node reaches for."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imports(node)
    elif isinstance(node, ast.Name):
        if node.id in NAMES:
            yield f"utilise {node.id} ({NAMES[node.id]})"
        elif _is_inside(node.id):
            yield f"utilise {node.id} (touche à l'intérieur de Python)"
    elif isinstance(node, ast.Attribute):
        module = known.get(getattr(node.value, "id", ""), "")
        if node.attr in ATTRIBUTES:
            yield f"utilise {node.attr} ({ATTRIBUTES[node.attr]})"
        elif _is_inside(node.attr):
            yield f"utilise {node.attr} (touche à l'intérieur de Python)"
        elif node.attr not in HARMLESS.get(module, {node.attr}):
            yield f"utilise {module}.{node.attr} (touche à l'intérieur de Python)"
    elif isinstance(node, ast.FunctionDef) and node.name in COMPARISONS:
        yield f"définit {node.name} (décide ce qui est égal)"
    elif isinstance(node, ast.Constant) and _is_inside(str(node.value)):
        yield f"nomme {node.value[:SHOWN]} (touche à l'intérieur de Python)"


def _is_inside(name: str) -> bool:
    return re.fullmatch(r"__\w+__", name) is not None and name not in DUNDERS


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    names = [alias.name for alias in node.names]
    modules = names if isinstance(node, ast.Import) else [node.module or ""]
    for module in modules:
        top = module.split(".")[0]
        if top in MODULES:
            yield f"importe {top} ({MODULES[top]})"
        elif top == "IPython" and module != "IPython.display" and names != ["display"]:
            yield "importe IPython (agit sur le noyau)"
        elif module.startswith("tp_cnn.grading"):
            yield "importe tp_cnn.grading (touche à la correction)"
    if isinstance(node, ast.ImportFrom):
        inside = ATTRIBUTES if node.module in ("os", "sys", "inspect", "gc") else {}
        for name in names:
            if name in inside:
                yield f"utilise {name} ({inside[name]})"
            elif name not in HARMLESS.get(node.module, {name}):
                yield f"utilise {node.module}.{name} (touche à l'intérieur de Python)"


def _changes(node: ast.AST, known: dict[str, str], own: bool) -> Iterator[str]:
    """Whether a statement changes what the cell did not create: an attribute of a module or class.

    ``own``: it binds variables of the notebook. One called ``check`` changes nothing.
    """
    targets = []
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("setattr", "delattr"):
        targets = [ast.Attribute(one, "?") for one in node.args[:1]]
    elif isinstance(node, ast.Assign | ast.Delete):
        targets = [part for target in node.targets for part in _parts(target)]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in COURSE:
        yield f"modifie {node.name}, qui appartient au cours"
    for target in targets:
        root = root_name(target)
        if isinstance(target, ast.Name):
            if root in COURSE and not own:
                yield f"modifie {root}, qui appartient au cours"
        elif root in COURSE or known.get(root, "").startswith("tp_cnn"):
            yield f"modifie {root}, qui appartient au cours"
        elif root in known and not SETTINGS & _attributes(target):
            yield f"modifie {root}, qui vient d'une bibliothèque"
        elif isinstance(target, ast.Attribute) and _is_class(target.value):
            yield "modifie une classe qu'elle n'a pas créée"


def _parts(target: ast.expr) -> list[ast.expr]:
    return target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def _attributes(node: ast.AST) -> set[str]:
    return {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def _is_class(node: ast.expr) -> bool:
    """``type(x)``, or ``x.__class__``."""
    call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "type"
    return call or getattr(node, "attr", "") == "__class__"


def _asks(node: ast.AST) -> Iterator[str]:
    """Whether answers are tried one after the other until a check accepts one."""
    if not isinstance(node, LOOPS):
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and root_name(inner.func) == "check":
            yield "appelle une vérification dans une boucle ou une fonction"
            return


def root_name(node: ast.AST) -> str:
    """``check`` for ``check.sizes["a"]``; "" where no name begins it."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return getattr(node, "id", "")
