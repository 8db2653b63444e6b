"""Metrics. One file each: `score(ARRAYS..., *, options)` gives one number per image, NaN where there is none.

`HIGHER_IS_BETTER` gives the direction. The positional parameters name what the metric reads: readings of its `PROBE`
(probes/), or `maps` (image, [channel], row, column), signed and raw, `regions` (image, row, column), `index` (image).
What a metric does with sign and scale stands in its docstring. `NEEDS_REGIONS = True` where it does. Never average.
"""
