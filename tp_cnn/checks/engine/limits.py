"""A limit of time for a student's code, so that a cell which never ends is told, and does not hang.

It needs a signal, hence the main thread (where a notebook runs its cells) of a POSIX system:
elsewhere there is no limit.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

LIMIT = 20.0  # seconds, for the whole of a check
AGAIN = 1.0  # seconds until the next alarm: a bare `except:` in a loop may swallow the first


class TimeUp(BaseException):
    """Not an `Exception`: `except Exception` in the student's code must let it through."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` in the block once ``seconds`` have passed; 0 is for no limit."""
    if not seconds or not _possible():
        yield
        return

    def alarm(number, frame):
        raise TimeUp

    handler = signal.signal(signal.SIGALRM, alarm)
    start = time.monotonic()
    delay, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if delay:  # a timer was running already: it goes on
            left = max(delay - (time.monotonic() - start), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _possible() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "setitimer")
