"""The pictures of notebook 02."""
