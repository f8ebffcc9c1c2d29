"""What turns text sources into a course: build, run, questions."""
