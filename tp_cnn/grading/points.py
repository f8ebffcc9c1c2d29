"""The points of an executed cell, as nbgrader's `determine_grade` counts them."""

from tp_cnn.authoring.saved import role


def earned(cell, blank: str) -> float | None:
    """The points of a graded cell of nbformat; None where a person has to give them.

    A test that shows an error has none; one that shows a number at its end has so many; any other
    has all of them. What a test writes on stderr costs nothing (nbgrader's ``IgnorePattern``).

    Args:
        blank: the cell's text in the assignment: an answer left like that has no points.
    """
    most = float(cell.metadata["nbgrader"]["points"])
    if role(cell.metadata["nbgrader"]) == "answer":
        return 0.0 if cell.source == blank else None
    for output in cell.outputs:
        if output.output_type == "error":
            return 0.0
        if output.output_type == "execute_result":
            return _number(output.data.get("text/plain", ""), most)
    return most


def are_shown(test) -> bool:
    """Whether a test cell shows an error or its points, with which each of the course's ends.

    `earned` gives all of them to one that shows neither, as nbgrader does.
    """
    for output in test.outputs:
        if output.output_type == "error":
            return True
        if output.output_type == "execute_result":
            text = output.data.get("text/plain", "")
            return text.replace(".", "", 1).isdecimal()
    return False


def _number(text: str, most: float) -> float:
    """The number that a test shows; all the points if it shows something else."""
    try:
        number = float(text)
    except ValueError:
        return most
    return number if 0 <= number <= most else 0.0
