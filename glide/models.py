"""The models that Toadworks knows, by name: the networks of each, their text, and where their weights are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from errors import BadValue, BadWeights
from glide import released
from glide.checkpoints import FetchedWeights, ShippedWeights, UntrainedWeights, Weights, WithMaskChannels, load_into
from glide.clip import ClipImageEncoder, ClipImageSpec, ClipTextEncoder, ClipTextSpec, NoisyClip
from glide.locking import present, sha256_of, weights_folder
from glide.tokens import ClipTokens, Gpt2Tokens, Tokenizer, byte_tokens
from glide.unet import TextUNet, UNetSpec

PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
MASK_CHANNELS = 4  # the known pixels and the mask
IMAGE_CHANNELS = 3


@dataclass(frozen=True)
class NetworkSpec:
    """One U-Net: its size, the schedule it was trained on, and its weights."""

    unet: UNetSpec
    schedule: str
    weights: Weights


@dataclass(frozen=True)
class ClipSpec:
    """The noise-aware CLIP: its two encoders and their weights."""

    text: ClipTextSpec
    image: ClipImageSpec
    text_weights: Weights
    image_weights: Weights


@dataclass(frozen=True)
class Parts:
    """Which networks of a model a batch needs: those that look at a `mask`, the upsampler, CLIP. `precision`: a name in
    PRECISIONS."""

    masked: bool = False
    upsampled: bool = False
    clip: bool = False
    precision: str = "float32"

    def networks(self, spec: ModelSpec) -> tuple[NetworkSpec, NetworkSpec | None, ClipSpec | None]:
        """(base, upsampler, CLIP) of `spec`. Raises BadValue for what it does not have."""
        if lacking := spec.lacks(self):
            able = [name for name, other in MODELS.items() if not other.lacks(self)]
            raise BadValue(f"for {lacking}, model", spec.name, ", ".join(able))
        base = spec.base_inpaint if self.masked and spec.base_inpaint else spec.base
        upsample = spec.upsample_inpaint if self.masked else spec.upsample
        return base, upsample if self.upsampled else None, spec.clip if self.clip else None


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One model: its networks, those that it has, and how its prompts become tokens."""

    name: str
    base: NetworkSpec
    base_inpaint: NetworkSpec | None = None
    upsample: NetworkSpec | None = None
    upsample_inpaint: NetworkSpec | None = None
    clip: ClipSpec | None = None
    tokens: Callable[[], Tokenizer] = lambda: byte_tokens
    clip_tokens: Callable[[], Tokenizer] = lambda: byte_tokens
    warning: str = ""  # what users should know before they spend time on it

    @property
    def size(self) -> int:
        """Side of a base image, pixels."""
        return self.base.unet.image_size

    def lacks(self, parts: Parts) -> str:
        """What `parts` ask for and this model does not have, in words; "" where it has all."""
        for wanted, has, what in (
            (parts.masked, self.base_inpaint, "an inpainting network"),
            (parts.upsampled, self.upsample, "an upsampler"),
            (parts.masked and parts.upsampled, self.upsample_inpaint, "an inpainting upsampler"),
            (parts.clip, self.clip, "CLIP"),
        ):
            if wanted and has is None:
                return what
        return ""

    @property
    def upsampled_size(self) -> int:
        """Side of an upsampled image, pixels; 0 where the model has no upsampler."""
        return self.upsample.unet.image_size if self.upsample else 0


@dataclass(frozen=True)
class Hashes:
    """SHA-256 of the weights that a batch uses, as recipes hold them; "" where a part is not used."""

    base: str
    upsampler: str = ""
    clip: str = ""


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded U-Net and the name of the schedule that it was trained on."""

    unet: TextUNet
    schedule: str


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded model: the parts of `spec` that were asked for, on one device, in evaluation mode."""

    spec: ModelSpec
    base: Network
    upsampler: Network | None
    clip: NoisyClip | None
    tokens: Tokenizer
    clip_tokens: Tokenizer | None

    @property
    def device(self) -> torch.device:
        return next(self.base.unet.parameters()).device


def load_model(spec: ModelSpec, parts: Parts | None = None, device: str = "cpu") -> Model:
    """The networks with their weights. Raises BadWeights where a file is missing or does not fit, BadValue for a part
    that the model does not have, or for half precision on a CPU, which is slower there and loses too much."""
    parts = parts or Parts()
    if parts.precision not in PRECISIONS:
        raise BadValue("precision", parts.precision, ", ".join(PRECISIONS))
    if parts.precision != "float32" and device == "cpu":
        raise BadValue("precision", parts.precision, "float32 on a CPU; float16 and bfloat16 are for GPUs")
    base, upsample, clip = parts.networks(spec)
    tokens, clip_tokens = (
        spec.tokens(),
        spec.clip_tokens() if clip else None,
    )  # first: they are small and may be missing
    if device != "cpu":
        # a GPU is exact only if it is told to be: by default its convolutions round to 10 bits
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True

    def loaded(network: NetworkSpec) -> Network:
        with torch.device("meta"):
            unet = TextUNet(network.unet)
        unet.to_empty(device="cpu")
        load_into(unet, network.weights, spec.name)
        unet.eval().requires_grad_(False).in_precision(PRECISIONS[parts.precision])  # before it moves: a GPU has less
        return Network(channels_last(unet, device), network.schedule)

    return Model(
        spec,
        loaded(base),
        loaded(upsample) if upsample else None,
        _loaded_clip(clip, spec.name, device) if clip else None,
        tokens,
        clip_tokens,
    )


def weights_hashes(spec: ModelSpec, parts: Parts | None = None) -> Hashes:
    """What recipes record of the weights. Raises as `load_model` does."""
    base, upsample, clip = (parts or Parts()).networks(spec)
    return Hashes(
        base.weights.sha256(),
        upsample.weights.sha256() if upsample else "",
        _joined(clip.text_weights.sha256(), clip.image_weights.sha256()) if clip else "",
    )


def _joined(*digests: str) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def channels_last(unet: TextUNet, device: str) -> TextUNet:
    """The network on `device`, its convolutions in the memory format that they are fastest in."""
    return unet.to(torch.device(device)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def model_spec(name: str) -> ModelSpec:
    """The model called `name`; raises BadValue, with the valid names, for another."""
    if name not in MODELS:
        raise BadValue("model", name, ", ".join(MODELS))
    return MODELS[name]


def _loaded_clip(spec: ClipSpec, name: str, device: str) -> NoisyClip:
    text, image = ClipTextEncoder(spec.text), ClipImageEncoder(spec.image)
    for encoder, weights in ((text, spec.text_weights), (image, spec.image_weights)):
        load_into(encoder, weights, f"{name}'s CLIP")
        encoder.eval().requires_grad_(False).to(torch.device(device))
    return NoisyClip(text, image)


def _inpainting(unet: UNetSpec) -> UNetSpec:
    return replace(unet, in_channels=unet.in_channels + MASK_CHANNELS)


def _fetched(key: str) -> FetchedWeights:
    return FetchedWeights(released.CHECKPOINTS[key])


def _vocabulary(key: str) -> Path:
    file = released.VOCABULARIES[key]
    found = present(file, weights_folder())
    if found is None:
        raise BadWeights(weights_folder() / file.name, "is not there; `toadworks weights fetch glide` gets it")
    sha256_of(file, weights_folder())  # another vocabulary would make other tokens under the same recipe
    return found


TADPOLE_UNET = UNetSpec(
    image_size=64,
    model_channels=32,
    channel_multipliers=(1, 1, 2, 4),
    residual_blocks=1,
    attention_at=(4, 8),
    head_channels=32,
    text_context=96,
    text_width=128,
    text_layers=3,
    text_heads=4,
    vocabulary=257,
    dropout=0.0,
)
TADPOLE_WEIGHTS = ShippedWeights(Path(__file__).parent / "weights" / "tadpole.safetensors")
TADPOLE = ModelSpec(
    name="tadpole",
    base=NetworkSpec(TADPOLE_UNET, "squaredcos_cap_v2", TADPOLE_WEIGHTS),
    base_inpaint=NetworkSpec(_inpainting(TADPOLE_UNET), "squaredcos_cap_v2", WithMaskChannels(TADPOLE_WEIGHTS)),
)

# tadpole's trained base network among untrained ones of its size: every part of the pipeline on a laptop
SMALL_UPSAMPLER = replace(
    TADPOLE_UNET, image_size=256, in_channels=6, attention_at=(8,), channel_multipliers=(1, 1, 1, 2)
)
SMALL_CLIP_TEXT = ClipTextSpec(vocabulary=257, context=96, width=64, heads=2, layers=2, features=64)
SMALL_CLIP_IMAGE = ClipImageSpec(image_size=64, patch=8, width=64, heads=2, layers=2, features=64)
UNTRAINED = replace(
    TADPOLE,
    name="untrained",
    warning="its upsampler and CLIP are untrained: they show that the parts fit together, and pictures that are noise",
    upsample=NetworkSpec(SMALL_UPSAMPLER, "linear", UntrainedWeights(partial(TextUNet, SMALL_UPSAMPLER))),
    upsample_inpaint=NetworkSpec(
        _inpainting(SMALL_UPSAMPLER), "linear", UntrainedWeights(partial(TextUNet, _inpainting(SMALL_UPSAMPLER)))
    ),
    clip=ClipSpec(
        SMALL_CLIP_TEXT,
        SMALL_CLIP_IMAGE,
        UntrainedWeights(partial(ClipTextEncoder, SMALL_CLIP_TEXT)),
        UntrainedWeights(partial(ClipImageEncoder, SMALL_CLIP_IMAGE)),
    ),
)

GLIDE_BASE = UNetSpec(
    image_size=64,
    model_channels=192,
    channel_multipliers=(1, 2, 3, 4),
    residual_blocks=3,
    attention_at=(2, 4, 8),
    head_channels=64,
    text_context=128,
    text_width=512,
    text_layers=16,
    text_heads=8,
    vocabulary=50257,
)
GLIDE_UPSAMPLER = replace(
    GLIDE_BASE,
    image_size=256,
    in_channels=6,
    channel_multipliers=(1, 1, 2, 2, 4, 4),
    residual_blocks=2,
    attention_at=(8, 16, 32),
)
GLIDE_CLIP_TEXT = ClipTextSpec(vocabulary=65536, context=77, width=512, heads=8, layers=12, features=512)
GLIDE_CLIP_IMAGE = ClipImageSpec(image_size=64, patch=4, width=768, heads=12, layers=12, features=512)
GLIDE = ModelSpec(
    name="glide",
    base=NetworkSpec(GLIDE_BASE, "squaredcos_cap_v2", _fetched("base")),
    base_inpaint=NetworkSpec(_inpainting(GLIDE_BASE), "squaredcos_cap_v2", _fetched("base-inpaint")),
    upsample=NetworkSpec(GLIDE_UPSAMPLER, "linear", _fetched("upsample")),
    upsample_inpaint=NetworkSpec(_inpainting(GLIDE_UPSAMPLER), "linear", _fetched("upsample-inpaint")),
    clip=ClipSpec(GLIDE_CLIP_TEXT, GLIDE_CLIP_IMAGE, _fetched("clip-text"), _fetched("clip-image")),
    tokens=lambda: Gpt2Tokens(_vocabulary("gpt2")),
    clip_tokens=lambda: ClipTokens(_vocabulary("clip")),
)

MODELS = {spec.name: spec for spec in (TADPOLE, UNTRAINED, GLIDE)}
