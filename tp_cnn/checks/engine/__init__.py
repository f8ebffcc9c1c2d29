"""What every check is made of: reading an answer, calling a function, comparing, telling."""
