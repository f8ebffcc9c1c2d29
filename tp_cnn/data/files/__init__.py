"""Bytes on the disk: what is known of each data set, downloads, formats, caches."""
