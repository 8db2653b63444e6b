"""Saliency methods. One file each: `attribute(model, images, targets, *, options)` gives one map per image.

model: a network in evaluation mode with frozen weights, restored afterwards; its output is what is explained, logits or
(`explain.output`) probabilities. images (image, channel, row, column), normalised: 0 is the mean colour; they are not
changed in place; targets (image): the class whose output is explained. A map is (image, row, column) or (image,
channel, row, column), signed, not normalised; it depends on its own image only, never on the rest of the batch.

`GROUP` names the method's group, `ALSO` a second one. Keyword-only parameters are the options that the settings may
give; the workflow itself hands over what a method asks for by these names: `layer` (name of the last feature map),
`regions` (with `NEEDS_REGIONS = True`), `background` (normalised training images), `black` and `white` (these colours
as network input, one value per channel), `output` ("logit" or "probability"), and `given`, a dict of all of them.

A method may hold at most `batching.rows()` images and copies of images on the device at a time, or as many as it was
handed, if that is more; `batching.spans` cuts steps accordingly. Three functions may stand beside `attribute`, with
those of its keyword-only parameters that they need: `total(model, images, targets)`, what each map should sum to (the
completeness gap is measured against it); `unsuited(model, shape)`, why the method cannot explain this model and what
to do, or None, shape being (channel, row, column); `outputs(model, images)`, the network's outputs from a forward pass
that `attribute` uses again (`sharing.once`), so that the prediction costs no pass of its own.

A fourth, `live`, takes what `attribute` takes and gives a list of functions whose results sum to the map, each
differentiable by the model's weights: with it a model can be fine-tuned by its maps (`alignment`). `SOFT = True`: this
works too, as a smooth map, where the model's ReLUs are softplus.
"""
