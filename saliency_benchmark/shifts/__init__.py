"""Shifts: what is done to an image when people are asked whether the model's prediction stays.

One file each: `shift(images, *, options)` gives shifted images; both are bytes (image, channel, row, column), and the
images are not changed in place. Keyword-only parameters are the options that the settings may give; the workflow itself
hands over what a shift asks for by these names: `rngs`, a seeded generator per image, and `regions` (image, row,
column) bool, with `NEEDS_REGIONS = True`. What a shift does to an image must not depend on the size of the batch,
unless it says so.
"""
