"""One V-cycle of multigrid for the mean of eight neighbours, with known pixels anywhere; many images at once.

Unknown pixels U of a grid: (A x)_i = sum over the neighbours j of i in the image of w_ij (x_i - x_j), x = 0 outside U,
w = 2 beside and 1 across a corner. Coarse grids take every second row and column, bilinear hats that are cut off at
known pixels, and the operator that these hats see (Galerkin), so that a cycle does its work whatever the shape of U.
Smoothing is Jacobi's, on coarse grids by sums of magnitudes, which cannot diverge (Baker et al., 2011). A cycle is a
symmetric positive definite approximate inverse of A: a preconditioner of conjugate gradients (Tatebe, 1993). Memory and
views are made once for a number of images and used for any.
"""

from itertools import product

import torch

from saliency_benchmark.planes import Box, Plane

# Shares of the largest safe step, chosen by the number of iterations over noise, blobs, lines and single pixels.
FINE, COARSE = 0.9, 1.6
# Hats may be cut down to nothing, or to the same as their neighbour: the smallest grid's matrix may have no inverse.
RIDGE = 1e-5
NEAR = tuple(product((-1, 0, 1), repeat=2))


class Level:
    """A grid with its unknown field `x`, right side `r`, residual `t`, (image, channel, place), and Jacobi's `step`."""

    def __init__(self, plane: Plane, like: torch.Tensor) -> None:
        """LIKE (image, channel, ...): how many of each, type and device."""
        self.plane = plane
        self.x, self.r, self.t = (plane.zeros(like, *like.shape[:2]) for _ in range(3))
        self.step = plane.zeros(like, len(like), 1)
        self._r, self._t = plane.near(self.r), plane.near(self.t)

    def residual(self) -> None:
        """t = r - A x."""
        raise NotImplementedError

    def correct(self, change: torch.Tensor) -> None:
        """x += CHANGE at the unknown nodes."""
        raise NotImplementedError

    def begin(self) -> None:
        """Jacobi's first step, from nothing."""
        torch.mul(self.step, self.r, out=self.x)

    def smooth(self) -> None:
        """One step of Jacobi."""
        self.residual()
        self.x.addcmul_(self.step, self.t)


class Pixels(Level):
    """The finest grid; `unknown` (image, 1, place) is 1 in U, else 0."""

    def __init__(self, plane: Plane, like: torch.Tensor) -> None:
        super().__init__(plane, like)
        self.unknown, self.weight = torch.zeros_like(self.step), plane.zeros(like, 1, 1)
        ones = plane.embed(like.new_ones(1, 1, plane.rows, plane.columns))
        plane.near(self.weight).copy_(Box(plane, ones)() * plane.near(ones))
        self._jacobi = FINE / (self.weight - 4).clamp_min(1)
        self._box = Box(plane, self.x)
        self._x, self._unknown, self._weight = map(plane.near, (self.x, self.unknown, self.weight))

    def see(self, unknown: torch.Tensor) -> None:
        """UNKNOWN (image, 1, row, column)."""
        self.plane.nodes(self.unknown).copy_(unknown)
        torch.mul(self.unknown, self._jacobi, out=self.step)

    def negative(self, box: Box, field: torch.Tensor) -> torch.Tensor:
        """- A FIELD at the nodes, right in U only; BOX is that of FIELD, and keeps what this gives."""
        return box().addcmul_(self._weight, self.plane.near(field), value=-1)

    def residual(self) -> None:
        negative = self._box().addcmul_(self._weight, self._x, value=-1)
        torch.addcmul(self._r, self._unknown, negative, out=self._t)

    def correct(self, change: torch.Tensor) -> None:
        self.x.addcmul_(self.unknown, change)


class Nodes(Level):
    """A coarse grid; `weights` (image, 9, place) of each node's neighbours, in the order of NEAR."""

    def __init__(self, plane: Plane, like: torch.Tensor) -> None:
        super().__init__(plane, like)
        self.weights = plane.zeros(like, len(like), 9)
        near = plane.near(self.weights)[:, None]
        self._terms = [(near[:, :, place], plane.near(self.x, *NEAR[place])) for place in range(9)]

    def see(self, weights: torch.Tensor) -> None:
        """WEIGHTS (image, 9, row, column)."""
        self.plane.nodes(self.weights).copy_(weights)
        sums = weights.abs().sum(1, keepdim=True)
        self.plane.nodes(self.step).copy_(torch.where(sums > 0, COARSE / sums, 0))

    def residual(self) -> None:
        before = self._r
        for weight, neighbour in self._terms:
            torch.addcmul(before, weight, neighbour, value=-1, out=self._t)
            before = self._t

    def correct(self, change: torch.Tensor) -> None:
        self.plane.nodes(self.x).add_(self.plane.nodes(change))


class Between:
    """From the level FINE to COARSE below it and back, by hats 1 2 1 x 1 2 1."""

    def __init__(self, fine: Level, coarse: Nodes) -> None:
        rows, columns = fine.plane.coarse
        lead, width = fine.x.shape[:2], fine.plane.stride
        self._fine, self._coarse, self._change = fine, coarse, torch.empty_like(fine.x)
        given, self._sums = fine.plane.unfold(fine.t), coarse.plane.nodes(coarse.r)
        halved, wide = (given.new_empty(*lead, count, width) for count in (rows, rows + 2))
        self._down = [*_sums(given, halved, -2), *_sums(halved, self._sums, -1)]
        below = coarse.plane.unfold(coarse.x)[..., : rows + 2, : columns + 2]
        self._up = [*_hats(below, wide, -1), *_hats(wide, fine.plane.unfold(self._change), -2)]
        self._combs, self._numbers = _combs(rows, columns, fine.x.device)

    def restrict(self) -> None:
        """coarse.r = the sums of fine.t under each hat."""
        for first, second, alpha, out in self._down:
            torch.add(first, second, alpha=alpha, out=out)

    def prolong(self) -> None:
        """fine.x += the hats of coarse.x."""
        for first, second, out in self._up:
            torch.add(first, second, out=out)
        self._fine.correct(self._change)

    def look(self) -> None:
        """The coarse level sees the operator of the fine one: asked of hats that do not touch, comb by comb."""
        channels, found = self._fine.x.shape[1], []
        self._fine.r.zero_()
        for comb in self._combs.split(channels):
            self._fine.x.zero_()
            self._coarse.plane.nodes(self._coarse.x)[:, : len(comb)] = comb
            self.prolong()
            self._fine.residual()
            self.restrict()
            found.append(self._sums[:, : len(comb)].neg())
        self._coarse.see(torch.cat(found, 1).gather(1, self._numbers.expand(len(self._sums), -1, -1, -1)))


def _every(field: torch.Tensor, start: int, stop: int | None, step: int, axis: int) -> torch.Tensor:
    return field[(..., slice(start, stop, step), *[slice(None)] * (-1 - axis))]


def _sums(given: torch.Tensor, out: torch.Tensor, axis: int) -> list[tuple]:
    before, at, after = (_every(given, start, stop, 2, axis) for start, stop in ((0, -1), (1, None), (2, None)))
    return [(before, after, 1, out), (out, at, 2, out)]


def _hats(given: torch.Tensor, out: torch.Tensor, axis: int) -> list[tuple]:
    at = _every(given, 1, -1, 1, axis)
    between = _every(given, 0, -1, 1, axis), _every(given, 1, None, 1, axis)
    return [(at, at, _every(out, 1, None, 2, axis)), (*between, _every(out, 0, None, 2, axis))]


def _combs(rows: int, columns: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Nine sets of nodes no two of which are neighbours, (set, row, column), and the set of each node's neighbours."""
    down, across = (torch.arange(count, device=device) for count in (rows, columns))
    numbers = torch.stack([(down + row)[:, None] % 3 * 3 + (across + column) % 3 for row, column in NEAR])
    return numbers[4] == torch.arange(9, device=device)[:, None, None], numbers


class Cycle:
    """x of the finest level = an approximate A^-1 of its r, 0 outside U; for a number of images and channels."""

    def __init__(self, like: torch.Tensor) -> None:
        """LIKE (image, channel, row, column): shape, type and device."""
        self.levels: list[Level] = [Pixels(Plane(*like.shape[2:]), like)]
        self._between: list[Between] = []
        while max((plane := self.levels[-1].plane).rows, plane.columns) > 3:
            self.levels.append(Nodes(Plane(*plane.coarse), like))
            self._between.append(Between(*self.levels[-2:]))
        last = self.levels[-1]
        self._last_r, self._last_x, self._inverse = last.plane.nodes(last.r), last.plane.nodes(last.x), None

    def see(self, unknown: torch.Tensor) -> None:
        """UNKNOWN (image, 1, row, column), bool."""
        self.levels[0].see(unknown)
        for between in self._between:
            between.look()
        self._inverse = self._inverted(self.levels[-1])

    def _inverted(self, last: Level) -> torch.Tensor:
        """Inverse of the smallest grid's matrix, (image, node, node)."""
        count, columns = self._last_x[0, 0].numel(), []
        each = torch.eye(count, dtype=last.x.dtype, device=last.x.device)
        last.r.zero_()
        for node in each:
            self._last_x.copy_(node.view(self._last_x.shape[2:]))
            last.residual()
            columns.append(last.plane.nodes(last.t)[:, 0].flatten(1).neg())
        matrix = torch.stack(columns, 1)
        largest = matrix.diagonal(dim1=1, dim2=2).amax(1)[:, None, None]
        return torch.linalg.inv(matrix + torch.where(largest > 0, RIDGE * largest, 1) * each)

    def __call__(self) -> None:
        for level, between in zip(self.levels, self._between, strict=False):
            level.begin()
            level.residual()
            between.restrict()
        self._last_x.copy_((self._last_r.flatten(2) @ self._inverse).view(self._last_x.shape))
        for level, between in zip(self.levels[-2::-1], self._between[::-1], strict=True):
            between.prolong()
            level.smooth()
