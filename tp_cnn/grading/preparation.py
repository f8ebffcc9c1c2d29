"""Prepares a submission for execution, in a process of its own, with limits.

Reading hostile code takes no line of it to be executed, but can take all memory and all time: a
million nested blocks are enough. There also is one thread in it: Python 3.11's `ast.parse` fails
now and then in two at once.
"""

import contextlib
import copy
import multiprocessing
import sys

from tp_cnn.grading.canaries import Canaries, course_imports
from tp_cnn.grading.rebuild import Rebuilt, rebuild
from tp_cnn.grading.selection import is_added, needed

SECONDS = 30  # the longest of the course takes a tenth of one
MEMORY = 1_500_000_000  # bytes of data
TOO_HEAVY = (
    f"notebook trop lourd à analyser (plus de {SECONDS} s ou de {MEMORY / 1e9:.1f} Go) : lire ce "
    "qu'il contient, et demander à l'étudiant un notebook ordinaire"
)
NOT_EXECUTED = "cellules personnelles dont aucune réponse ne dépend, non exécutées : {}"
METHOD = "forkserver" if sys.platform.startswith("linux") else "spawn"
PROCESSES = multiprocessing.get_context(METHOD)
# Once, and not in each process; multiprocessing imports the main program in any case.
PROCESSES.set_forkserver_preload(["__main__", __name__, "nbformat.v4"])


def prepare(assignment, content: bytes, others: dict, watch: Canaries) -> tuple[Rebuilt, object]:
    """Rebuild a submission; never raises because of what is in it.

    Returns:
        What came of it, and what is to be executed: the cells on which answers depend, with
        canaries. None in place of the latter if it could not be rebuilt.

    Raises:
        OSError: no process could be started.
    """
    refused = Rebuilt(reasons=[TOO_HEAVY]), None
    return _apart(_prepare, (assignment, content, others, watch), refused)


def likeness(assignment, content: bytes, others: dict) -> int:
    """0: another notebook, or none; 1: this one, left blank; 2: this one, with answers."""
    return _apart(_likeness, (assignment, content, others), 0)


def _apart(function, arguments: tuple, failing: object) -> object:
    """What ``function`` returns in a process with limits; ``failing`` if it goes beyond them.

    Raises:
        RuntimeError: it failed otherwise.
    """
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(theirs, function, arguments), daemon=True)
    with contextlib.closing(ours):
        with contextlib.closing(theirs):
            process.start()
        try:
            done, result = ours.recv() if ours.poll(SECONDS) else (True, failing)
        except EOFError:
            return failing
        finally:
            process.kill()
            process.join()
    if not done:
        raise RuntimeError(result)
    return result


def _work(answer, function, arguments: tuple) -> None:
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.setrecursionlimit(10_000)  # of the trees of long sums
    try:
        answer.send((True, function(*arguments)))
    except (MemoryError, RecursionError):
        pass  # beyond the limits
    except Exception as error:  # ours, not the student's
        answer.send((False, f"{type(error).__name__}: {error}"))


def _prepare(assignment, content: bytes, others: dict, watch: Canaries):
    rebuilt = rebuild(assignment, content, others)
    if rebuilt.notebook is None:
        return rebuilt, None
    prepared = copy.copy(rebuilt.notebook)
    prepared.cells = needed(rebuilt.notebook.cells)
    left = sum(map(is_added, rebuilt.notebook.cells)) - sum(map(is_added, prepared.cells))
    if left:
        rebuilt.repairs.append(NOT_EXECUTED.format(left))
    watch.put(prepared, course_imports(assignment))
    return rebuilt, prepared


def _likeness(assignment, content: bytes, others: dict) -> int:
    rebuilt = rebuild(assignment, content, others)
    if rebuilt.notebook is None:
        return 0
    blank = {cell.id: cell.source for cell in assignment.cells}
    return 1 + any(cell.source != blank.get(cell.id) for cell in rebuilt.notebook.cells)
