"""What editors, students and attackers do to notebooks as JSON, and to the files around them."""

import ast
import base64
import copy
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

SCRIPT = "<script>alert('bestiaire')</script>"
IMAGE = "<img src=x onerror=alert('bestiaire')>"


def as_bytes(notebook) -> bytes:
    return json.dumps(notebook, ensure_ascii=False).encode()


def writer(student: str, files: dict[str, bytes]) -> Callable[[Path], None]:
    def write(submissions: Path) -> None:
        folder = submissions / student
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)

    return write


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def pipe(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def place_of(notebook, name: str) -> int:
    return next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == name)


def cell_of(notebook, name: str) -> dict:
    return notebook["cells"][place_of(notebook, name)]


def each_cell(notebook, change) -> None:
    for cell in notebook["cells"]:
        change(cell)


def append(notebook, names: list[str], text: str) -> None:
    for name in names:
        cell_of(notebook, name)["source"] += f"\n\n{text}"


def twice(notebook, name: str) -> None:
    notebook["cells"].insert(place_of(notebook, name), copy.deepcopy(cell_of(notebook, name)))


def take_out(notebook, name: str) -> dict:
    return notebook["cells"].pop(place_of(notebook, name))


def rename(cell: dict) -> None:
    cell["id"] = f"x-{cell['id']}"


def strip(cell: dict) -> None:
    cell.pop("id")
    cell["metadata"] = {}


def own_points(cell: dict) -> None:
    cell["metadata"]["nbgrader"]["points"] = 1000


def own_kernel(notebook) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "x", "language": "bash"}


def old_format(notebook) -> None:
    cells = notebook.pop("cells")
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    notebook.update(nbformat=3, nbformat_minor=0, worksheets=[{"cells": cells, "metadata": {}}])


def bound_names(code: str) -> list[str]:
    """The functions and variables that a cell binds."""
    body = ast.parse(code).body
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    return functions + [target.id for target in targets if isinstance(target, ast.Name)]


def wrap(cell: dict, statement: str = 'warnings.warn("attention")') -> None:
    """Have the functions of an answer do something more each time that they are called."""
    body = ast.parse(cell["source"]).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    lines = [
        "import functools, sys, warnings",
        "def more(function):",
        "    @functools.wraps(function)",
        "    def inner(*arguments, **options):",
        f"        {statement}",
        '        print("bruit", file=sys.stderr)',
        "        return function(*arguments, **options)",
        "    return inner",
        *(f"{name} = more({name})" for name in names),
    ]
    cell["source"] += "\n\n" + "\n".join(lines)


def _output(kind: str, data: str) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: data}}


def active_outputs(cell: dict) -> None:
    if cell["cell_type"] == "code":
        kinds = ("text/html", "image/svg+xml", "text/markdown", "text/plain")
        error = {"output_type": "error", "ename": SCRIPT, "evalue": IMAGE, "traceback": [SCRIPT]}
        cell["outputs"] = [*(_output(kind, SCRIPT + IMAGE) for kind in kinds), error]


def huge_outputs(cell: dict) -> None:
    if cell["cell_type"] == "code" and not cell["metadata"]:
        picture = b"\x89PNG\r\n\x1a\n" + bytes(8) + (60_000).to_bytes(4, "big") * 2 + bytes(10_000)
        cell["outputs"] = [_output("image/png", base64.b64encode(picture).decode())]
