"""Reads the bytes of a notebook that a student handed in, whatever they are.

`nbformat` is not used: it refuses, or takes seconds over, much of what a person still can read.
"""

import json
from dataclasses import dataclass, field

LARGEST_CELL = 200_000  # characters; the longest answer of the course has 2,000
MOST_CELLS = 20_000
BEGINNINGS = {  # of the files that are sent in place of a notebook
    b"%PDF": "un PDF",
    b"PK\3\4": "une archive zip ou un document de traitement de texte",
    b"<": "une page HTML",
    b"\x89PNG": "une image",
    b"\xff\xd8": "une image",
    b"{\\rtf": "un document de traitement de texte",
    b"\x1f\x8b": "une archive gzip",
}
ASK = "demander de nouveau le fichier .ipynb, enregistré par Jupyter"


class NotANotebook(Exception):
    """Why the bytes are no notebook, in French."""


@dataclass
class HandedCell:
    """A cell as handed in; everything in it has the type that is written here."""

    index: int
    type: str  # "markdown" or "code"
    source: str
    id: str = ""
    grading: dict = field(default_factory=dict)  # nbgrader's metadata
    outputs: list = field(default_factory=list)
    attachments: dict = field(default_factory=dict)  # pictures pasted into a markdown cell


@dataclass
class Handed:
    """A notebook as handed in."""

    cells: list[HandedCell]
    kernel: str = ""  # the name of its kernel
    old: bool = False  # nbformat 3
    cut: int = 0  # cells beyond MOST_CELLS
    huge: int = 0  # cells emptied because longer than LARGEST_CELL


def read(content: bytes) -> Handed:
    """Read a notebook.

    Raises:
        NotANotebook: the bytes are something else, or a damaged notebook.
    """
    raw = _parse(content)
    if not isinstance(raw, dict):
        raise NotANotebook(f"du JSON, mais pas un notebook ; {ASK}")
    old = not isinstance(raw.get("cells"), list)
    cells = raw.get("cells")
    if old:
        sheets = raw.get("worksheets")
        sheets = [s for s in sheets if isinstance(s, dict)] if isinstance(sheets, list) else []
        cells = [c for s in sheets for c in _typed(s.get("cells"), list)]
        if not sheets:
            raise NotANotebook(f"du JSON, mais pas un notebook : aucune liste de cellules ; {ASK}")
    kernelspec = _typed(_typed(raw.get("metadata"), dict).get("kernelspec"), dict)
    handed = Handed([], _text(kernelspec.get("name"))[:100], old, max(0, len(cells) - MOST_CELLS))
    for cell in cells[:MOST_CELLS]:
        if isinstance(cell, dict):
            handed.cells.append(_cell(len(handed.cells), cell, handed))
    if not any(cell.source.strip() for cell in handed.cells):
        raise NotANotebook(f"un notebook vide : aucune cellule n'a de contenu ; {ASK}")
    return handed


def _parse(content: bytes) -> object:
    if not content.strip(b"\0 \t\r\n"):
        raise NotANotebook(f"fichier vide ({len(content)} octets) ; {ASK}")
    for beginning, kind in BEGINNINGS.items():
        if content.lstrip().startswith(beginning):
            raise NotANotebook(f"ce n'est pas un notebook mais {kind} ; {ASK}")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return json.loads(content.decode(encoding))
    except UnicodeDecodeError:
        raise NotANotebook(f"ce n'est pas un notebook : ce n'est pas du texte ; {ASK}") from None
    except RecursionError:
        raise NotANotebook(
            f"JSON imbriqué sans fin, qu'aucun notebook ne contient ; {ASK}"
        ) from None
    except ValueError as error:
        reason = f"{error.msg}, ligne {error.lineno}" if hasattr(error, "lineno") else str(error)
        raise NotANotebook(
            f"notebook abîmé ou tronqué : JSON illisible ({reason}) ; {ASK}"
        ) from None


def _cell(index: int, raw: dict, handed: Handed) -> HandedCell:
    kind = "code" if raw.get("cell_type") == "code" else "markdown"
    source = _text(raw.get("source", raw.get("input")))
    if raw.get("cell_type") == "heading":
        level = raw.get("level")
        source = "#" * (level if type(level) is int and 1 <= level <= 6 else 1) + " " + source
    if len(source) > LARGEST_CELL:
        source = ""
        handed.huge += 1
    return HandedCell(
        index,
        kind,
        source,
        _text(raw.get("id")),
        _typed(_typed(raw.get("metadata"), dict).get("nbgrader"), dict),
        [output for output in _typed(raw.get("outputs"), list) if isinstance(output, dict)],
        _typed(raw.get("attachments"), dict),
    )


def text_of(value: object) -> str:
    """The text of a string or a list of strings, as JSON notebooks have both; else ""."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _text(value: object) -> str:
    """The text, without what no file and no kernel takes: NUL, halves of surrogate pairs."""
    text = text_of(value).replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode("utf-8")


def _typed(value: object, kind: type):
    return value if isinstance(value, kind) else kind()
