"""Items whose answers only the oracle's maps tell: images and predictions are noise."""

import numpy as np

from saliency_benchmark.utility_design import SELECTION, SIMULATION


def noise(task: str, training: int, evaluation: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays of artifacts.QUESTIONS of a TASK, half of either answer in both parts."""
    rng, number = np.random.default_rng(seed), training + evaluation
    shown = {SELECTION: 2, SIMULATION: 1}[task]
    answer = np.concatenate([rng.permutation(np.arange(part) % 2) for part in (training, evaluation)]).astype(np.int8)
    oracle = np.zeros((number, shown, 16, 16), np.float32)
    for item, right in enumerate(answer):
        row, column = 4 * rng.integers(0, 4, 2)
        if shown == 2 or right == 0:
            oracle[item, 1 - right if shown == 2 else 0, row : row + 4, column : column + 4] = 1
    found = {
        "image": rng.integers(96, 160, (number, 1, 16, 16), dtype=np.uint8),
        "prediction": rng.integers(0, 3, (number, shown)).astype(np.int32),
        "probability": np.ones((number, shown), np.float32),
        "answer": answer,
        "label": np.zeros(number, np.int32),
        "index": np.arange(number, dtype=np.int32) + 10_000 * seed,
        "difficulty": rng.random(number).astype(np.float32),
        "training": np.arange(number) < training,
        "oracle": oracle,
    }
    if task == SELECTION:
        return found | {"clean": answer.copy(), "pair": np.zeros(number, np.int32)}
    return found | {"shifted": rng.integers(96, 160, (number, 1, 16, 16), dtype=np.uint8)}
