"""torchvision's CUDA build beside a CPU torch: declare the two operators that its import asks for.

Its loader swallows the missing CUDA libraries and then registers fakes for operators that were never defined. Models,
transforms and data sets work once they are declared; where torchvision is whole, nothing happens.
"""

from types import ModuleType

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list = []  # a library lives as long as its reference


def torchvision() -> ModuleType:
    """The package torchvision, whichever build is installed. Call this before importing what imports it (zennit)."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        import torch

        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in _SCHEMAS:
            library.define(schema)
        _declared.append(library)
        import torchvision
    return torchvision
