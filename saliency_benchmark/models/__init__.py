"""Architectures. One file each: `build(shape, classes, **options)` gives an untrained `torch.nn.Module`.

SHAPE is (channel, row, column) of the images; the module takes (image, channel, row, column) and gives logits.
"""
