"""Pictures of the study: images, and maps laid over them, large enough to be read."""

import io

import numpy as np
from PIL import Image

# Orange for what speaks for the prediction, blue for what speaks against it: told apart without colour vision too.
FOR, AGAINST = np.array([255, 120, 0]), np.array([40, 110, 255])
READABLE = 336  # pixels of the longer side, at least
STRONGEST = 0.85  # how much of a pixel the strongest relevance covers


def image(pixels: np.ndarray) -> bytes:
    """PIXELS (channel, row, column) of 1 or 3 channels, 0 to 255, as PNG."""
    return _png(_colours(pixels))


def overlay(pixels: np.ndarray, relevance: np.ndarray) -> bytes:
    """The map RELEVANCE (row, column), signed, over the grey image; its largest absolute entry is strongest."""
    grey = np.repeat(_colours(pixels).mean(2, keepdims=True), 3, 2)
    return _png(_tinted(grey, relevance))


def legend(signed: bool) -> bytes:
    """Colours from none (or most against) on the left to most for the prediction on the right, over middle grey."""
    scale = np.linspace(-1 if signed else 0, 1, 240)[None].repeat(16, 0)
    return _png(_tinted(np.full((16, 240, 3), 128.0), scale))


def _colours(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[0] not in (1, 3):
        raise ValueError(f"an image of {pixels.shape[0]} channels; wanted: 1 (grey) or 3 (red, green, blue)")
    return np.moveaxis(pixels, 0, 2).repeat(3 // pixels.shape[0], 2).astype(float)


def _tinted(grey: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    largest = np.abs(relevance).max()
    strength = (np.abs(relevance) / (largest or 1))[..., None] * STRONGEST
    return grey * (1 - strength) + np.where(relevance[..., None] > 0, FOR, AGAINST) * strength


def _png(colours: np.ndarray) -> bytes:
    made = Image.fromarray(colours.round().clip(0, 255).astype(np.uint8))
    factor = -(-READABLE // max(made.size))
    made = made.resize((made.width * factor, made.height * factor), Image.Resampling.NEAREST)
    held = io.BytesIO()
    made.save(held, "PNG")
    return held.getvalue()
