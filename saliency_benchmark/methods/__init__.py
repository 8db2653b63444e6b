"""Saliency methods. One file each: `attribute(model, images, targets, *, options)` gives one map per image.

model: a network in evaluation mode, restored afterwards; images (image, channel, row, column), normalised: 0 is the
mean colour; targets (image): the class whose *logit* is explained. A map is (image, row, column) or (image, channel,
row, column), signed, not normalised; it depends on its own image only, never on the rest of the batch. `GROUP` names
the method's group. Keyword-only parameters are the options that the settings may give; `layer` (name of the last
feature map) and `regions` (with `NEEDS_REGIONS = True`) are handed over by the workflow where a method asks for them.
"""
