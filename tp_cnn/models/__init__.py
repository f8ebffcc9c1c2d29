"""One architecture a file, its paper named in its docstring."""
