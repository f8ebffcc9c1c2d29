import errno
import stat

import pytest

from tp_cnn.files import atomic_write


def test_replaces_the_file_only_when_the_block_succeeds(tmp_path):
    path = tmp_path / "results" / "table.csv"
    with atomic_write(path) as temporary:
        temporary.write_text("first")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as temporary:
        temporary.write_text("half")
        1 / 0  # noqa: B018 - the block fails after it has begun to write
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_is_readable_by_the_class(tmp_path):
    path = tmp_path / "shared.csv"
    with atomic_write(path) as temporary:
        temporary.write_text("x")
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_disk_that_refuses_says_for_which_file(tmp_path):
    path = tmp_path / "results.csv"
    full = pytest.raises(OSError, match=r"No space left on device: '.*results\.csv'")
    with full, atomic_write(path):
        raise OSError(errno.ENOSPC, "No space left on device")  # as a write says it
    assert list(tmp_path.iterdir()) == []
