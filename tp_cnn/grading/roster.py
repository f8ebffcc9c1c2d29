"""The list of the class, a CSV file: who handed in nothing."""

import csv
import re
from dataclasses import replace
from pathlib import Path

from tp_cnn.errors import CourseError
from tp_cnn.grading.model import Submission
from tp_cnn.grading.names import plain, readable, slug, words

COLUMNS = {  # without accents, small letters, words alone
    "id": {"id", "identifiant", "login", "username", "nom d utilisateur", "numero d identification",
           "matricule", "numero", "student id", "id number", "code"},
    "first": {"prenom", "first name", "firstname"},
    "last": {"nom", "name", "nom de famille", "last name", "surname", "nom complet", "full name",
             "etudiant", "student"},
}  # fmt: skip


def add_missing(found: list[Submission], roster: Path) -> list[Submission]:
    """Add the students of ``roster`` who handed in nothing.

    A student of the roster is recognised by name, whatever the order of its words, or by
    identifier; a submission known by its identifier alone receives the name.
    """
    found = list(found)
    by_name = {words(one.student): index for index, one in enumerate(found)}
    by_id = {slug(one.student): index for index, one in enumerate(found)}
    by_id |= {one.id: index for index, one in enumerate(found)}
    for identifier, name in read_roster(roster):
        index = by_name.get(words(name)) if name else None
        if index is None and identifier:
            index = by_id.get(slug(identifier))
            if index is not None and name:
                found[index] = replace(found[index], student=name)
        if index is None:
            problem = "aucun fichier à ce nom parmi ce qui est rendu"
            student = name or identifier
            wanted = slug(identifier or name)
            found.append(Submission(wanted, student, "", problem=problem, missing=True))
    return found


def read_roster(path: Path) -> list[tuple[str, str]]:
    """The identifier and the name, one of them perhaps empty, of each student of a CSV file.

    Raises:
        CourseError: the file cannot be read or has none of the columns.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError(
            f"{path}: cannot read this roster ({error.strerror}); expected a CSV file "
            "with a column nom or identifiant"
        ) from None
    lines = _text(raw).replace("\0", "").splitlines() or [""]
    delimiter = max(";,\t", key=lines[0].count)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise CourseError(
            f"{path}: not a CSV file ({error}); expected one line a student"
        ) from None
    header = [" ".join(re.findall("[a-z]+", plain(title))) for title in (rows or [[]])[0]]
    places = {
        role: next((i for i, title in enumerate(header) if title in titles), None)
        for role, titles in COLUMNS.items()
    }
    if places["id"] is None and places["last"] is None:
        raise CourseError(
            f"{path}: no column nom or identifiant in the first line, {lines[0][:100]!r}; "
            "write for instance: identifiant;nom;prénom"
        )
    students = []
    for row in rows[1:]:
        cell = {
            role: readable(row[i]) if i is not None and i < len(row) else ""
            for role, i in places.items()
        }
        name = f"{cell['first']} {cell['last']}".strip()
        if cell["id"] or name:
            students.append((cell["id"], name))
    return students


def _text(raw: bytes) -> str:
    """Excel writes UTF-16, UTF-8 with a mark, or the code page of Windows."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
