"""Parts of images that are hidden or shown as one: the cells of a grid, or superpixels."""

import numpy as np
import torch

from saliency_benchmark import fills, grid, sharing

FEATURES = ("grid", "superpixels")


@sharing.once
def numbered(images: torch.Tensor, features: str, cell: int, segments: int) -> torch.Tensor:
    """Number of the part that each pixel lies in, counted from 0 in each image: (image, row, column), whole numbers.

    `grid`: cells as near to CELL x CELL pixels as the image allows; `superpixels`: about SEGMENTS patches of like
    colour. Raises ValueError for another name.
    """
    if features not in FEATURES:
        raise ValueError(f"no features {features!r}; there are: {', '.join(FEATURES)}")
    shape = tuple(images.shape[2:])
    if features == "grid":
        cells = grid.cell_of_pixel(shape, grid.for_cell(shape, cell))
        return cells.to(images.device).expand(len(images), *shape)
    found = [superpixels(image, segments) for image in images.detach().cpu().numpy()]
    return torch.from_numpy(np.stack(found)).to(images.device)


def superpixels(image: np.ndarray, segments: int) -> np.ndarray:
    """SLIC (Achanta et al., 2012; scikit-image, its defaults) of one image (channel, row, column): (row, column).

    In Lab, with the image's own range as [0, 1]; an image without three channels counts as grey, their mean.
    """
    from skimage.segmentation import slic

    colours = image if len(image) == 3 else np.repeat(image.mean(0, keepdims=True), 3, 0)
    low, high = colours.min(), colours.max()
    unit = (colours - low) / (high - low) if high > low else np.zeros_like(colours)
    found = slic(np.moveaxis(unit, 0, -1).astype(np.float64), segments, convert2lab=True, start_label=0)
    return np.unique(found, return_inverse=True)[1].reshape(found.shape).astype(np.int64)


def counts(numbers: torch.Tensor) -> list[int]:
    """How many parts each image has."""
    return (numbers.flatten(1).amax(1) + 1).tolist()


def spread(values: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Each pixel takes the value of its part: (image, part) -> (image, row, column)."""
    return values.gather(1, numbers.flatten(1)).reshape(numbers.shape)


def share(values: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """As `spread`, but the pixels of a part share its value equally: a map's sum is the sum of the values."""
    flat = numbers.flatten(1)
    sizes = torch.zeros(values.shape, dtype=torch.long, device=values.device).scatter_add_(
        1, flat, flat.new_ones(()).expand_as(flat)
    )
    return spread(values / sizes.clamp_min(1), numbers)


def stand_in(name: str, images: torch.Tensor, numbers: torch.Tensor, black: torch.Tensor | None) -> torch.Tensor:
    """What hidden parts show, in the images' shape: a fill of `fills`, or `part_mean`, the mean colour of each part."""
    if name != "part_mean":
        return filled(name, images, black)
    means = torch.zeros_like(images)
    for mean, image, places in zip(means, images, numbers.flatten(1), strict=True):
        # A product instead of scattered sums: a GPU adds those in another order every time.
        inside = torch.nn.functional.one_hot(places).to(image.dtype)
        colours = image.flatten(1) @ inside / inside.sum(0)
        mean.copy_(colours[:, places].reshape(image.shape))
    return means


def filled(name: str, images: torch.Tensor, black: torch.Tensor | None) -> torch.Tensor:
    """The fill NAME of `fills`; raises ValueError where it needs the colour black and has none."""
    if name == "black" and black is None:
        raise ValueError("fill 'black' needs `black`, this colour as network input: the workflow gives it, others must")
    return fills.fill(name, images, black)
