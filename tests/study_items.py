"""Small files of items for the tests of the study: squares whose brightness tells the answer."""

import numpy as np

from saliency_benchmark import artifacts

EXPLANATIONS = ["none", "oracle", "grad_cam"]


def arrays(task, training=8, evaluation=12, explanations=EXPLANATIONS, size=(28, 28), channels=1, seed=0):
    rng = np.random.default_rng(seed)
    count, shown = training + evaluation, 2 if task == "model_selection" else 1
    answer = np.arange(count) % 2
    image = rng.integers(0, 120, (count, channels, *size), dtype=np.uint8)
    image[..., 8:20, 8:20] += (60 * answer + 60).astype(np.uint8)[:, None, None, None]
    maps = rng.normal(size=(count, len(explanations), shown, *size)).astype(np.float32)
    maps[:, [place for place, name in enumerate(explanations) if name == "none"]] = 0
    made = {
        "image": image,
        "prediction": rng.integers(0, 4, (count, shown)),
        "probability": np.full((count, shown), 0.9, np.float32),
        "answer": answer.astype(np.int8),
        "label": np.zeros(count, int),
        "index": np.arange(count),
        "difficulty": rng.random(count).astype(np.float32),
        "training": np.arange(count) < training,
        "map": maps,
        "explanation": np.array([name.encode() for name in explanations], dtype="S"),
    }
    return made | ({"shifted": image // 2} if shown == 1 else {})


def write(path, task, facts=None, **options):
    artifacts.write(path, artifacts.ITEMS, arrays(task, **options), {}, facts)
    return path
