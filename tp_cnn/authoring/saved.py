"""Reads notebooks as they were saved, whatever is in them: for the report and for grading.

`nbformat` is not used: it refuses, or takes seconds over, much of what a person still can read.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LARGEST_CELL = 200_000  # characters; the longest answer of the course has 2,000
MOST_CELLS = 20_000
BEGINNINGS = {  # of the files that are sent in place of a notebook
    b"<<<<<<<": "un fichier où git a laissé un conflit",
    b"%PDF": "un PDF",
    b"PK\3\4": "une archive zip ou un document de traitement de texte",
    b"<": "une page HTML",
    b"\x89PNG": "une image",
    b"\xff\xd8": "une image",
    b"{\\rtf": "un document de traitement de texte",
    b"\x1f\x8b": "une archive gzip",
}
INLINE = re.compile(r"data:image/(png|jpe?g);base64,([A-Za-z0-9+/=]+)")
OLD_NAMES = {"image/png": "png", "image/jpeg": "jpeg", "text/plain": "text"}  # in nbformat 3
SECTION = re.compile(r"^##? ", re.MULTILINE)


class NotANotebook(Exception):
    """Why the bytes are no notebook, in French."""


@dataclass
class SavedCell:
    """A cell as saved; everything in it has the type that is written here."""

    index: int
    type: str  # "markdown" or "code"
    source: str
    id: str = ""
    grading: dict = field(default_factory=dict)  # nbgrader's metadata
    outputs: list = field(default_factory=list)
    attachments: dict = field(default_factory=dict)  # pictures pasted into a text
    executed: bool = False

    @property
    def grade_id(self) -> str:
        return text_of(self.grading.get("grade_id"))

    @property
    def name(self) -> str:
        """Its identifier; nbgrader's copy of it survives the editors that change ids."""
        return self.grade_id or self.id

    @property
    def role(self) -> str:
        return role(self.grading)


@dataclass
class SavedNotebook:
    """A notebook as saved."""

    cells: list[SavedCell]
    kernel: str = ""  # the name of its kernel
    old: bool = False  # nbformat 3
    cut: int = 0  # cells beyond MOST_CELLS
    huge: int = 0  # cells emptied because longer than LARGEST_CELL


def read(content: bytes) -> SavedNotebook:
    """Read a notebook.

    Raises:
        NotANotebook: the bytes are something else, or a damaged notebook.
    """
    raw = _parse(content)
    if not isinstance(raw, dict):
        raise NotANotebook("du JSON, mais pas un notebook")
    old = not isinstance(raw.get("cells"), list)
    cells = raw.get("cells")
    if old:
        sheets = raw.get("worksheets")
        sheets = [s for s in sheets if isinstance(s, dict)] if isinstance(sheets, list) else []
        cells = [c for s in sheets for c in _typed(s.get("cells"), list)]
        if not sheets:
            raise NotANotebook("du JSON, mais pas un notebook : aucune liste de cellules")
    kernelspec = _typed(_typed(raw.get("metadata"), dict).get("kernelspec"), dict)
    kernel = _text(kernelspec.get("name"))[:100]
    notebook = SavedNotebook([], kernel, old, max(0, len(cells) - MOST_CELLS))
    for cell in cells[:MOST_CELLS]:
        if isinstance(cell, dict):
            notebook.cells.append(_cell(len(notebook.cells), cell, notebook))
    if not any(cell.source.strip() for cell in notebook.cells):
        raise NotANotebook("un notebook vide : aucune cellule n'a de contenu")
    return notebook


def _parse(content: bytes) -> object:
    if not content.strip(b"\0 \t\r\n"):
        raise NotANotebook(f"fichier vide ({len(content)} octets)")
    for beginning, kind in BEGINNINGS.items():
        if content.lstrip().startswith(beginning):
            raise NotANotebook(f"ce n'est pas un notebook mais {kind}")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return json.loads(content.decode(encoding))
    except UnicodeDecodeError:
        raise NotANotebook("ce n'est pas un notebook : ce n'est pas du texte") from None
    except RecursionError:
        raise NotANotebook("JSON imbriqué sans fin, qu'aucun notebook ne contient") from None
    except ValueError as error:
        reason = f"{error.msg}, ligne {error.lineno}" if hasattr(error, "lineno") else str(error)
        raise NotANotebook(f"notebook abîmé ou tronqué : JSON illisible ({reason})") from None


def _cell(index: int, raw: dict, notebook: SavedNotebook) -> SavedCell:
    kind = "code" if raw.get("cell_type") == "code" else "markdown"
    source = _text(raw.get("source", raw.get("input")))
    if raw.get("cell_type") == "heading":
        level = raw.get("level")
        source = "#" * (level if type(level) is int and 1 <= level <= 6 else 1) + " " + source
    pasted = _typed(raw.get("attachments"), dict)
    pasted = {name: _texts(bundle) for name, bundle in pasted.items() if isinstance(bundle, dict)}
    if kind == "markdown":
        source = _with_pictures_apart(source, pasted)
    if len(source) > LARGEST_CELL:
        source = ""
        notebook.huge += 1
    return SavedCell(
        index,
        kind,
        source,
        _text(raw.get("id")),
        _typed(_typed(raw.get("metadata"), dict).get("nbgrader"), dict),
        [output for output in _typed(raw.get("outputs"), list) if isinstance(output, dict)],
        pasted,
        bool(raw.get("execution_count", raw.get("prompt_number"))),
    )


def _with_pictures_apart(source: str, pasted: dict) -> str:
    """The text; the pictures that it holds itself, as Colab writes them, join those pasted."""

    def named(picture: re.Match) -> str:
        name = f"dans-le-texte-{len(pasted)}"
        pasted[name] = {f"image/{picture[1].replace('jpg', 'jpeg')}": picture[2]}
        return f"attachment:{name}"

    return INLINE.sub(named, source)


def role(grading: dict) -> str:
    """What a cell is by nbgrader's metadata: "answer", "test", "statement" or ""."""
    if grading.get("solution"):
        return "answer"
    return "test" if grading.get("grade") else "statement" if grading else ""


def written_answers(
    cells: Iterable[tuple[str, SavedCell]],
) -> Iterator[tuple[SavedCell, list[SavedCell]]]:
    """Each free-text answer, with the cells it is about, tests apart.

    They are those since the section began, or since the free-text answer before, and itself.

    Args:
        cells: role, cell.
    """
    about = []
    for role_there, cell in cells:
        if role_there == "answer" and cell.type == "markdown":
            yield cell, [*about, cell]
            about = []
        elif not role_there and cell.type == "markdown" and SECTION.search(cell.source):
            about = []
        elif role_there != "test":
            about.append(cell)


def shown(output: dict, *kinds: str) -> str:
    """What an output holds of the first of these MIME types that it has; "" without any."""
    bundle = _typed(output.get("data", output), dict)
    texts = (text_of(bundle.get(kind, bundle.get(OLD_NAMES.get(kind)))) for kind in kinds)
    return next(filter(None, texts), "")


def text_of(value: object) -> str:
    """The text of a string or a list of strings, as JSON notebooks have both; else ""."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _texts(bundle: dict) -> dict[str, str]:
    return {kind: text_of(value) for kind, value in bundle.items()}


def _text(value: object) -> str:
    """The text, without what no file and no kernel takes: NUL, halves of surrogate pairs."""
    text = text_of(value).replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode("utf-8")


def _typed(value: object, kind: type):
    return value if isinstance(value, kind) else kind()
