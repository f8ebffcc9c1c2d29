"""The pictures that a student's cells showed when they were saved."""

import base64

from tp_cnn.authoring.pages import pictures as notebook_pictures
from tp_cnn.authoring.saved import SavedCell, shown

KINDS = ("image/png", "image/jpeg")
LARGEST_PICTURE = 2_000_000  # characters of base64; above, it is shrunk
WIDEST = 1600  # pixels
LARGEST_ALL = 20_000_000  # of one notebook
MOST_PICTURES = 8  # a question: the last ones
MOST_OUTPUTS = 50  # of one cell


def pictures(cell: SavedCell) -> list[str]:
    """The pictures below a cell, or pasted into it, as base64; "" for each that cannot be shown."""
    bundles = [*cell.outputs[-MOST_OUTPUTS:], *list(cell.attachments.values())[:MOST_OUTPUTS]]
    return [_picture(bundle) for bundle in bundles if shown(bundle, *KINDS)]


def _picture(output: dict) -> str:
    """The base64 of a sound PNG or JPEG, made smaller if it is large; "" without any."""
    encoded = shown(output, *KINDS)
    picture = notebook_pictures.read(encoded)
    if picture and len(encoded) > LARGEST_PICTURE:
        picture = notebook_pictures.shrunk(encoded, WIDEST)
    return base64.b64encode(picture.content).decode() if picture else ""


def within(figures: dict[str, list[str]]) -> dict[str, list[str]]:
    """The last pictures of each question, as long as all of them together are not too large."""
    kept, left = {}, LARGEST_ALL
    for question, pictures_there in figures.items():
        readable = filter(None, dict.fromkeys(pictures_there))
        for picture in reversed(list(readable)[-MOST_PICTURES:]):
            if len(picture) <= left:
                left -= len(picture)
                kept.setdefault(question, []).insert(0, picture)
    return kept
