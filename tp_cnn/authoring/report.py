"""A student's answers by question of the lab sheet: the « compte rendu », one HTML file to hand in.

`report_notebook` reads each notebook, `report_page` lays the page out. Students call this by
`tp-cnn report`, or by `from_notebook` in the last cell of a notebook.
"""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from tp_cnn.authoring.pages.render import may_replace
from tp_cnn.authoring.report_notebook import (
    Notebook,
    Report,
    ReportEntry,
    read_notebook,
    unanswered,
)
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write

FILE = "compte_rendu.html"
MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def read(
    paths: Sequence[str | Path],
    authors: Sequence[str] = (),
    day: str | None = None,
    follow_up: bool = False,
) -> Report:
    """Read notebooks of the course, given in any order.

    Args:
        day: such as "2026-01-31" or "31/01/2026"; by default today.
        follow_up: the account of the evening: only the ★ questions, without figures.

    Raises:
        CourseError: a file is no notebook of the course, or one notebook is given twice.
    """
    notebooks = sorted(map(read_notebook, _expand(paths)), key=lambda notebook: notebook.number)
    owners: dict[str, Notebook] = {}
    for notebook in notebooks:
        for entry in notebook.entries:
            first = owners.setdefault(entry.id, notebook)
            if first is not notebook:
                raise CourseError(
                    f"{first.path} et {notebook.path} sont deux copies du même notebook : "
                    "n'en donnez qu'une, la plus récente"
                )
    _refer(entry for notebook in notebooks for entry in notebook.entries)
    names = [name.strip() for name in authors if name.strip()]
    return Report(notebooks, names, _in_french(day), follow_up)


def _expand(paths: Sequence[str | Path]) -> list[Path]:
    """The files; a pattern such as « *.ipynb » is expanded, as Windows shells do not do it."""
    found = []
    for path in map(Path, paths):
        try:
            matches = sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
        except ValueError:  # such as « a**.ipynb »
            matches = []
        found += [each for each in matches or [path] if each not in found]
    return found


def _refer(entries: Iterable[ReportEntry]) -> None:
    """Give « Q13 » to the only question of a number, « Q12.1 », « Q12.2 » to several."""
    by_number: dict[str, list[ReportEntry]] = {}
    for entry in entries:
        if entry.number:
            by_number.setdefault(entry.number, []).append(entry)
    for number, same in by_number.items():
        for rank, entry in enumerate(same, 1):
            entry.reference = f"Q{number}.{rank}" if len(same) > 1 else f"Q{number}"


def _in_french(day: str | None) -> str:
    when = date.today() if day is None else None
    for form in ("%Y-%m-%d", "%d/%m/%Y") if when is None else ():
        try:
            when = datetime.strptime(day, form).date()
        except ValueError:
            continue
    if when is None:
        raise CourseError(f"date {day!r} : écrivez-la comme 2026-01-31 ou 31/01/2026")
    return f"{'1er' if when.day == 1 else when.day} {MONTHS[when.month - 1]} {when.year}"


def summary(report: Report) -> str:
    """What is done and what is missing, for a terminal."""
    lines = []
    for notebook in report.notebooks:
        done = sum(not entry.empty for entry in notebook.entries)
        count = len(notebook.entries)
        lines.append(f"{notebook.path.name} : {done} question{'s' * (done > 1)} sur {count}")
        if not notebook.executed:
            lines.append(
                "  aucune cellule exécutée, donc ni figure ni vérification : dans Jupyter, "
                "Run > Run All Cells, enregistrez, recommencez"
            )
        asked = [entry for entry in report.entries if entry in notebook.entries]
        for title, entries in unanswered(asked).items():
            names = [entry.name if entry.number else f"« {entry.title} »" for entry in entries]
            lines.append(f"  {title} ({len(names)}) : {', '.join(names)}")
    if not any(notebook.remarks for notebook in report.notebooks):
        lines.append("bilan vide : il s'écrit à la fin d'un notebook, sous « Votre compte rendu »")
    return "\n".join(lines)


def write(report: Report, output: str | Path = FILE) -> str:
    """Write the page; return a sentence about its length.

    Raises:
        CourseError: ``output`` is a folder, or not an HTML file.
    """
    output = Path(output)
    if output.is_dir() or output.suffix.lower() not in (".html", ".htm"):
        raise CourseError(f"{output} : donnez un nom de fichier en .html, par exemple {FILE}")
    from tp_cnn.authoring import report_page  # nbconvert is slow to import

    if not may_replace(output):
        raise CourseError(
            f"{output} n'est pas un compte rendu de ce cours, il reste tel quel : donnez un autre "
            "nom"
        )
    page = report_page.build(report)
    with atomic_write(output) as temporary:
        temporary.write_text(page.html, encoding="utf-8")
    return page.note


def from_notebook(
    name: str, *others: str, authors: Sequence[str] = (), follow_up: bool = False
) -> None:
    """Write compte_rendu.html beside the notebook whose last cell calls this.

    Does nothing where nobody is there to read the file: `tp-cnn run`, `tp-cnn build`, grading.

    Args:
        name: the notebook, such as "03_lenet_mnist"; used where Jupyter does not tell its path.
        others: notebooks of the same folder to put in the same report.
    """
    if not _someone_is_there():
        print(f"Dans Jupyter, cette cellule écrit {FILE} à partir du notebook enregistré.")
        return
    try:
        path = _notebook_path(name)
        saved = datetime.fromtimestamp(path.stat().st_mtime)
        paths = [path, *(path.parent / _with_suffix(other) for other in others)]
        report = read(paths, authors, follow_up=follow_up)
        note = write(report, path.parent / FILE)
        print(f"{path.name}, enregistré à {saved:%H h %M}. Modifié depuis ? Ctrl+S, puis relancez.")
        print(summary(report))
        print(f"{FILE}, à côté du notebook : {note}")
    except (CourseError, OSError) as error:
        print(error)


def _someone_is_there() -> bool:
    """Whether a person runs the cell: programs that execute notebooks refuse questions (stdin)."""
    try:
        from IPython import get_ipython

        return bool(get_ipython().kernel.get_parent("shell")["content"]["allow_stdin"])
    except (ImportError, AttributeError, KeyError, TypeError):
        return False


def _notebook_path(name: str) -> Path:
    """The notebook that runs this: as JupyterLab, then VS Code say; else called ``name``, here."""
    from IPython import get_ipython

    told = [
        os.environ.get("JPY_SESSION_NAME"),
        get_ipython().user_ns.get("__vsc_ipynb_file__"),
        _with_suffix(name),
    ]
    for path in map(Path, filter(None, told)):
        if path.suffix == ".ipynb" and path.is_file():
            return path
    if path := _from_colab(name):
        return path
    raise CourseError(
        f"{_with_suffix(name)} est introuvable dans le dossier de travail : donnez à la cellule le "
        "nom de votre notebook, ou lancez « tp-cnn report » dans un terminal"
    )


def _from_colab(name: str) -> Path | None:
    """The notebook that Colab has open, written here: there it lies in no folder."""
    try:
        from google.colab import _message
    except ImportError:
        return None
    try:
        content = _message.blocking_request("get_ipynb", timeout_sec=30)["ipynb"]
    except Exception:  # not an interface that Colab promises
        raise CourseError(
            "Colab ne donne pas le notebook : menu Fichier, Télécharger, Télécharger le fichier "
            ".ipynb ; déposez-le dans le panneau Fichiers, à gauche, puis relancez cette cellule"
        ) from None
    path = Path(_with_suffix(name))
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    print(f"Dans Colab, {FILE} est dans le panneau Fichiers, à gauche : clic droit, Télécharger.")
    return path


def _with_suffix(name: str) -> str:
    return name if name.endswith(".ipynb") else f"{name}.ipynb"
