"""What a student sees in place of a solution."""

import pytest

from tp_cnn.authoring import blanks
from tp_cnn.errors import CourseError

BLOCK = """\
def size(n, k):
    # n, k: pixels
    ### BEGIN SOLUTION
    steps = n - k
    return steps + 1
    ### END SOLUTION
"""
PLACEHOLDER = """\
def size(n, k):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # if n < k:
    #     return ...  # too small
    # return ...

    # Positions, not steps.
    return n - k + 1
    ### END SOLUTION
"""


def student(text):
    return blanks.student(text, "SOLUTION")


def test_block_becomes_an_ellipsis_at_its_indentation():
    assert student(BLOCK) == "def size(n, k):\n    # n, k: pixels\n    ..."
    assert blanks.teacher(BLOCK, "SOLUTION") == (
        "def size(n, k):\n    # n, k: pixels\n    steps = n - k\n    return steps + 1"
    )


def test_placeholder_is_uncommented_and_leaves_the_solution():
    assert student(PLACEHOLDER) == (
        "def size(n, k):\n    if n < k:\n        return ...  # too small\n    return ..."
    )
    assert blanks.teacher(PLACEHOLDER, "SOLUTION") == (
        "def size(n, k):\n    # Positions, not steps.\n    return n - k + 1"
    )


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("y = a * (x + 1)  # SOLUTION", "y = ..."),
        ("    return f(a=1) == 2  # SOLUTION", "    return ..."),
        ("a, b = c = f(q=1)  # SOLUTION", "a, b = c = ..."),
        ("x: int = 3  # SOLUTION", "x: int = ..."),
        ("été['é'] = (3)  # en pixels  # SOLUTION", "été['é'] = ...  # en pixels"),
        ("x = '# SOLUTION'", "x = '# SOLUTION'"),
        ("solution = 1  # SOLUTIONS", "solution = 1  # SOLUTIONS"),
    ],
)
def test_one_line(line, shown):
    assert student(line) == shown


def test_solution_loses_its_markers():
    assert blanks.teacher("y = 2 * x  # pixels  # SOLUTION", "SOLUTION") == "y = 2 * x  # pixels"


@pytest.mark.parametrize("code", ["f(x=2)", "x += 1", "x = 1; y = 2", "x = f(", "if x:", "del x"])
def test_other_lines_cannot_be_blanked(code):
    with pytest.raises(CourseError, match=r"here: .*one whole line"):
        blanks.student(f"{code}  # SOLUTION", "SOLUTION", "here")


@pytest.mark.parametrize(
    ("text", "region", "message"),
    [
        ("### BEGIN SOLUTION\nx = 1", "SOLUTION", "without '### END SOLUTION'"),
        ("x = 1\n### END SOLUTION", "SOLUTION", "unpaired '### END SOLUTION'"),
        (BLOCK + "### BEGIN SOLUTION\n### BEGIN SOLUTION", "SOLUTION", "unpaired '### BEGIN"),
        ("## BEGIN SOLUTION\nx = 1\n## END SOLUTION", "SOLUTION", "expected '### BEGIN SOLUTION'"),
        (BLOCK, "HIDDEN TESTS", "expected '### BEGIN HIDDEN TESTS'"),
        (BLOCK, None, "expected no such marker"),
        ("x = 1  # SOLUTION", None, "only a code answer"),
        ("x = 1", "SOLUTION", "nothing to hide"),
        ("Une réponse.", "MARK SCHEME", "nothing to hide"),
        ("### BEGIN SOLUTION\n### END SOLUTION", "SOLUTION", "a solution block is"),
        ("### BEGIN SOLUTION\n### PLACEHOLDER\nx = 1\n### END SOLUTION", "SOLUTION", "block is"),
        ("### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS", "HIDDEN TESTS", "an empty cell"),
        ("if x:\n### BEGIN SOLUTION\n    y = 1\n### END SOLUTION", "SOLUTION", "no valid Python"),
        ("x = (1  # SOLUTION", "SOLUTION", "one whole line"),
    ],
)
def test_refused(text, region, message):
    with pytest.raises(CourseError, match="^here: ") as error:
        blanks.check(text, region, "here")
    assert message in str(error.value)


def test_sides_tell_hidden_lines_from_shown_ones():
    hidden, shown = blanks.sides(PLACEHOLDER)
    assert "return n - k + 1" in hidden
    assert {"def size(n, k):", "return ..."} <= shown
    assert not hidden & set(map(str.strip, student(PLACEHOLDER).splitlines()))
