"""Ways to train. One file each: `loss(network, inputs, labels, *, generator, **options)` gives the batch's loss.

inputs (image, channel, row, column), normalised: 0 is the data set's mean colour; labels (image). GENERATOR is the only
source of chance; the network is in training mode, and is left so. A loss also gets, where it has parameters of these
names, `layer` (name of the module of the last feature map) and `classifier` (the network with its normalisation).
`CHOICES` names, for options that are words, or lists or keys of words, those that can be chosen.
A recipe with `MULTI_LABEL = True` is told all labels of an image where the data set has them, labels (image, label).
`stackable(**options)`, where there is one, says of a loss with these options whether it calls the network once, on the
inputs as they are, and draws nothing: networks can then be trained side by side (stacking.py).
"""
