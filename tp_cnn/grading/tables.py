"""CSV files as spreadsheets and people write them: read whatever their encoding, written safely."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from tp_cnn.errors import CourseError

LARGEST = 20_000_000  # bytes
FRENCH = "éèêëàâùûîïôçœÉÈÊÀÇ’"


@dataclass(frozen=True)
class SheetTable:
    """The rows of a file, and how it was written."""

    rows: list[list[str]]
    delimiter: str = ","
    encoding: str = "utf-8"


def read(path: Path) -> SheetTable:
    """Read a CSV file: UTF-8, UTF-16, Windows or Mac Roman; commas, semicolons or tabs.

    Raises:
        CourseError: it cannot be read, or is no CSV file.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path}: cannot read this CSV file ({error.strerror})") from None
    if len(raw) > LARGEST:
        raise CourseError(f"{path}: {len(raw) / 1e6:.0f} MB; expected a CSV file of a class")
    text, encoding = _decoded(raw)
    text = re.sub("\r\n?", "\n", text.replace("\0", ""))
    text = re.sub("^sep=.\n", "", text, flags=re.IGNORECASE)  # what Excel reads
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        return SheetTable(rows, delimiter, encoding)
    except csv.Error as error:
        raise CourseError(f"{path}: not a CSV file ({error}); expected one line a row") from None


def _decoded(raw: bytes) -> tuple[str, str]:
    """The text and its encoding; of two code pages, the one that gives more French letters."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace"), "utf-16"
    if len(raw) > 1 and raw[1] == 0:  # UTF-16 without its mark
        return raw.decode("utf-16-le", "replace"), "utf-16-le"
    try:
        marked = raw.startswith(b"\xef\xbb\xbf")
        return raw.decode("utf-8-sig"), "utf-8-sig" if marked else "utf-8"
    except UnicodeDecodeError:
        texts = {name: raw.decode(name, "replace") for name in ("cp1252", "mac_roman")}
    encoding = max(texts, key=lambda name: sum(map(texts[name].count, FRENCH)))
    return texts[encoding], encoding


def encode(rows: list[list[str]], like: SheetTable) -> bytes:
    """The bytes of a file written as another one was."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=like.delimiter).writerows(rows)
    return text.getvalue().encode(like.encoding, "replace")


def spreadsheet_safe(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    formula = len(text) > 1 and text[0] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{text}" if formula else text
