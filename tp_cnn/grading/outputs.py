"""What a student's cells showed when they were saved: pictures and plain text, nothing active."""

import base64
import copy

from tp_cnn.authoring.pages import pictures as notebook_pictures
from tp_cnn.authoring.saved import SavedCell, shown, text_of

LARGEST_PICTURE = 2_000_000  # characters of base64
LARGEST_ALL = 20_000_000  # of one notebook
MOST_PICTURES = 8  # a question: the last ones
LONGEST_TEXT = 20_000  # characters of one output
MOST_OUTPUTS = 50  # of one cell


def pictures(cell: SavedCell) -> list[str]:
    """The PNG pictures below a cell, or pasted into it, as base64."""
    bundles = [*cell.outputs[-MOST_OUTPUTS:], *list(cell.attachments.values())[:MOST_OUTPUTS]]
    return list(filter(None, map(_picture, bundles)))


def _picture(output: dict) -> str:
    """The base64 of the PNG of an output, if it is sound and of a reasonable size, or ""."""
    encoded = shown(output, "image/png")
    picture = notebook_pictures.read(encoded) if len(encoded) <= LARGEST_PICTURE else None
    is_png = picture is not None and picture.kind == "png"
    return base64.b64encode(picture.content).decode() if is_png else ""


def within(figures: dict[str, list[str]]) -> dict[str, list[str]]:
    """The last pictures of each question, as long as all of them together are not too large."""
    kept, left = {}, LARGEST_ALL
    for question, pictures_there in figures.items():
        for picture in reversed(list(dict.fromkeys(pictures_there))[-MOST_PICTURES:]):
            if len(picture) <= left:
                left -= len(picture)
                kept.setdefault(question, []).insert(0, picture)
    return kept


def as_cell(given, cell: SavedCell, source: str):
    """A cell of nbformat: the student's, of the type and id of ``given``, with safe outputs."""
    safe = copy.deepcopy(given)
    safe.source = source
    if safe.cell_type == "code":
        safe.outputs = [new for output in cell.outputs[:MOST_OUTPUTS] for new in _safe(output)]
    return safe


def _safe(output: dict) -> list:
    from nbformat import v4

    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return [v4.new_output("stream", name=name, text=_short(output.get("text")))]
    if kind in ("error", "pyerr"):
        error = {key: _short(output.get(key)) for key in ("ename", "evalue")}
        return [v4.new_output("error", **error, traceback=[])]
    found = {"text/plain": _short(shown(output, "text/plain")), "image/png": _picture(output)}
    data = {kind: text for kind, text in found.items() if text}
    return [v4.new_output("display_data", data=data)] if data else []


def _short(value: object) -> str:
    text = text_of(value).replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
