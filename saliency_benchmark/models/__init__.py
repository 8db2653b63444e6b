"""Architectures. One file each: `build(shape, classes, **options)` gives an untrained `torch.nn.Module`.

SHAPE is (channel, row, column) of the network's input: the images', or what the entry's `size` says. The module takes
(image, channel, row, column) and gives logits (image, class), in training too. A factory elsewhere (`call`) need not
take `shape` or `classes` (or `num_classes`): it gets those that it has parameters for, and may bring weights.
"""
