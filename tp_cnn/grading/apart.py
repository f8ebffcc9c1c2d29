"""Work on what students wrote, in a process of its own, with limits.

Reading hostile code takes no line of it to be executed, but can take all memory and all time: a
million nested blocks are enough. There also is one thread in such a process: Python 3.11's
`ast.parse` fails now and then in two at once, and two checks would share PyTorch's random numbers.
"""

import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Callable

MEMORY = 1_500_000_000  # bytes of data
METHOD = "forkserver" if sys.platform.startswith("linux") else "spawn"
PROCESSES = multiprocessing.get_context(METHOD)
# Once, and not in each process; multiprocessing imports the main program in any case.
PROCESSES.set_forkserver_preload(["__main__", "tp_cnn.grading.judge", "nbformat.v4"])


class BeyondLimits(Exception):
    """A process took too much time or memory, or ended in another way that is not ours."""


def apart(function: Callable, arguments: tuple, seconds: float, memory: int = MEMORY) -> object:
    """What ``function`` returns in a process with limits.

    Raises:
        BeyondLimits: it went beyond them.
        RuntimeError: it failed otherwise.
    """
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(
        target=_work, args=(theirs, function, arguments, seconds, memory), daemon=True
    )
    with contextlib.closing(ours):
        with contextlib.closing(theirs):
            # A worker of a Dask cluster is "daemonic", which would forbid it a process.
            multiprocessing.current_process().daemon = False
            process.start()
        try:
            if not ours.poll(seconds):
                raise BeyondLimits
            done, result = ours.recv()
        except EOFError:
            raise BeyondLimits from None
        finally:
            process.kill()
            process.join()
    if not done:
        raise RuntimeError(result)
    return result


def _work(answer, function: Callable, arguments: tuple, seconds: float, memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the grader, who ends this
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        # Soft limits: a kernel that starts from here has its own.
        for kind, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, int(seconds))):
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))
    sys.setrecursionlimit(10_000)  # of the trees of long sums
    try:
        answer.send((True, function(*arguments)))
    except (MemoryError, RecursionError):
        pass  # beyond the limits
    except Exception as error:  # ours, not the student's
        answer.send((False, f"{type(error).__name__}: {error}"))
