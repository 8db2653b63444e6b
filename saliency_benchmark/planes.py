"""Fields on a grid of nodes among zeros, laid out flat: a neighbour is a shift, a stencil a few long additions."""

import torch


class Plane:
    """Places of ROWS x COLUMNS nodes among zeros, flattened: a neighbour is a shift, whatever the row."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.coarse = rows // 2 + 1, columns // 2 + 1
        self.shape = 2 * self.coarse[0] + 1, 2 * self.coarse[1] + 1
        self.stride = self.shape[1]
        self.first, self.last = self.stride + 1, rows * self.stride + columns + 1

    def zeros(self, like: torch.Tensor, *leading: int) -> torch.Tensor:
        return like.new_zeros(*leading, self.shape[0] * self.shape[1])

    def near(self, field: torch.Tensor, row: int = 0, column: int = 0) -> torch.Tensor:
        """From the first node to the last, or their neighbours so many rows and columns on: a view."""
        shift = row * self.stride + column
        return field[..., self.first + shift : self.last + shift]

    def unfold(self, field: torch.Tensor) -> torch.Tensor:
        return field.unflatten(-1, self.shape)

    def nodes(self, field: torch.Tensor) -> torch.Tensor:
        """(..., row, column) of the nodes alone: a view."""
        return self.unfold(field)[..., 1 : self.rows + 1, 1 : self.columns + 1]

    def embed(self, nodes: torch.Tensor) -> torch.Tensor:
        field = self.zeros(nodes, *nodes.shape[:-2])
        self.nodes(field).copy_(nodes)
        return field


class Box:
    """Sum over the 3 x 3 pixels around each node of a field, weights 1 2 1 x 1 2 1: four additions, in memory kept."""

    def __init__(self, plane: Plane, field: torch.Tensor) -> None:
        stride = plane.stride
        given = field[..., plane.first - stride - 1 : plane.last + stride + 1]
        one, other = (given.new_empty(given.shape) for _ in range(2))
        self._additions, length = [], given.shape[-1]
        for shift, target in zip((1, 1, stride, stride), (one, other, one, other), strict=True):
            length -= shift
            parts = given[..., shift : shift + length], given[..., :length], target[..., :length]
            self._additions.append(parts)
            given = target
        self._sum = other[..., :length]

    def __call__(self) -> torch.Tensor:
        for first, second, out in self._additions:
            torch.add(first, second, out=out)
        return self._sum
