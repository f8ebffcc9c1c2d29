"""What a student's cells showed when they were saved: pictures and plain text, nothing active."""

import base64
import binascii
import copy

from tp_cnn.grading.handed_in import HandedCell, text_of

LARGEST_PICTURE = 2_000_000  # characters of base64
LARGEST_ALL = 20_000_000  # of one notebook
MOST_PICTURES = 8  # a question: the last ones
MOST_PIXELS = 25_000_000
LONGEST_TEXT = 20_000  # characters of one output
MOST_OUTPUTS = 50  # of one cell


def pictures(cell: HandedCell) -> list[str]:
    """The PNG pictures below a cell, or pasted into it, as base64."""
    bundles = [output.get("data", output) for output in cell.outputs[-MOST_OUTPUTS:]]
    bundles += list(cell.attachments.values())[:MOST_OUTPUTS]
    found = (
        _picture(bundle.get("image/png", bundle.get("png")))  # nbformat 3 says png
        for bundle in bundles
        if isinstance(bundle, dict)
    )
    return [picture for picture in found if picture]


def _picture(value: object) -> str:
    """The base64 of a PNG of a reasonable size, or ""."""
    text = text_of(value)
    if not 0 < len(text) <= LARGEST_PICTURE:
        return ""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    width, height = (int.from_bytes(raw[at : at + 4], "big") for at in (16, 20))
    if raw[:8] != b"\x89PNG\r\n\x1a\n" or not 0 < width * height <= MOST_PIXELS:
        return ""
    return base64.b64encode(raw).decode()


def within(figures: dict[str, list[str]]) -> dict[str, list[str]]:
    """The last pictures of each question, as long as all of them together are not too large."""
    kept, left = {}, LARGEST_ALL
    for question, pictures_there in figures.items():
        for picture in reversed(list(dict.fromkeys(pictures_there))[-MOST_PICTURES:]):
            if len(picture) <= left:
                left -= len(picture)
                kept.setdefault(question, []).insert(0, picture)
    return kept


def as_cell(given, cell: HandedCell, source: str):
    """A cell of nbformat: the student's, of the type and id of ``given``, with safe outputs."""
    shown = copy.deepcopy(given)
    shown.source = source
    if shown.cell_type == "code":
        shown.outputs = [new for output in cell.outputs[:MOST_OUTPUTS] for new in _safe(output)]
    return shown


def _safe(output: dict) -> list:
    from nbformat import v4

    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return [v4.new_output("stream", name=name, text=_short(output.get("text")))]
    if kind in ("error", "pyerr"):
        error = {key: _short(output.get(key)) for key in ("ename", "evalue")}
        return [v4.new_output("error", **error, traceback=[])]
    bundle = output.get("data", output)
    if not isinstance(bundle, dict):
        return []
    data = {}
    if text := _short(bundle.get("text/plain", bundle.get("text"))):
        data["text/plain"] = text
    if picture := _picture(bundle.get("image/png", bundle.get("png"))):
        data["image/png"] = picture
    return [v4.new_output("display_data", data=data)] if data else []


def _short(value: object) -> str:
    text = text_of(value).replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
