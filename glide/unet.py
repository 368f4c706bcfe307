"""GLIDE's text-conditional U-Net (Nichol et al. 2021, arXiv 2112.10741), parameter names as in the release."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glide.text import Transformer


@dataclass(frozen=True, kw_only=True)
class UNetSpec:
    """The size of a network. `attention_at` are downsampling factors; `head_channels` the width of one head."""

    image_size: int
    model_channels: int
    channel_multipliers: tuple[int, ...]
    residual_blocks: int
    attention_at: tuple[int, ...]
    head_channels: int
    text_context: int
    text_width: int
    text_layers: int
    text_heads: int
    vocabulary: int
    in_channels: int = 3
    out_channels: int = 6
    dropout: float = 0.1

    @property
    def embedding(self) -> int:
        """Width of the time embedding."""
        return 4 * self.model_channels


@dataclass(frozen=True)
class TextEncoding:
    """What the U-Net needs of N prompts: computed once a prompt, used at every step.

    `projection`: [N, embedding], joins the time embedding; `keys_values`: one [N, 2 C, text_context] for each attention
    block, in the order in which they run.
    """

    projection: Tensor
    keys_values: tuple[Tensor, ...]

    def rows(self, index: Tensor) -> TextEncoding:
        """The encodings at `index` (int [M]), repeats allowed."""
        return TextEncoding(self.projection[index], tuple(kv[index] for kv in self.keys_values))

    @staticmethod
    def stack(parts: list[TextEncoding]) -> TextEncoding:
        """Several encodings as one batch."""
        columns = zip(*(part.keys_values for part in parts), strict=True)
        return TextEncoding(torch.cat([part.projection for part in parts]), tuple(map(torch.cat, columns)))


def timestep_embedding(timesteps: Tensor, dim: int) -> Tensor:
    """Cosines then sines of [N] original step numbers at `dim`/2 frequencies from 1 to 1/10000: float32 [N, dim]."""
    half = dim // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=timesteps.device) / half)
    angles = timesteps[:, None].float() * frequencies[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class GroupNorm32(nn.GroupNorm):
    """32 groups, computed in float32 whatever the input's type."""

    def __init__(self, channels: int) -> None:
        super().__init__(32, channels, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float()).to(x.dtype)


class ResBlock(nn.Module):
    """Residual block with scale-shift norm; `resample` "up" (nearest x2) or "down" (average pool 2) acts on both
    branches before the first convolution."""

    def __init__(self, channels: int, out_channels: int, embedding: int, dropout: float, resample: str = "") -> None:
        super().__init__()
        self.resample = resample
        self.in_layers = nn.Sequential(
            GroupNorm32(channels), nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * out_channels))
        self.out_layers = nn.Sequential(
            GroupNorm32(out_channels),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        same = channels == out_channels
        self.skip_connection = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1)
        nn.init.zeros_(self.out_layers[3].weight)  # type: ignore[arg-type]  # the block starts as the identity
        nn.init.zeros_(self.out_layers[3].bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        h = self.in_layers[1](self.in_layers[0](x))
        h, x = self._resampled(h), self._resampled(x)
        h = self.in_layers[2](h)
        scale, shift = self.emb_layers(emb).to(h.dtype)[:, :, None, None].chunk(2, dim=1)
        h = self.out_layers[0](h) * (1 + scale) + shift
        h = self.out_layers[3](self.out_layers[2](self.out_layers[1](h)))
        out: Tensor = self.skip_connection(x) + h
        return out

    def _resampled(self, x: Tensor) -> Tensor:
        if self.resample == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.avg_pool2d(x, 2) if self.resample == "down" else x


class AttentionBlock(nn.Module):
    """Image positions attend to text positions and to each other; keys and values of the text come in ready."""

    def __init__(self, channels: int, head_channels: int, text_width: int) -> None:
        super().__init__()
        self.heads = channels // head_channels
        self.norm = GroupNorm32(channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.encoder_kv = nn.Conv1d(text_width, 2 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        n, channels = x.shape[:2]
        flat = x.reshape(n, channels, -1)
        qkv = self.qkv(self.norm(flat)).reshape(n * self.heads, 3 * channels // self.heads, -1)
        q, k, v = qkv.chunk(3, dim=1)  # (N heads, d, pixels)
        text_k, text_v = text.reshape(n * self.heads, 2 * channels // self.heads, -1).chunk(2, dim=1)
        k, v = torch.cat([text_k, k], dim=-1), torch.cat([text_v, v], dim=-1)  # (N heads, d, text + pixels)
        scale = (channels // self.heads) ** -0.25
        weights = torch.softmax(((q * scale).transpose(1, 2) @ (k * scale)).float(), dim=-1).to(v.dtype)
        h = (v @ weights.transpose(1, 2)).reshape(n, channels, -1)
        return (flat + self.proj_out(h)).reshape(x.shape)


class Stage(nn.Sequential):
    """Layers that run one after the other; each is handed the embedding or the text if that is what it takes."""

    def forward(self, x: Tensor, emb: Tensor, text: Iterator[Tensor]) -> Tensor:  # type: ignore[override]
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, emb)
            elif isinstance(layer, AttentionBlock):
                x = layer(x, next(text))
            else:
                x = layer(x)
        return x


class TextUNet(nn.Module):
    """The whole network: images [N, 3, S, S] in [-1, 1] at original step numbers [N], under text, to [N, 6, S, S].

    An upsampler sees the small image beside its own, an inpainting network the known pixels and the mask: `beside`.
    """

    def __init__(self, spec: UNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.dtype = torch.float32
        self._build_text(spec)
        self._build_unet(spec)

    def _build_text(self, spec: UNetSpec) -> None:
        width = spec.text_width
        self.transformer = Transformer(width, spec.text_layers, spec.text_heads)
        self.final_ln = nn.LayerNorm(width)
        self.token_embedding = nn.Embedding(spec.vocabulary, width)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(spec.text_context, width))
        self.padding_embedding = nn.Parameter(0.01 * torch.randn(spec.text_context, width))
        self.transformer_proj = nn.Linear(width, spec.embedding)

    def _build_unet(self, spec: UNetSpec) -> None:
        def residual(channels: int, out_channels: int, resample: str = "") -> ResBlock:
            return ResBlock(channels, out_channels, spec.embedding, spec.dropout, resample)

        def attention(channels: int) -> AttentionBlock:
            return AttentionBlock(channels, spec.head_channels, spec.text_width)

        self.time_embed = nn.Sequential(
            nn.Linear(spec.model_channels, spec.embedding), nn.SiLU(), nn.Linear(spec.embedding, spec.embedding)
        )
        widths = [multiplier * spec.model_channels for multiplier in spec.channel_multipliers]
        channels, factor = widths[0], 1
        self.input_blocks = nn.ModuleList([Stage(nn.Conv2d(spec.in_channels, channels, 3, padding=1))])
        skips = [channels]
        for level, width in enumerate(widths):
            for _ in range(spec.residual_blocks):
                layers: list[nn.Module] = [residual(channels, width)]
                channels = width
                if factor in spec.attention_at:
                    layers.append(attention(channels))
                self.input_blocks.append(Stage(*layers))
                skips.append(channels)
            if level < len(widths) - 1:
                self.input_blocks.append(Stage(residual(channels, channels, "down")))
                skips.append(channels)
                factor *= 2
        self.middle_block = Stage(residual(channels, channels), attention(channels), residual(channels, channels))
        self.output_blocks = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            for block in range(spec.residual_blocks + 1):
                layers = [residual(channels + skips.pop(), width)]
                channels = width
                if factor in spec.attention_at:
                    layers.append(attention(channels))
                if level > 0 and block == spec.residual_blocks:
                    layers.append(residual(channels, channels, "up"))
                    factor //= 2
                self.output_blocks.append(Stage(*layers))
        self.out = nn.Sequential(GroupNorm32(channels), nn.SiLU(), nn.Conv2d(channels, spec.out_channels, 3, padding=1))
        nn.init.zeros_(self.out[2].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.out[2].bias)  # type: ignore[arg-type]

    def encode_text(self, tokens: Tensor, mask: Tensor) -> TextEncoding:
        """Tokens int [N, text_context] and mask bool alike (False: padding) to what `forward` takes."""
        x = self.token_embedding(tokens) + self.positional_embedding
        x = torch.where(mask[..., None], x, self.padding_embedding)
        states = self.final_ln(self.transformer(x.to(self.dtype)).float())
        by_position = states.to(self.dtype).transpose(1, 2)  # (N, text_width, text_context)
        blocks = [module for module in self.modules() if isinstance(module, AttentionBlock)]
        return TextEncoding(
            self.transformer_proj(states[:, -1]), tuple(block.encoder_kv(by_position) for block in blocks)
        )

    def forward(self, x: Tensor, timesteps: Tensor, text: TextEncoding) -> Tensor:
        """Noise (3 channels) and variance fraction (3 channels) of `x`, whose further channels are those of `beside`:
        [N, in_channels, S, S] to float32 [N, 6, S, S]."""
        emb = self.time_embed(timestep_embedding(timesteps, self.spec.model_channels)) + text.projection
        x = x.to(self.dtype)
        keys_values = iter(text.keys_values)
        kept = []
        for stage in self.input_blocks:
            x = stage(x, emb, keys_values)
            kept.append(x)
        x = self.middle_block(x, emb, keys_values)
        for stage in self.output_blocks:
            x = stage(torch.cat([x, kept.pop()], dim=1), emb, keys_values)
        out: Tensor = self.out(x.float())
        return out

    def in_precision(self, dtype: torch.dtype) -> TextUNet:
        """This network with its convolutions and its text transformer in `dtype`, as the release runs in half
        precision: norms, softmax, the time embedding, embedding layers and the output layer stay in float32."""
        self.dtype = dtype
        blocks = nn.ModuleList([self.input_blocks, self.middle_block, self.output_blocks])
        for module in blocks.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d):
                module.to(dtype)
        for module in self.transformer.modules():
            if isinstance(module, nn.Linear):
                module.to(dtype)
        return self


def beside(
    size: int, *, low_res: Tensor | None = None, image: Tensor | None = None, keep: Tensor | None = None
) -> Tensor | None:
    """What a network of `size` pixels sees beside x at every step: float32 [N, C, size, size], None where nothing.

    Inpainting: the known pixels (`image` [N, 3, size, size], zero where unknown) and `keep` ([N, 1, size, size], 1
    where known). Upsampling: `low_res` [N, 3, s, s], enlarged bilinearly. Both: in this order.
    """
    channels = []
    if image is not None and keep is not None:
        channels += [image * keep, keep]
    if low_res is not None:
        channels.append(F.interpolate(low_res, (size, size), mode="bilinear", align_corners=False))
    return torch.cat(channels, dim=1) if channels else None
