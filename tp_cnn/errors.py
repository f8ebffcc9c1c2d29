"""The one exception that the package raises on purpose."""


class CourseError(Exception):
    """A failure that its message explains: what was received, what was expected, what to do.

    The command line prints the message alone and exits with code 1; a notebook shows it as the
    last line of the traceback.
    """
