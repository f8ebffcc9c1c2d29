"""Every picture that the notebooks draw, one module a theme."""
