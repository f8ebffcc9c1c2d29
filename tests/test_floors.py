"""The README's map of the rooms is true: each imports only from the floors below it.

Every import counts, wherever it stands: inside a function, or under `if TYPE_CHECKING`.
"""

import ast
import re
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tp_cnn"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def floors_of(text: str) -> dict[str, int]:
    """The floor of each room, 0 for the lowest, from the table of the architecture section."""
    section = re.search(r"^## Architecture\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    rows = re.findall(r"^\|(.*?)\|(.*?)\|.*\|$", section[1], re.MULTILINE)
    assert [cell.strip() for cell in rows[0]] == ["floor", "rooms"]
    found = [re.findall(r"`(\w+)/?`", rooms) for _, rooms in rows[2:]]
    named = [room for rooms in found for room in rooms]
    assert len(named) == len(set(named)), "a room stands on one floor"
    return {room: floor for floor, rooms in enumerate(reversed(found)) for room in rooms}


def name_of(path: Path) -> str:
    """`tp_cnn.data.files` for tp_cnn/data/files/__init__.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def named_by(statement: ast.AST, package: str) -> list[str]:
    """Every full name that an import may stand for; [] for any other statement."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        dots = "." * statement.level
        base = resolve_name(dots + (statement.module or ""), package)
        return [f"{base}.{alias.name}" for alias in statement.names]
    return []


def module_of(name: str, modules: dict[str, Path]) -> str | None:
    """The module that a full name is, or is taken from: `a.b` for `a.b` and for `a.b.function`."""
    return next((found for found in (name, name.rpartition(".")[0]) if found in modules), None)


def imports(name: str, modules: dict[str, Path]) -> set[str]:
    """The modules of the package that one of them imports."""
    path = modules[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    statements = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    named = [full for statement in statements for full in named_by(statement, package)]
    return {module_of(full, modules) for full in named} - {None, name}


IMPORTS = {name: imports(name, MODULES) for name in MODULES}


def room(module: str) -> str:
    """`data` for `tp_cnn.data.files`; the package itself is `__init__`."""
    return module.split(".")[1] if "." in module else "__init__"


def wrong_ways(graph: dict[str, set[str]], floors: dict[str, int]) -> list[str]:
    """The imports from one room into another that does not stand lower."""
    edges = ((module, target) for module, targets in graph.items() for target in targets)
    return sorted(
        f"{module} -> {target}"
        for module, target in edges
        if room(module) != room(target) and floors[room(target)] >= floors[room(module)]
    )


def reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    """All that a module imports, directly or through others."""
    found, waiting = set(), [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def circles(graph: dict[str, set[str]]) -> Iterator[str]:
    """The imports that lead back to where they stand."""
    for module, targets in graph.items():
        for target in targets:
            if module in reached(target, graph):
                yield f"{module} -> {target}"


def test_the_map_names_every_entry_of_the_package_and_no_other():
    entries = {path.stem for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert set(floors_of(README)) == entries
    assert len(entries) <= 16


def test_a_room_imports_only_from_lower_floors():
    found = wrong_ways(IMPORTS, floors_of(README))
    assert not found, "\n".join(found)


def test_no_circle_between_modules():
    found = sorted(circles(IMPORTS))
    assert not found, "\n".join(found)


MAP = """## Architecture

| floor | rooms | what |
|:---|:---|:---|
| roof | `cli` | |
| 1 | `data/`, `models/` | `cli` here is prose |
| ground | `__init__` | |

## Licence
"""


def test_floors_are_read_from_the_table():
    assert floors_of(MAP) == {"__init__": 0, "data": 1, "models": 1, "cli": 2}
    with pytest.raises(AssertionError, match="one floor"):
        floors_of(MAP.replace("`models/`", "`cli`"))


def test_lazy_and_typing_and_relative_imports_are_seen(tmp_path):
    source = tmp_path / "module.py"
    source.write_text(
        "import torch\n"
        "from typing import TYPE_CHECKING\n"
        "from tp_cnn import models\n"
        "from .files import cache\n"
        "if TYPE_CHECKING:\n    from tp_cnn.errors import CourseError\n"
        "def f():\n    import tp_cnn.plots.training as plots\n",
        encoding="utf-8",
    )
    seen = ["tp_cnn.models", "tp_cnn.data.files.cache", "tp_cnn.errors", "tp_cnn.plots.training"]
    modules = dict.fromkeys([*seen, "tp_cnn", "tp_cnn.data", "tp_cnn.data.files"])
    modules["tp_cnn.data.module"] = source
    assert imports("tp_cnn.data.module", modules) == set(seen)


def test_wrong_ways_and_circles_are_found():
    graph = {
        "tp_cnn": set(),
        "tp_cnn.cli": {"tp_cnn.data.a", "tp_cnn"},
        "tp_cnn.data.a": {"tp_cnn.data.b", "tp_cnn.models"},
        "tp_cnn.data.b": {"tp_cnn.data.a", "tp_cnn.cli"},
        "tp_cnn.models": {"tp_cnn"},
    }
    assert wrong_ways(graph, floors_of(MAP)) == [
        "tp_cnn.data.a -> tp_cnn.models",
        "tp_cnn.data.b -> tp_cnn.cli",
    ]
    assert sorted(circles(graph)) == [
        "tp_cnn.cli -> tp_cnn.data.a",
        "tp_cnn.data.a -> tp_cnn.data.b",
        "tp_cnn.data.b -> tp_cnn.cli",
        "tp_cnn.data.b -> tp_cnn.data.a",
    ]


def test_a_name_belongs_to_one_class():
    """A reader who meets `Row` or `Verdict` in a message must not wonder which one."""
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(path.relative_to(PACKAGE).as_posix())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
