"""Collects what students handed in: one `Submission` a student, whatever the layout.

Understood, as a folder or as a zip: one notebook a student; one folder a student; Moodle's names,
of folders or of files; nbgrader's ``submitted/`` and its exchange. Nothing is written to disk.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tp_cnn.errors import CourseError
from tp_cnn.grading import entries as reading
from tp_cnn.grading.entries import FileEntry, UnreadableFile
from tp_cnn.grading.model import Submission
from tp_cnn.grading.names import plain, readable, slug, unique
from tp_cnn.grading.roster import add_missing

MOODLE = re.compile(r"(.+?)_(\d+)_assign(?:submission|feedback)_[a-z]+_?(.*)", re.DOTALL)
EXCHANGE = re.compile(r"([^+]+)\+([^+]+)\+(\d{4}-\d\d-\d\d.\d\d.\d\d.\d\d.*)", re.DOTALL)
COPY = re.compile(r"(?: ?\((\d+)\)|[ _-]+(?:copy(\d*)|copie(?: \((\d+)\))?|v(\d+)))$", re.I)
NOTEBOOK = re.compile(r"(.+)\.ipynb(?:\.\w+)?", re.IGNORECASE | re.DOTALL)
WRAPPERS = {"submitted", "submissions", "inbound", "rendus", "copies"}
NOBODY = {"data", "donnees", "images", "figures"}  # folders that belong to no student
KINDS = {  # what students hand in when they do not know what a notebook is
    **dict.fromkeys([".doc", ".docx", ".odt", ".rtf"], "traitement de texte"),
    **dict.fromkeys([".html", ".htm"], "page HTML"),
    **dict.fromkeys([".png", ".jpg", ".jpeg"], "image"),
    **dict.fromkeys([".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"], "archive autre que zip"),
    ".pdf": "PDF",
    ".py": "script Python",
    ".txt": "texte",
    ".json": "JSON",
}
TABLES = {".csv", ".xlsx", ".ods"}  # beside the submissions: the class, the marks
ASK = "demander à l'étudiant le fichier .ipynb lui-même (dans Jupyter, menu File > Download)"
DEEPEST = 2  # zips inside a student's zip
MOST_ARCHIVES = 20  # opened for one student
MOST_COMPARED = 4  # notebooks of one student
MOST_TOLD = 5  # files named in a message


@dataclass
class Pile:
    """What lies under one student's name."""

    student: str  # as in the name of the file or folder
    number: str = ""  # Moodle's
    files: list[tuple[str, FileEntry]] = field(default_factory=list)  # (path for people, entry)
    elsewhere: set[str] = field(default_factory=set)  # other assignments, in nbgrader's layout


def collect(
    place: Path,
    notebook: str,
    roster: Path | None = None,
    likeness: Callable[[bytes], int] = lambda content: 0,
) -> list[Submission]:
    """Collect the submissions of ``notebook`` ("03_lenet_mnist") that lie in ``place``.

    Sorted by student. Those of ``roster`` who handed in nothing are added: a CSV file with a column
    *nom* or *identifiant*. Where a student has several notebooks, the greatest ``likeness`` is
    graded: the right notebook beside a wrong one, the filled copy beside the blank.

    Raises:
        CourseError: ``place`` is no folder and no zip, or holds no submission; no such roster.
    """
    with _listed(place) as entries:
        piles = _piles(*_unwrapped(entries, place, notebook), notebook)
        found = [_submission(pile, notebook, likeness) for pile in piles]
    if not found:
        names = sorted({readable(entry.parts[0]) for entry in entries})
        raise CourseError(
            f"{place}: no submission here (found: {', '.join(names[:MOST_TOLD]) or 'nothing'}); "
            "expected one notebook or one folder a student, or the .zip that Moodle gives"
        )
    if roster:
        found = add_missing(found, roster)
    found.sort(key=lambda one: (plain(one.student), one.student, one.id, one.file))
    taken: set[str] = set()
    return [replace(one, id=unique(one.id, taken)) for one in found]


@contextmanager
def _listed(place: Path) -> Iterator[list[FileEntry]]:
    """The entries of ``place``, which can be read inside the block."""
    if place.is_dir():
        yield reading.walk(place)
        return
    try:
        if not place.is_file():
            raise UnreadableFile("no such folder or file")
        archive = reading.open_zip(place)
    except UnreadableFile as error:
        raise CourseError(
            f"{place}: {error}; expected the folder or the .zip that holds the submissions "
            "(put a single notebook in a folder of its own)"
        ) from None
    with archive:
        yield list(reading.members(archive))


def _unwrapped(
    entries: list[FileEntry], place: Path, notebook: str
) -> tuple[list[FileEntry], bool]:
    """The entries seen from the folder that holds the students; whether it is nbgrader's."""
    nbgrader = False
    while entries:
        tops = {entry.parts[0] for entry in entries}
        top = "submitted" if "submitted" in tops else min(tops)
        if top == "submitted":  # beside it may lie nbgrader's source/ and release/
            nbgrader = True
        elif len(tops) > 1 or not _is_wrapper(top, entries, place, notebook):
            break
        entries = [reading.below(e, 1) for e in entries if e.parts[0] == top and len(e.parts) > 1]
    return entries, nbgrader


def _is_wrapper(top: str, entries: list[FileEntry], place: Path, notebook: str) -> bool:
    """Whether the only folder there is holds the class, rather than one student's work."""
    if plain(top) in WRAPPERS:
        return True
    inside = {entry.parts[1] for entry in entries if len(entry.parts) > 1}
    if any(MOODLE.fullmatch(name) or EXCHANGE.fullmatch(name) for name in inside):
        return True
    if place.is_dir() or MOODLE.fullmatch(top) or EXCHANGE.fullmatch(top):
        return False
    work = {
        entry.parts[1] if len(entry.parts) > 2 else _student(entry.name, notebook)
        for entry in entries
        if _is_candidate(entry) and len(entry.parts) > 1
    }
    return len(work - {""}) > 1


def _piles(entries: list[FileEntry], nbgrader: bool, notebook: str) -> list[Pile]:
    """Put each entry under the student whose name its path begins with."""
    entries = [entry for entry in entries if plain(entry.parts[0]) not in NOBODY]
    folders = any(len(entry.parts) > 1 for entry in entries)
    files = any(len(entry.parts) == 1 and _is_candidate(entry) for entry in entries)
    piles: dict[tuple[str, str], Pile] = {}
    for entry in entries:
        top, *rest = entry.parts
        moodle, exchange = MOODLE.fullmatch(top), EXCHANGE.fullmatch(top)
        if moodle:
            name, number, file = moodle.groups()
            pile = piles.setdefault(("moodle", number), Pile(name, number))
            inner = replace(entry, parts=tuple(rest) or (file or top,))
        elif exchange:
            name, assignment, time = exchange.groups()
            pile = piles.setdefault(("nbgrader", name), Pile(name))
            inner = replace(entry, parts=(assignment, *rest), modified=time)
        elif rest or entry.folder:
            name = unicodedata.normalize("NFC", top)
            pile = piles.setdefault(("nbgrader" if nbgrader else "folder", name), Pile(name))
            inner = reading.below(entry, 1)
        elif (files and entry.suffix not in TABLES) or (not folders and entry.suffix in KINDS):
            name = _student(top, notebook) or Path(top).stem
            pile = piles.setdefault(("file", readable(name).casefold()), Pile(name))
            inner = entry
        else:
            continue
        if not entry.folder or entry.problem:
            pile.files.append(("/".join(entry.parts), inner))
    _keep_assignment([pile for key, pile in piles.items() if key[0] == "nbgrader"], notebook)
    return list(piles.values())


def _is_candidate(entry: FileEntry) -> bool:
    """Whether this may be, or hide, a notebook."""
    if entry.problem:
        return entry.suffix in ("", ".ipynb", ".zip") or entry.folder
    return bool(NOTEBOOK.fullmatch(entry.name) or entry.suffix == ".zip") and not entry.folder


def _student(file: str, notebook: str) -> str:
    """The student after whom a file is called; "" if it is called after the notebook alone."""
    match = NOTEBOOK.fullmatch(file)
    stem = COPY.sub("", match[1] if match else Path(file).stem)
    words = [re.escape(word) for word in re.split(r"[\W_]+", notebook)]
    between = r"[\W_]*"
    name = re.sub(between.join(["", *words, ""]), " ", stem, flags=re.IGNORECASE)
    return COPY.sub("", name.strip())


def _keep_assignment(piles: list[Pile], notebook: str) -> None:
    """Where the first folder is the assignment, leave out the work for another one."""
    if not any(entry.parts[0] == notebook for pile in piles for _, entry in pile.files):
        return
    for pile in piles:
        pile.elsewhere = {entry.parts[0] for _, entry in pile.files} - {notebook}
        pile.files = [item for item in pile.files if item[1].parts[0] == notebook]


def _submission(pile: Pile, notebook: str, likeness: Callable[[bytes], int]) -> Submission:
    one = Submission(slug(pile.student, pile.number), readable(pile.student) or "sans nom", "")
    with ExitStack() as stack:
        files = list(_with_archives(pile.files, stack))
        refused = [f"« {readable(path, 200)} » : {e.problem}" for path, e in files if e.problem]
        work = [(path, e) for path, e in files if NOTEBOOK.fullmatch(e.name) and not e.problem]
        work.sort(key=lambda item: _rank(item, notebook), reverse=True)
        read = []
        while work and len(read) < MOST_COMPARED:
            path, entry = work.pop(0)
            try:
                read.append((path, entry.read(reading.LARGEST)))
            except UnreadableFile as error:
                refused.append(f"« {readable(path, 200)} » : {error}")
        if read:
            best = max(read, key=lambda one: likeness(one[1])) if len(read) > 1 else read[0]
            others = [f"« {readable(path, 200)} »" for path, _ in [*read, *work] if path != best[0]]
            notes = [f"autre version mise de côté : {told}" for told in _limited(others)]
            notes += [f"fichier refusé : {told}" for told in _limited(refused)]
            file = readable(best[0], 200)
            return replace(one, file=file, content=best[1], notes=tuple(notes))
    if not files:
        problem = "dossier vide : aucun fichier rendu"
        if pile.elsewhere:
            others = ", ".join(map(readable, sorted(pile.elsewhere)))
            problem = f"rien de rendu pour {notebook} (mais pour : {others})"
        return replace(one, problem=problem, missing=True)
    told = _limited(refused or [_kind(path, entry) for path, entry in files])
    beginning = "" if refused else "aucun notebook parmi ce qui est rendu : "
    problem = f"{beginning}{' ; '.join(told)} ; {ASK}"
    return replace(one, file=readable(files[0][0], 200), problem=problem)


def _with_archives(
    files: list[tuple[str, FileEntry]], stack: ExitStack, depth: int = 0
) -> Iterator[tuple[str, FileEntry]]:
    """The same files, where a zip is replaced by what it holds."""
    opened = 0
    for path, entry in files:
        if entry.suffix != ".zip" or entry.problem:
            yield path, entry
            continue
        opened += 1
        try:
            if depth == DEEPEST or opened > MOST_ARCHIVES:
                raise UnreadableFile("trop d'archives les unes dans les autres ou côte à côte")
            archive = stack.enter_context(reading.open_zip(entry.read(reading.LARGEST_ARCHIVE)))
        except UnreadableFile as error:
            yield path, replace(entry, problem=str(error))
            continue
        inside = [
            (f"{path}/{'/'.join(inner.parts)}", inner)
            for inner in reading.members(archive)
            if not inner.folder
        ]
        yield from _with_archives(inside, stack, depth + 1)


def _rank(item: tuple[str, FileEntry], notebook: str) -> tuple:
    """The greatest is graded: not empty, then the best name, then the latest."""
    path, entry = item
    stem = NOTEBOOK.fullmatch(entry.name)[1]
    copy = COPY.search(stem)
    name, wanted = plain(COPY.sub("", stem)), plain(notebook)
    likeness = 3 * (name == wanted) or 2 * (wanted in name) or int(name.startswith(wanted[:2]))
    number = max(map(int, filter(None, copy.groups())), default=1) if copy else 0
    return entry.size > 0, likeness, entry.modified, number, path


def _limited(texts: list[str]) -> list[str]:
    """At most ``MOST_TOLD`` of them, then how many more there are."""
    more = len(texts) - MOST_TOLD
    return [*texts[:MOST_TOLD], f"et {more} de plus"] if more > 0 else texts


def _kind(path: str, entry: FileEntry) -> str:
    kind = KINDS.get(entry.suffix)
    return f"« {readable(path, 200)} »" + (f" ({kind})" if kind else "")
