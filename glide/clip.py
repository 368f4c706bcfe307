"""GLIDE's noise-aware CLIP (Radford et al. 2021, arXiv 2103.00020; Nichol et al. 2021, section 2.4): how well a picture
that is still noisy fits a prompt, and which way to change it. Parameter names as in the release."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from errors import BadValue

LOGIT_SCALE = 100.0  # what CLIP's own temperature came to; it is not in the checkpoints
PIXEL_MEAN = (0.48145466 * 255, 0.4578275 * 255, 0.40821073 * 255)
PIXEL_DEVIATION = (0.26862954 * 255, 0.26130258 * 255, 0.27577711 * 255)


@dataclass(frozen=True, kw_only=True)
class ClipTextSpec:
    """The size of the text encoder. `vocabulary`: rows of its table; `features`: width of what comes out."""

    vocabulary: int
    context: int
    width: int
    heads: int
    layers: int
    features: int


@dataclass(frozen=True, kw_only=True)
class ClipImageSpec:
    """The size of the image encoder. `image_size` and `patch` in pixels; `timesteps`: rows of its table of steps."""

    image_size: int
    patch: int
    width: int
    heads: int
    layers: int
    features: int
    timesteps: int = 1000


class Norm(nn.Module):
    """Layer norm in float32 whatever the input's type."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(width))
        self.b = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.float(), self.g.shape, self.g.float(), self.b.float()).to(x.dtype)


class Affine(nn.Module):
    def __init__(self, width: int, out_width: int, bias: bool = True) -> None:
        super().__init__()
        self.w = nn.Parameter(width**-0.5 * torch.randn(out_width, width))
        self.b = nn.Parameter(torch.zeros(out_width)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.w, self.b)


class Attention(nn.Module):
    """Pre-norm self-attention; where `causal`, a position sees itself and those before it."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.ln = Norm(width)
        self.f_q = Affine(width, width)
        self.f_k = Affine(width, width, bias=False)  # it would add the same to all logits of a query
        self.f_v = Affine(width, width)
        self.f_c = Affine(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        h = self.ln(x)
        q, k, v = (f(h).view(n, length, self.heads, -1).transpose(1, 2) for f in (self.f_q, self.f_k, self.f_v))
        scale = (width // self.heads) ** -0.25
        logits = (q * scale @ (k * scale).transpose(-1, -2)).float()  # (N, heads, length, length)
        if self.causal:
            later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            logits = logits.masked_fill(later, -torch.inf)
        out: Tensor = self.f_c((logits.softmax(dim=-1).to(v.dtype) @ v).transpose(1, 2).reshape(n, length, width))
        return out


class MLP(nn.Module):
    """Pre-norm, with exact GELU: OpenAI's earlier CLIP has x sigmoid(1.702 x) there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln = Norm(width)
        self.f_1 = Affine(width, 4 * width)
        self.f_2 = Affine(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.f_2(F.gelu(self.f_1(self.ln(x))))
        return out


class Block(nn.Module):
    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.f_attn = Attention(width, heads, causal)
        self.f_mlp = MLP(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.f_attn(x)
        out: Tensor = x + self.f_mlp(x)
        return out


class TextInput(nn.Module):
    def __init__(self, spec: ClipTextSpec) -> None:
        super().__init__()
        self.w_voc = nn.Parameter(0.1 * torch.randn(spec.vocabulary, spec.width))
        self.w_pos = nn.Parameter(0.1 * torch.randn(spec.context, spec.width))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.w_voc[tokens] + self.w_pos


class ImageInput(nn.Module):
    """Patches behind a class token that is looked up by the timestep: so the encoder knows how noisy the image is."""

    def __init__(self, spec: ClipImageSpec) -> None:
        super().__init__()
        self.patch = spec.patch
        patches = (spec.image_size // spec.patch) ** 2
        self.w_t = nn.Parameter(0.1 * torch.randn(spec.timesteps, spec.width))
        self.patch_proj = nn.Parameter((3 * spec.patch**2) ** -0.5 * torch.randn(spec.width, 3, spec.patch, spec.patch))
        self.w_pos = nn.Parameter(0.1 * torch.randn(patches + 1, spec.width))
        self.ln = Norm(spec.width)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        mean, deviation = (x.new_tensor(values)[:, None, None] for values in (PIXEL_MEAN, PIXEL_DEVIATION))
        pixels = ((x + 1) * 127.5 - mean) / deviation
        patches = F.conv2d(pixels, self.patch_proj, stride=self.patch).flatten(2).transpose(1, 2)
        out: Tensor = self.ln(torch.cat([self.w_t[t][:, None], patches], dim=1) + self.w_pos)
        return out  # (N, 1 + patches, width)


class Output(nn.Module):
    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        self.ln = Norm(width)
        self.f = Affine(width, features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.f(self.ln(x))
        return out


def _blocks(first: nn.Module, spec: ClipTextSpec | ClipImageSpec, causal: bool) -> nn.ModuleDict:
    between = {f"block_{k}": Block(spec.width, spec.heads, causal) for k in range(spec.layers)}
    return nn.ModuleDict({"input": first, **between, "output": Output(spec.width, spec.features)})


def _through(blocks: nn.ModuleDict, x: Tensor) -> Tensor:
    for name, block in blocks.items():
        if name not in ("input", "output"):
            x = block(x)
    return x


class ClipTextEncoder(nn.Module):
    """Causal transformer over a prompt."""

    def __init__(self, spec: ClipTextSpec) -> None:
        super().__init__()
        self.spec = spec
        self.blocks = _blocks(TextInput(spec), spec, causal=True)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Tokens int [N, context], of which the first `lengths` [N] count (1 or more), to [N, features], not
        normalised: what the last of them saw. Raises BadValue for another context."""
        if tokens.ndim != 2 or tokens.shape[1] != self.spec.context:
            raise BadValue("shape of tokens", tuple(tokens.shape), f"N x {self.spec.context}")
        x = _through(self.blocks, self.blocks["input"](tokens))
        last: Tensor = x[torch.arange(len(x), device=x.device), lengths - 1]
        out: Tensor = self.blocks["output"](last)
        return out


class ClipImageEncoder(nn.Module):
    """Vision transformer over an image and the timestep that tells its noise."""

    def __init__(self, spec: ClipImageSpec) -> None:
        super().__init__()
        self.spec = spec
        self.blocks = _blocks(ImageInput(spec), spec, causal=False)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Images [N, 3, S, S] in [-1, 1] (more while noisy) at original step numbers int [N] to [N, features], not
        normalised: what the class token saw. Raises BadValue for images of another size."""
        size = self.spec.image_size
        if x.ndim != 4 or x.shape[1:] != (3, size, size):
            raise BadValue("shape of images", tuple(x.shape), f"N x 3 x {size} x {size}")
        out: Tensor = self.blocks["output"](_through(self.blocks, self.blocks["input"](x, t))[:, 0])
        return out


@dataclass(frozen=True, eq=False)
class NoisyClip:
    """Both encoders. Features are of length 1; d is their width."""

    text: ClipTextEncoder
    image: ClipImageEncoder

    def text_features(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Tokens int [N, context], of which the first `lengths` [N] count: [N, d]."""
        return F.normalize(self.text(tokens, lengths), dim=-1)

    def image_features(self, x: Tensor, t: Tensor) -> Tensor:
        """Images [N, 3, S, S] in [-1, 1] at original step numbers int [N]: [N, d]."""
        return F.normalize(self.image(x, t), dim=-1)

    def similarity(self, x: Tensor, t: Tensor, text: Tensor) -> Tensor:
        """Cosine, -1..1, of each image with its own row of `text` [N, d] (from `text_features`): [N]."""
        return (self.image_features(x, t) * text).sum(dim=-1)

    def gradient(self, x: Tensor, t: Tensor, text: Tensor) -> Tensor:
        """How each image should change to fit its row of `text` [N, d] better: [N, 3, S, S], the gradient of 100 x
        similarity. Also where gradients are off: under `no_grad` and `inference_mode`."""
        with torch.inference_mode(False), torch.enable_grad():
            # clones, because what was made under inference_mode cannot take part in a gradient
            x, t, text = x.detach().clone().requires_grad_(), t.clone(), text.detach().clone()
            fit = LOGIT_SCALE * self.similarity(x, t, text).sum()
            return torch.autograd.grad(fit, x)[0]
