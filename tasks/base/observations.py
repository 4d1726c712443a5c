"""Observation vectors as named blocks: each block is listed once, with its width."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class ObservationBlocks:
    """An observation vector made of named blocks, in order.

    Rewards and tests ask for a block by its name; nobody needs a column number.

    Args:
        widths: block name → number of columns, in the order of the vector.
    """

    def __init__(self, widths: Mapping[str, int]) -> None:
        self.slices: dict[str, slice] = {}
        start = 0
        for name, width in widths.items():
            self.slices[name] = slice(start, start + width)
            start += width
        self.size = start

    def __getitem__(self, name: str) -> slice:
        """The columns of block `name`."""
        return self.slices[name]

    def concatenate(self, blocks: Mapping[str, Tensor]) -> Tensor:
        """Join blocks (n, width) or (n,) into one (n, size) tensor.

        Raises:
            ValueError: a block is missing, unknown, or not as wide as was declared.
        """
        if blocks.keys() != self.slices.keys():
            odd = sorted(blocks.keys() ^ self.slices.keys())
            raise ValueError(f"observation blocks {odd} are declared or computed, but not both")
        columns = [
            block.unsqueeze(-1) if block.ndim == 1 else block for block in (blocks[n] for n in self.slices)
        ]
        for (name, span), column in zip(self.slices.items(), columns, strict=True):
            if column.shape[-1] != span.stop - span.start:
                declared = span.stop - span.start
                raise ValueError(
                    f"observation block {name!r} is {column.shape[-1]} wide, declared {declared}"
                )
        return torch.cat(columns, dim=-1)


def columns_apart(rows: Tensor) -> Tensor:
    """Copy (n, k) numbers so that they lie in memory column after column.

    For formulas of single columns, such as a quaternion's components: numbers of one kind that lie side by
    side are computed several times faster than those of every k-th place.
    """
    return rows.T.clone(memory_format=torch.contiguous_format).T
