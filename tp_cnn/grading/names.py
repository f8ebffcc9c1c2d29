"""Names of people and files: readable for people, safe as identifiers, comparable."""

import hashlib
import re
import unicodedata

LONGEST_NAME, LONGEST_ID = 80, 48  # characters
LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o"})
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # no file on Windows


def readable(text: str, longest: int = LONGEST_NAME) -> str:
    """``text`` on one line: without control characters and marks of direction, not too long."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif category in ("Cs", "Co", "Cn"):
            kept.append("?")  # a byte that is no text, a character that no font draws
        elif category != "Cf":
            kept.append(character)
    text = " ".join("".join(kept).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def plain(text: str) -> str:
    """``text`` in small letters without accents: « Élodie DURAND » becomes "elodie durand"."""
    decomposed = unicodedata.normalize("NFKD", text.translate(LIGATURES))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def words(text: str) -> tuple[str, ...]:
    """The words of a name in alphabetical order: « DURAND Élodie » is « Élodie Durand »."""
    return tuple(sorted(re.findall(r"\w+", plain(text).replace("_", " "))))


def slug(name: str, number: str = "") -> str:
    """An identifier of ASCII letters, digits, - and _, safe as a file name on every system.

    It depends on the name alone, and two names that differ by more than capitals, spaces and
    hyphens have two: the marks of Zoé never become those of Zoe.
    """
    text = re.sub(r"[^a-z0-9_]+", "-", plain(name)).strip("-_")[:LONGEST_ID].strip("-_")
    if number:
        return f"{text or 'eleve'}-{number}"
    if not text or RESERVED.fullmatch(text):
        text = f"eleve-{text}".strip("-")
    if re.sub(r"\s", "-", readable(name).casefold()) == text:
        return text
    digest = hashlib.sha256(readable(name).casefold().encode()).hexdigest()[:6]
    return f"{text}-x{digest}"  # x: not to be taken for a number of Moodle's


def unique(wanted: str, taken: set[str]) -> str:
    """``wanted``, or ``wanted-2`` and so on; adds what it returns to ``taken``."""
    identifier, count = wanted, 1
    while identifier in taken:
        count += 1
        identifier = f"{wanted}-{count}"
    taken.add(identifier)
    return identifier
