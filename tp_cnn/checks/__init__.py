"""What a student's cell calls to be told right or wrong; one file a notebook."""
