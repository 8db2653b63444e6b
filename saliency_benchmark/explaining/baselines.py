"""Where a path to an image begins: the image from which everything was taken away."""

import torch

from saliency_benchmark import fills

BASELINES = (*fills.FILLS, "white")


def baseline(
    name: str, images: torch.Tensor, black: torch.Tensor | None = None, white: torch.Tensor | None = None
) -> torch.Tensor:
    """The baseline NAME of each of IMAGES (image, channel, row, column), of their shape and memory format.

    `mean`: the data set's mean colour, 0 in network input; `black` and `white`: these colours, given as network input
    (channel); `image_mean`: each image's own mean colour; `blur`: each image, blurred (see fills). Raises ValueError
    for another name, or where a colour is missing.
    """
    if name not in BASELINES:
        raise ValueError(f"no baseline {name!r}; there are: {', '.join(BASELINES)}")
    colours = {"black": black, "white": white}
    if name in colours and colours[name] is None:
        raise ValueError(f"the baseline {name!r} wants its colour as network input: hand over `{name}`, (channel)")
    # White is filled in as black is: one colour everywhere.
    filled = fills.fill("black" if name == "white" else name, images, colours.get(name))
    return torch.empty_like(images).copy_(filled)
