"""Ways to train. One file each: `loss(network, inputs, labels, *, generator, layer, **options)` gives the batch's loss.

inputs (image, channel, row, column), normalised: 0 is the data set's mean colour; labels (image). GENERATOR is the only
source of chance; LAYER names the module of the last feature map. The network is in training mode.
"""
