"""NumPy teaching code: the layers written by hand, to be read; training never imports it."""
