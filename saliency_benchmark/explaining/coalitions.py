"""Copies of images that show some of their pixels and hide the others, and what a model gives for them."""

from collections.abc import Callable

import torch
from torch import nn

from saliency_benchmark import batching, gradients, sharing


def ask(model: nn.Module, copies: torch.Tensor) -> torch.Tensor:
    """Outputs (image, step, class) for COPIES (image, step, channel, row, column), in one forward pass."""
    batch = copies.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return model(batch).unflatten(0, copies.shape[:2])


def answer(model: nn.Module, copies: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The target's output for COPIES (image, step, channel, row, column), in one forward pass: (image, step)."""
    outputs = ask(model, copies).flatten(0, 1)
    return gradients.chosen(outputs, targets.repeat_interleave(copies.shape[1])).unflatten(0, copies.shape[:2])


@sharing.once
def whole(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The target's output of each image, (image)."""
    return gradients.chosen(gradients.plain(model, images), targets)


def masked(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    stand_in: torch.Tensor,
    steps: int,
    hidden: Callable[[range], torch.Tensor],
) -> torch.Tensor:
    """The target's output of STEPS copies of each image that show STAND_IN where they are hidden: (image, step).

    HIDDEN gives the masks of some steps, (image or 1, step, row, column). One forward pass per image and step.
    """
    found = images.new_empty(len(images), steps)
    with torch.inference_mode():
        for span in batching.spans(steps, len(images)):
            # One value per channel: `where` is slow at repeating a mask along the innermost axis.
            masks = hidden(span)[..., None].repeat(1, 1, 1, 1, images.shape[1]).movedim(4, 2)
            copies = torch.where(masks, stand_in[:, None], images[:, None])
            found[:, span.start : span.stop] = answer(model, copies, targets)
    return found


def outputs(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    stand_in: torch.Tensor,
    numbers: torch.Tensor,
    shown: torch.Tensor,
) -> torch.Tensor:
    """The target's output of each coalition, (image, step): SHOWN says which parts it shows, (image or 1, step, part).

    NUMBERS: the part that each pixel lies in, (image, row, column).
    """
    places = numbers.flatten(1)[:, None]

    def hidden(span: range) -> torch.Tensor:
        some = ~shown[:, span.start : span.stop].to(images.device)
        per_pixel = some.expand(len(images), -1, -1).gather(2, places.expand(-1, len(span), -1))
        return per_pixel.unflatten(2, numbers.shape[1:])

    return masked(model, images, targets, stand_in, shown.shape[1], hidden)


def without(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, stand_in: torch.Tensor, numbers: torch.Tensor
) -> torch.Tensor:
    """The target's output when one part alone is hidden, (image, part); nothing is where an image has fewer."""
    shown = ~torch.eye(int(numbers.max()) + 1, dtype=torch.bool)[None]
    return outputs(model, images, targets, stand_in, numbers, shown)


def stacked(coalitions: list[torch.Tensor]) -> torch.Tensor:
    """(step, part) of each image -> (image, step, part); what an image does not have is shown."""
    size = [max(one.shape[axis] for one in coalitions) for axis in (0, 1)]
    shown = torch.ones(len(coalitions), *size, dtype=torch.bool)
    for whole_one, one in zip(shown, coalitions, strict=True):
        whole_one[: one.shape[0], : one.shape[1]] = one
    return shown
