"""The list of the class, a CSV file: who handed in nothing."""

import re
from dataclasses import replace
from pathlib import Path

from tp_cnn.errors import CourseError
from tp_cnn.grading import tables
from tp_cnn.grading.model import Outcome, Submission
from tp_cnn.grading.names import plain, readable, slug, words

COLUMNS = {  # without accents, small letters, words alone
    "id": {"id", "identifiant", "login", "username", "nom d utilisateur", "numero d identification",
           "matricule", "numero", "student id", "id number", "code", "identifier"},
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
    by_number = {moodle_number(one): index for index, one in enumerate(found)}
    for identifier, name in read_roster(roster):
        number = participant(identifier)
        index = by_number.get(number) if number else None
        if index is None and name:
            index = by_name.get(words(name))
            if number and index is not None and moodle_number(found[index]):
                index = None  # a namesake
        if index is None and identifier:
            index = by_id.get(slug(identifier))
            if index is not None and name:
                found[index] = replace(found[index], student=name)
        if index is None:
            problem = "aucun fichier à ce nom parmi ce qui est rendu"
            student = name or identifier
            wanted = slug(name, number) if number else slug(identifier or name)
            found.append(Submission(wanted, student, "", problem=problem, missing=True))
    return found


def read_roster(path: Path) -> list[tuple[str, str]]:
    """The identifier and the name, one of them perhaps empty, of each student of a CSV file.

    Raises:
        CourseError: the file cannot be read or has none of the columns.
    """
    rows = [[cell.strip() for cell in row] for row in tables.read(path).rows] or [[]]
    header = [" ".join(re.findall("[a-z]+", plain(title))) for title in rows[0]]
    places = {
        role: next((i for i, title in enumerate(header) if title in titles), None)
        for role, titles in COLUMNS.items()
    }
    if places["id"] is None and places["last"] is None:
        raise CourseError(
            f"{path}: no column nom or identifiant in the first line, {';'.join(rows[0])[:100]!r}; "
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


def participant(text: str) -> str:
    """Moodle's number of a student, of « Participant 123 » in its worksheet, or ""."""
    match = re.fullmatch(r"Participant (\d+)", text.strip())
    return match[1] if match else ""


def moodle_number(one: Submission | Outcome) -> str:
    """The same number, of what was downloaded from Moodle; else ""."""
    number = one.id.rpartition("-")[2]
    return number if number.isdigit() and one.id == slug(one.student, number) else ""
