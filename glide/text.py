"""The transformer that encodes a prompt's tokens for the U-Net (Nichol et al. 2021, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head self-attention over text in which every position sees every other: no mask."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_qkv = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.c_qkv(x).view(n, length, self.heads, 3 * width // self.heads).transpose(1, 2)
        q, k, v = qkv.chunk(3, dim=-1)  # (N, heads, length, d) each: q, k, v lie side by side inside a head
        scale = (width // self.heads) ** -0.25
        weights = torch.softmax((q * scale @ (k * scale).transpose(-1, -2)).float(), dim=-1).to(v.dtype)
        out: Tensor = self.c_proj((weights @ v).transpose(1, 2).reshape(n, length, width))
        return out


class MLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c_proj(F.gelu(self.c_fc(x)))
        return out


class ResidualAttentionBlock(nn.Module):
    """Pre-norm transformer block with exact GELU."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = MLP(width)
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(_in_float32(self.ln_1, x))
        out: Tensor = x + self.mlp(_in_float32(self.ln_2, x))
        return out


def _in_float32(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """A norm loses too much in half precision."""
    out: Tensor = norm(x.float()).to(x.dtype)
    return out


class Transformer(nn.Module):
    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(ResidualAttentionBlock(width, heads) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.resblocks:
            x = block(x)
        return x
