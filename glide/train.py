"""`python -m glide.train` makes tadpole: it draws its training set, trains, and writes the shipped weights.

Everything follows from `--seed`. It can be stopped and started again: it goes on from its last checkpoint. On a busy
CPU `--processes 2` is faster than one process with two threads: they meet once a step, not at every layer.
"""

from __future__ import annotations

import argparse
import copy
import csv
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from glide.models import TADPOLE, TADPOLE_WEIGHTS, Model, Network, channels_last
from glide.request import Options, Request
from glide.restyle import restyle
from glide.schedules import make_schedule
from glide.tokens import byte_tokens
from glide.training.data import make_set
from glide.training.looks import LOOKS
from glide.training.loss import hybrid_loss, noised
from glide.unet import TextUNet

BATCH = 16
RATE = 8e-4
WARM_UP = 200
DROPPED_CAPTIONS = 0.1
AVERAGED = 0.999


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, constant, then down to zero over the last 40 %: `steps` may be raised before that begins."""
    return RATE * min(1.0, (step + 1) / WARM_UP, max(0.0, (steps - step) / (0.4 * steps)))


class Trainer:
    """The network, its moving average, the optimiser, and the step they are at."""

    def __init__(self, folder: Path, device: str, seed: int, rank: int = 0, processes: int = 1) -> None:
        torch.manual_seed(seed)
        self.folder, self.device, self.seed = folder, device, seed
        self.share = slice(rank, None, processes)  # of every batch
        self.processes = processes
        self.model = channels_last(TextUNet(TADPOLE.base.unet), device)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.01)
        self.schedule = make_schedule(TADPOLE.base.schedule)
        self.step = 0
        if (folder / "last.pt").exists():
            self._resume()

    def _resume(self) -> None:
        saved = torch.load(self.folder / "last.pt", map_location=self.device, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step = saved["step"]
        print(f"going on from step {self.step}")

    def save(self) -> None:
        """A checkpoint, and the averaged weights as they would be shipped."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        torch.save(state, self.folder / "last.tmp")
        (self.folder / "last.tmp").replace(self.folder / "last.pt")
        half = {name: tensor.half().contiguous() for name, tensor in self.average.state_dict().items()}
        save_file(half, self.folder / "tadpole.safetensors", metadata={"step": str(self.step), "seed": str(self.seed)})

    def train_step(self, pixels: np.ndarray, captions: list[str], rate: float) -> tuple[float, float]:
        """One step on uint8 [N, 64, 64, 3] with their captions: (noise error, variational bits)."""
        # the step's own generator: a resumed training sees the same draws as an undisturbed one
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        n = len(pixels)
        kept = torch.rand(n, generator=generator) >= DROPPED_CAPTIONS
        t = torch.randint(0, 1000, (n,), generator=generator)[self.share].to(self.device)
        noise = torch.randn(n, 3, 64, 64, generator=generator)[self.share].to(self.device)
        texts = [text if keep else "" for text, keep in zip(captions, kept.tolist(), strict=True)]
        tokens, mask = _tokens(texts[self.share])
        x0 = torch.from_numpy(pixels[self.share]).permute(0, 3, 1, 2).float().to(self.device) / 127.5 - 1
        xt = noised(x0, t, noise, self.schedule).contiguous(memory_format=torch.channels_last)
        text = self.model.encode_text(tokens.to(self.device), mask.to(self.device))
        noise_error, bits = hybrid_loss(self.model(xt, t, text), x0, xt, t, noise, self.schedule)
        (noise_error + bits).backward()  # type: ignore[no-untyped-call]
        self._average_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.step += 1
        decay = min(AVERAGED, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(now.detach(), 1 - decay)
        return noise_error.item(), bits.item()

    def _average_gradients(self) -> None:
        if self.processes == 1:
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        flat /= self.processes
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))


def _tokens(captions: list[str]) -> tuple[Tensor, Tensor]:
    read = [byte_tokens(text, TADPOLE.base.unet.text_context) for text in captions]
    return torch.tensor([tokens.ids for tokens in read]), torch.tensor([tokens.mask for tokens in read])


def sample_grid(model: TextUNet, sources: np.ndarray, file: Path) -> None:
    """A picture to judge by: eight styles (rows) from pure noise and over two sources, at scale 3."""
    styles = ("crayon", "oil", "neon", "blueprint", "stained", "watercolour", "gold", "mosaic")
    prompts = [LOOKS[style].phrases[0].replace("{toad}", "a toad") for style in styles]
    columns = [(0, 0), (0, 6), (0, 9), (0, 12), (1, 6), (1, 9), (1, 12)]
    requests = [
        Request(sources[source], prompt, 3.0, insertion, seed=1) for prompt in prompts for source, insertion in columns
    ]
    trained = Model(TADPOLE, Network(model.eval(), TADPOLE.base.schedule), None, None, byte_tokens, None)
    images = [made.pixels for made in restyle(trained, requests, Options(steps=20))]
    model.train()
    rows = [np.concatenate(images[n : n + len(columns)], axis=1) for n in range(0, len(images), len(columns))]
    grid = Image.fromarray(np.concatenate(rows))
    grid.resize((grid.width * 2, grid.height * 2), Image.Resampling.NEAREST).save(file)


def train(rank: int, arguments: argparse.Namespace) -> None:
    """One process of `arguments.processes`: the first also logs, saves and draws samples."""
    if arguments.processes > 1:
        torch.set_num_threads(1)
        meeting = f"file://{(arguments.folder / 'meeting').resolve()}"
        torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=arguments.processes)
    pixels, captions = make_set(arguments.folder, arguments.toads, styles_each=5, seed=arguments.seed)
    trainer = Trainer(arguments.folder, arguments.device, arguments.seed, rank, arguments.processes)
    sources = np.stack([pixels[n] for n in [i for i, text in enumerate(captions) if text.endswith("plain")][:2]])
    losses: list[tuple[float, float]] = []
    began = time.monotonic()
    while trainer.step < arguments.steps:
        chosen = np.random.default_rng([arguments.seed, trainer.step]).integers(len(pixels), size=BATCH)
        rate = learning_rate(trainer.step, arguments.steps)
        losses.append(trainer.train_step(pixels[chosen], [captions[n] for n in chosen], rate))
        last = trainer.step == arguments.steps
        if rank == 0 and trainer.step % 50 == 0:
            log_progress(arguments, trainer.step, losses, (time.monotonic() - began) / len(losses), rate)
            losses, began = [], time.monotonic()
        if rank == 0 and (trainer.step % 250 == 0 or last):
            trainer.save()
        if rank == 0 and (trainer.step % 1000 == 0 or last):
            sample_grid(trainer.average, sources, arguments.folder / f"samples-{trainer.step:06d}.png")


def log_progress(
    arguments: argparse.Namespace, step: int, losses: list[tuple[float, float]], pace: float, rate: float
) -> None:
    """A line for people, and one for loss.csv: step, noise error, variational bits, learning rate."""
    error, bits = np.mean(losses, axis=0)
    left = (arguments.steps - step) * pace / 60
    print(
        f"step {step}/{arguments.steps}  noise {error:.4f}  bits {bits:.4f}  {pace:.2f} s a step, {left:.0f} min left",
        flush=True,
    )
    with (arguments.folder / "loss.csv").open("a", newline="") as file:
        csv.writer(file).writerow([step, f"{error:.5f}", f"{bits:.5f}", f"{rate:.2e}"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m glide.train", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("training"), help="where checkpoints and samples go")
    parser.add_argument("--steps", type=int, default=3600, help="training steps of 16 images")
    parser.add_argument("--toads", type=int, default=4000, help="toads to draw, half of them real where at hand")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, help="on a CPU: one a core")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    pixels, _ = make_set(arguments.folder, arguments.toads, styles_each=5, seed=arguments.seed)
    print(f"{len(pixels)} pictures of {arguments.toads} toads; {arguments.device}", flush=True)
    (arguments.folder / "meeting").unlink(missing_ok=True)
    if arguments.processes == 1:
        train(0, arguments)
    else:
        spawn(train, (arguments,), nprocs=arguments.processes)  # type: ignore[no-untyped-call]
    TADPOLE_WEIGHTS.file.parent.mkdir(exist_ok=True)
    TADPOLE_WEIGHTS.file.write_bytes((arguments.folder / "tadpole.safetensors").read_bytes())
    print(f"weights: {TADPOLE_WEIGHTS.file}")


if __name__ == "__main__":
    main()
