"""Rank maps from saliency maps: the order in which pixels go, from which every fraction follows."""

from saliency_benchmark import artifacts, masking

BLOCK = 1024


def rank(maps: artifacts.Reader, ranks: artifacts.Writer, *, unit: str, seed: int) -> None:
    """Rank maps of MAPS into RANKS, 0 for the most salient pixel (or element: channel value)."""
    for block in maps.blocks(BLOCK, names=("attribution", "index")):
        values = masking.per_unit(block["attribution"], unit)
        ranks.append(rank=masking.ranks(values, block["index"], seed), index=block["index"])
