"""Named recipes, trained over several seeds and summed up; results that are shipped."""
