"""Grading: submissions in, marks, feedback and a list of what a person must read out."""
