"""Levels of the same change, a few at a time: what the model says of each, and whether the class is still the first."""

from collections.abc import Callable

import torch

from saliency_benchmark import asking, batching


def answers(
    asked: asking.Asked, count: int, make: Callable[[range], torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores (image, level, output) and hits (image, level): 1 where the target is the prediction, else 0.

    MAKE gives the images of some of COUNT levels as network input, all of one level after all of another.
    """
    scores, hits = [], []
    for span in batching.spans(count, len(asked.inputs)):
        for logits in asked.answer(make(span)).unflatten(0, (len(span), -1)):
            scores.append(asking.scores(logits, asked.targets))
            hits.append((logits.argmax(1) == asked.targets).float())
    return torch.stack(scores, 1), torch.stack(hits, 1)
