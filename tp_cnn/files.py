"""Writing files so that nothing is ever half-written."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` if the block succeeds.

    A reader sees the old file or the new one, never a part. If the block raises, the temporary
    file is removed and ``path`` is left as it was. Missing parent folders are created.

    >>> with atomic_write("results.csv") as temporary:
    ...     temporary.write_text("epoch,loss")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None and error.errno:  # a full disk does not say which file it refused
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def first_free(path: Path) -> Path:
    """``path`` if nothing has this name, else ``path`` followed by 2, 3 and so on."""
    names = (path.with_name(f"{path.name}{number}") for number in itertools.count(2))
    return next(one for one in itertools.chain([path], names) if not os.path.lexists(one))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
