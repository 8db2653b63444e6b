"""Model selection: which of two models is right on an image, the clean one or the one that learned flipped labels?"""

from collections.abc import Sequence

import numpy as np

from saliency_benchmark import classifier, seeds
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.schemas import Arrays
from saliency_benchmark.utility import balancing, checking, cues
from saliency_benchmark.utility.cues import Cue
from saliency_benchmark.utility.questions import Drawn, lead, probabilities
from saliency_benchmark.utility_design import SELECTION

# Arrays of candidates that have an axis of models, the clean one first; items show either first.
SHOWN = ("prediction", "probability", "oracle")


def ask(models: dict[str, Sequence[Classifier]], images: Arrays, cue: Cue, drawn: Drawn) -> Arrays:
    """Arrays of `artifacts.QUESTIONS` about MODELS, by pair of labels a clean and a mislabelled one.

    Asked about are images of the pair that carry the cue and on which exactly one of the two is right; answer 0: the
    first one shown. The oracle marks the cue for each model whose prediction is another one without it. Difficulty: 1
    less the lead of the right model's class. Raises ValueError where there are too few, or the oracle does not tell.
    """
    parts = [candidates(*models[pair], images, pair, cue) for pair in models]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found["pair"] = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part["index"]) for part in parts])

    def group(places: np.ndarray) -> np.ndarray:
        return found["pair"][places] * drawn.strata + balancing.levels(found["difficulty"][places], drawn.strata)

    chosen, training = drawn.items(
        SELECTION, found["index"], lambda places, number, rng: balancing.spread(group(places), number, rng)
    )
    items = {name: array[chosen] for name, array in found.items()} | {"training": training}
    items["answer"] = np.empty(len(chosen), np.int8)
    for part in (training, ~training):
        rng = seeds.rng("answers", drawn.seed, bool(part[0]))
        items["answer"][part] = balancing.answers(group(chosen[part]), rng)
    items = shown(items)
    checking.refuse_unreadable(SELECTION, items["oracle"], items["answer"])
    return items


def by_pair(pairs: Sequence[str], paths: Sequence[str]) -> dict[str, tuple[Classifier, Classifier]]:
    """By pair of labels the clean and the mislabelled model, from files in this order."""
    models = map(classifier.load, paths)
    return {pair: (next(models), next(models)) for pair in pairs}


def candidates(clean: Classifier, flipped: Classifier, images: Arrays, pair: str, cue: Cue) -> Arrays:
    """IMAGES of PAIR with the cue on which exactly one of both models is right; models in the order given.

    `right`: which one is (image).
    """
    kept = cues.carriers(images, cues.pair_of(pair), cue, 1.0)
    part = {name: array[kept] for name, array in images.items()}
    cued = cues.planted(part, cue)
    seen = [probabilities(model, cued.data) for model in (clean, flipped)]
    prediction = np.stack([each.argmax(1) for each in seen], 1)
    without = np.stack([probabilities(model, cued.without).argmax(1) for model in (clean, flipped)], 1)
    right = prediction == part["label"][:, None]
    asked = np.flatnonzero(right.sum(1) == 1)
    which = right[asked].argmax(1)
    leads = np.stack([lead(each, guess) for each, guess in zip(seen, prediction.T, strict=True)], 1)
    return {
        "image": cued.data[asked],
        "prediction": prediction[asked].astype(np.int32),
        "probability": np.stack([each.max(1) for each in seen], 1)[asked],
        "oracle": (cued.region[:, None] & (prediction != without)[..., None, None])[asked].astype(np.float32),
        "right": which.astype(np.int8),
        "difficulty": 1 - leads[asked, which].astype(np.float32),
        **{name: part[name][asked] for name in ("label", "index")},
    }


def shown(items: Arrays) -> Arrays:
    """ITEMS with their models in the order in which they are shown, the right one where `answer` says; and where the
    clean one is (`clean`)."""
    swapped = items["right"] != items["answer"]
    found = {name: array for name, array in items.items() if name != "right"} | {"clean": swapped.astype(np.int8)}
    for name in SHOWN:
        found[name][swapped] = found[name][swapped][:, ::-1]
    return found
