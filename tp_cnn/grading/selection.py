"""What of a notebook must be executed to grade it.

The tests, and what they depend on: the answers and the statements of the other cells that may bind
or change a name used further down. Drawings, trainings and experiments that no test uses are left
out: a person marks them, on the outputs that were handed in.
"""

import ast
import builtins
import copy
import re
import symtable
from dataclasses import dataclass, field

from tp_cnn.authoring.parsing import parse
from tp_cnn.grading.suspicions import parse_cell, root_name

DRAWING = ("tp_cnn.plots", "tp_cnn.display", "tp_cnn.authoring.report", "IPython.display")
# What these bind or change cannot be told from the text: a cell that calls them is executed.
UNKNOWN = {"exec", "eval", "globals", "locals", "vars", "setattr", "get_ipython", "*"}
BUILTINS = set(dir(builtins)) - UNKNOWN  # to call range changes nothing; to bind its name does
SETTING = re.compile(r"set_\w+|seed|manual_seed|filterwarnings|simplefilter")  # of a module


@dataclass
class Facts:
    """What a statement does with the names of the notebook."""

    reads: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)  # read when its functions are called
    touches: set[str] = field(default_factory=set)  # binds, or may change the value of
    defines: set[str] = field(default_factory=set)  # binds, whatever they were before


def needed(cells: list) -> list:
    """Copies of the code cells to execute, in order; the others cut to what is needed."""
    whole = [cell for cell in cells if cell.cell_type == "code"]
    trees = {cell.id: parse(cell.source) for cell in whole}
    modules, harmless = _imports([tree for tree in trees.values() if tree])
    own = [trees[cell.id] or parse_cell(cell.source) for cell in whole if is_added(cell)]
    reach = _reach([tree for tree in own if tree])
    late: set[str] = set()
    while True:  # until no function that is kept reads a name that was not looked for
        kept, read_later = _pass(whole, trees, modules, harmless, reach, late)
        if read_later <= late:
            return kept
        late |= read_later


def _pass(cells, trees, modules: set[str], harmless: set[str], reach: dict, late: set[str]):
    """The cells to execute, and the names that their functions read."""
    kept, wanted, read_later = [], set(), set()
    for cell in reversed(cells):
        cell, tree = copy.deepcopy(cell), trees[cell.id]
        if tree is None:
            tree = parse_cell(cell.source) if is_added(cell) else None
        if tree is None:  # a magic, or no Python
            wanted |= set(re.findall(r"\w+", cell.source))
            kept.append(cell)
            continue
        parts = [(one, _facts(one, modules, harmless)) for one in reversed(tree.body)]
        for _, facts in parts:
            _extend(facts.touches, reach)
        goal = wanted | late | UNKNOWN
        if is_solution(cell) and not any(facts.touches & goal for _, facts in parts):
            continue
        statements = []
        for statement, facts in parts:
            if is_answer(cell):
                wanted |= facts.reads
            elif facts.touches & (wanted | late | UNKNOWN):
                statement = _cut(statement, wanted | late)
                wanted = (wanted - facts.defines) | facts.reads
            elif not (is_added(cell) and _is_setting(statement, modules)):
                continue
            statements.append(statement)
            read_later |= facts.later
        if not is_answer(cell):
            cell.source = "\n".join(map(ast.unparse, statements[::-1]))
        if cell.source:
            kept.append(cell)
    return kept[::-1], read_later


def is_answer(cell) -> bool:
    """Whether a cell is an answer or a test: whole, or not at all."""
    return "nbgrader" in cell.metadata


def is_solution(cell) -> bool:
    """Whether a cell is an answer, and no test."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_added(cell) -> bool:
    """Whether a student added a cell."""
    return bool(cell.metadata.get("tp_cnn", {}).get("added"))


def is_given(cell) -> bool:
    return not is_answer(cell) and not is_added(cell)


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


def _facts(statement: ast.stmt, modules: set[str], harmless: set[str]) -> Facts:
    names = _names(statement)
    try:
        table = symtable.symtable(ast.unparse(statement), "", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return Facts(names, names, names)
    inner = _tables_below(table)
    later = {one.get_name() for below in inner for one in below.get_symbols() if one.is_global()}
    top = table.get_symbols()
    reads = later | {one.get_name() for one in top if one.is_referenced()}
    binds = {one.get_name() for one in top if one.is_assigned() or one.is_imported()}
    binds |= {"*"} & names
    changes = _changes(statement, harmless) & reads - modules - BUILTINS
    defines = binds if isinstance(statement, DEFINITIONS) else set()
    return Facts(reads, later, binds | changes, defines)


DEFINITIONS = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def _reach(own: list[ast.Module]) -> dict[str, set[str]]:
    """What else is changed with each name of a student's own cells.

    That of which it is another name, or what its function changes outside of itself.
    """
    nodes = [node for tree in own for node in ast.walk(tree)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    known = {function.name for function in functions}
    reach: dict[str, set[str]] = {}
    for function in functions:
        reach.setdefault(function.name, set()).update(_effects(function, known))
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, PARTS):
            for target in node.targets:
                reach.setdefault(root_name(target), set()).add(root_name(node.value))
    return reach


PARTS = ast.Name | ast.Attribute | ast.Subscript


def _effects(function: ast.FunctionDef | ast.AsyncFunctionDef, known: set[str]) -> set[str]:
    """The names outside of a function that it binds or changes, and the ``known`` ones it calls."""
    inside = list(ast.walk(function))
    outside = {name for node in inside if isinstance(node, ast.Global) for name in node.names}
    local = {node.arg for node in inside if isinstance(node, ast.arg)}
    local |= {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    changed = set()
    for node in inside:
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            changed.add(root_name(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changed.add(root_name(node.func))
        elif isinstance(node, ast.Call):
            changed |= {root_name(node.func)} & known
    return outside | (changed - local)


def _extend(names: set[str], reach: dict[str, set[str]]) -> None:
    """Add to names what is changed with them."""
    left = list(names)
    while left:
        new = reach.get(left.pop(), set()) - names
        names |= new
        left += new


def _tables_below(table: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    below = table.get_children()
    return [*below, *(one for child in below for one in _tables_below(child))]


def _names(tree: ast.AST) -> set[str]:
    """The names in a statement, ``*`` for ``import *``."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.alias)} & {"*"}


def _changes(tree: ast.AST, harmless: set[str]) -> set[str]:
    """The names whose value a statement may change without binding them."""
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return set()  # not before it is called
    changed = set()
    if isinstance(tree, ast.Attribute | ast.Subscript) and isinstance(tree.ctx, ast.Store):
        changed = _names(tree)
    elif isinstance(tree, ast.Call) and not _names(tree.func) <= harmless:
        changed = _names(tree)  # a method's object, or an argument
    return changed.union(*(_changes(node, harmless) for node in ast.iter_child_nodes(tree)))


def _cut(statement: ast.stmt, names: set[str]) -> ast.stmt:
    """An import without the names that nobody needs; any other statement as it is."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return statement
    wanted = [
        alias
        for alias in statement.names
        if (alias.asname or alias.name.split(".")[0]) in names | {"*"}
    ]
    return type(statement)(**{**vars(statement), "names": wanted})


def _is_setting(statement: ast.stmt, modules: set[str]) -> bool:
    """``torch.manual_seed(0)``, ``np.set_printoptions(...)``."""
    call = getattr(statement, "value", None)
    function = getattr(call, "func", None)
    return (
        isinstance(statement, ast.Expr)
        and isinstance(function, ast.Attribute)
        and SETTING.fullmatch(function.attr) is not None
        and bool(_names(function) & modules)
    )
