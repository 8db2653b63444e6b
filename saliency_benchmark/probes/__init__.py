"""What the model is asked for the metrics' sake, once per method.

One file each: `probe(classifier, inputs, maps, index, targets, *, options)`. classifier: a `classifier.Classifier`;
inputs (image, channel, row, column) as the network sees them; maps as the method gave them; index (image) in the data
set; targets (image), the class explained. Gives named arrays, first axis image: the *readings* that metrics ask for by
name. Metrics that share a reading share its forward passes.
"""
