"""`tp-cnn start`: the students' edition, laid out in a folder; later, its corrections brought in.

The notebooks come with the installed package (see ``data-files`` in pyproject.toml), or from the
checkout that it is imported from. A folder that was started keeps in ``.tp_cnn/`` each notebook as
it was given, so that an update tells what the student wrote from what the course said.
"""

import json
from importlib import metadata
from pathlib import Path

import tp_cnn
from tp_cnn.authoring import saved
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write, first_free

PATTERN = "[0-9][0-9]_*.ipynb"
ORIGINALS = ".tp_cnn"
UNREADABLE = "{} n'est pas un notebook lisible ({}) : il reste tel quel"


def shipped() -> list[Path]:
    """The students' notebooks, where they lie.

    Raises:
        CourseError: the package came without them.
    """
    checkout = sorted((Path(tp_cnn.__file__).parents[1] / "notebooks").glob(PATTERN))
    found = checkout or sorted(filter(Path.is_file, _installed()))
    if not found:
        raise CourseError("this package came without its notebooks: install it again, from a wheel")
    return found


def _installed() -> list[Path]:
    try:
        files = metadata.distribution("tp-cnn").files or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(file.locate()) for file in files if Path(file).match(f"notebooks/{PATTERN}")]


def nearest() -> tuple[Path, list[Path]]:
    """The folder of notebooks in which one is, going up from the working folder, and these.

    Without any: the working folder, and the notebooks that came with the package.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if found := sorted(folder.glob(PATTERN)):
            return folder, found
    return here, shipped()


def start(folder: str | Path, update: bool = False) -> list[tuple[str, str]]:
    """Lay every notebook out in ``folder``; what is there already stays as it is.

    Args:
        update: bring in what the course has corrected since, around the student's answers. The
            notebook as it was is kept in ``.tp_cnn/``.

    Returns:
        The name of each notebook, and in French what was done.

    Raises:
        CourseError: ``folder`` is a file, or a notebook in it cannot be read.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} est un fichier : donnez un dossier, nouveau ou commencé")
    return [(path.name, _lay(path, folder, update)) for path in shipped()]


def _lay(path: Path, folder: Path, update: bool) -> str:
    given = path.read_bytes()
    place, original = folder / path.name, folder / ORIGINALS / path.name
    if not place.exists():
        _write(original, given)
        _write(place, given)
        return "posé"
    there = place.read_bytes()
    before = original.read_bytes() if original.exists() else given
    if there == given or (before == given and original.exists()):
        _write(original, given)
        return "à jour, gardé tel quel"
    if not update:
        return "gardé tel quel ; une version corrigée existe : tp-cnn start --update"
    try:
        merged = given if there == before else _merged(there, before, given)
    except (saved.NotANotebook, ValueError) as error:
        raise CourseError(UNREADABLE.format(place, error)) from None
    except (KeyError, TypeError, AttributeError):  # well-formed JSON, and no cells of today's
        raise CourseError(UNREADABLE.format(place, "ancien format, ou abîmé")) from None
    aside = first_free(folder / ORIGINALS / f"{path.stem}.avant.ipynb")
    _write(aside, there)
    _write(place, merged)
    _write(original, given)
    return f"mis à jour, vos réponses gardées ; l'ancien est {ORIGINALS}/{aside.name}"


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def _merged(there: bytes, before: bytes, given: bytes) -> bytes:
    """The notebook ``given``, with what the student put into the one of ``before``."""
    saved.read(there)
    theirs = json.loads(there)["cells"]
    old = {_name(cell): cell for cell in json.loads(before)["cells"]}
    texts = {_text(cell) for cell in old.values()}
    new = json.loads(given)
    answers, extras = _of_the_student(theirs, old, texts)
    cells, known = [*extras.get("", ())], {_name(cell) for cell in new["cells"]}
    for cell in new["cells"]:
        name = _name(cell)
        their_cell = answers.pop(name, None)
        cells.append(_with_answer(cell, their_cell, old.get(name)))
        if their_cell and _is_astray(their_cell, cells[-1], old[name]):
            cells.append(_freed(their_cell))
        cells += extras.get(name, ())
    for name, after in extras.items():  # their neighbour is no longer there
        if name and name not in known:
            cells += after
    for name, cell in answers.items():  # of questions that are no longer asked
        cells += [_freed(cell)] if _text(cell) != _text(old[name]) else []
    new["cells"] = _renamed(cells)
    return (json.dumps(new, ensure_ascii=False, indent=1) + "\n").encode()


def _of_the_student(theirs: list[dict], old: dict, texts: set[str]) -> tuple[dict, dict]:
    """The course's cells that the student changed or ran, and the added ones by the cell above.

    Of a cell that was split or copied, the first that was changed; the others are added ones.
    """
    answers, extras, above = {}, {}, ""
    for cell in theirs:
        name = _name(cell)
        if name in old:
            above = name
            changed = _text(cell) != _text(old[name])
            if changed and _text(answers.get(name, old[name])) != _text(old[name]):
                extras.setdefault(name, []).append(cell)
            elif changed or (cell.get("outputs") and name not in answers):
                answers[name] = cell
        elif _text(cell).strip() and _text(cell) not in texts:
            extras.setdefault(above, []).append(cell)
    return answers, extras


def _with_answer(cell: dict, theirs: dict | None, old: dict | None) -> dict:
    """The new cell, with what the student wrote in it, and its outputs.

    Of the course's own words the corrected ones win; where they did not change, the student's do.
    """
    if theirs is None:
        return cell
    is_answer = saved.role(cell["metadata"].get("nbgrader", {})) == "answer"
    written = _text(theirs) != _text(old) and (is_answer or _text(old) == _text(cell))
    if written or _text(theirs) == _text(cell):
        kept = KEPT[cell["cell_type"]]
        return {**cell, **{key: theirs[key] for key in kept if key in theirs}}
    return cell


KEPT = {  # of each type of cell, whatever the student made of it
    "markdown": ("source", "attachments"),
    "code": ("source", "outputs", "execution_count"),
    "raw": ("source",),
}


def _is_astray(theirs: dict, cell: dict, old: dict) -> bool:
    """Whether what a student wrote in a statement or a test gives way to the corrected one."""
    locked = saved.role(cell["metadata"].get("nbgrader", {})) in ("statement", "test")
    return locked and _text(theirs) not in (_text(cell), _text(old))


def _freed(cell: dict) -> dict:
    """A cell that is a student's own from now on: any tool may delete it."""
    rest = {k: v for k, v in cell.get("metadata", {}).items() if k in ("tags", "collapsed")}
    return {**cell, "metadata": rest}


def _renamed(cells: list[dict]) -> list[dict]:
    """The same, each identifier once: notebooks demand it."""
    seen, result = set(), []
    for number, cell in enumerate(cells):
        name = cell.get("id") or f"ajout-{number}"
        name = f"ajout-{number}" if name in seen else name
        seen.add(name)
        result.append({**cell, "id": name})
    return result


def _name(cell: dict) -> str:
    """nbgrader's copy of the identifier survives the editors that change ids."""
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") or cell.get("id", "")


def _text(cell: dict) -> str:
    return saved.text_of(cell.get("source"))
