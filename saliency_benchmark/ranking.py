"""Rank maps from saliency maps: the order in which pixels go, from which every fraction follows."""

from saliency_benchmark import artifacts, masking

BLOCK = 2**22  # entries


def rank(maps: artifacts.Reader, ranks: artifacts.Writer, *, unit: str, seed: int, levels: str | list[float]) -> None:
    """Order of removal of MAPS into RANKS, pixels or elements (channel values); LEVELS: see masking.counts."""
    row = maps["attribution"][:1]
    counts = masking.counts(levels, masking.per_unit(row, unit).size)
    told = {} if counts is None else {"count": counts}
    for block in maps.blocks(max(1, BLOCK // row.size), names=("attribution", "index")):
        level = masking.ranks(masking.per_unit(block["attribution"], unit), block["index"], seed)
        level = level if counts is None else masking.levels_of(level, counts)
        ranks.append(level=level, index=block["index"], **told)
        told = {}
