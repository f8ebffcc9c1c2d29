"""The pictures of notebook 01."""
