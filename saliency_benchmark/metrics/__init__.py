"""Metrics. One file each: `score(ARRAYS..., *, options)` gives one number per image, NaN where there is none.

The positional parameters name what the metric reads: readings of its `PROBE` (probes/), or `maps` (image, [channel],
row, column), signed and raw, `sum` (image) of the map, `prediction` (image, class), `regions` (image, row, column),
`index` (image). Constants say what kind of number it is: `HIGHER_IS_BETTER`; `FAMILY` (faithfulness, localisation,
complexity, stability, randomisation, axiomatic); `SIGN` (signed, positive, absolute: how the map's sign counts);
`OUTPUT` (probability, logit, log_probability: the score of the model that it reads if the settings name none). What
it does with the scale of a map stands in its docstring. `NEEDS_REGIONS = True` where it does, `WHOLE = True` where an
image's score needs all images at once. Never average over images. No torch: scores are made without it.
"""
