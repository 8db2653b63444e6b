"""What the model is asked for the metrics' sake: perturbed images are made and passed once, and read by many metrics.

One file each: `probe(asked, maps, *, options)`, asked once per method, or `probe(asked, *, options)` for what no method
changes, asked once per model. asked: an `asking.Asked`, with the block's images (network input), index, targets, the
clean scores, and `score`/`each` for the scores of changed images; maps as the method gave them, (image, channel, row,
column), finite. A probe that calls `asked.explain(images, targets, network)` for new maps of the method says
`EXPLAINS = True`; one that wants training images, `NEEDS_BACKGROUND = True` (`asked.explain.given["background"]`).

Gives named arrays or tensors, first axis image: the *readings* that metrics ask for by name. Scores of the model are
told three ways, `asking.named(name, values)`: NAME.probability, NAME.logit, NAME.log_probability, of which a metric
gets the one that it or the settings choose. Chance comes from a `seed` option and the image's index.
"""
