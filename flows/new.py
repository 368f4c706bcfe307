"""Writes a new collection's commented collection.toml."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from errors import BadValue, NothingLeft
from flows.settings import FILE, Settings
from flows.sources import find_sources
from glide.prepare import PREPARE
from glide.training import painter
from minting.chain.networks import Network
from similarity.hashes import ALGORITHMS

FIRST_SOURCES = 24
FIRST_STYLES = ("stained glass", "vaporwave", "comic", "embroidery")

TEMPLATE = """\
# {name}: what to make, from what. `toadworks plan` shows what it comes to, `toadworks run` makes it.
# Paths are relative to this file. Every key but sources.images may be left out. What is written below is the default,
# except for name, images, metadata, licence, limit and styles.

name = {name_text}

[sources]
images = {images}      # a source's id is its file name without the ending
metadata = {metadata}  # ID.json with OpenSea "attributes"; "" for none
licence = {licence}    # of the sources, such as "CC0-1.0"; travels with every token
limit = {limit}        # the first so many sources ({found} found); 0 takes all (the default)
only = []              # take only these ids, such as ["17", "42"]
frame = 0              # of an animated source, counted from 0
prepare = "area"       # how a source becomes 64x64: {ways}
backdrop = "#ffffff"   # what lies under transparent pixels

[grid]                 # sources x styles x guidance scales x insertion steps x seeds
catalogue = "toads"    # a shipped catalogue, or your own TOML file beside this one
styles = {styles}      # of the catalogue; [] takes all
guidance_scales = {guidance_scales}  # [] takes the catalogue's
insertion_steps = {insertion_steps}  # k of T (or a fraction of T): more keeps more of the source; [] the catalogue's
seeds = [1]
mode = "noised"        # the source enters with that step's noise; "clean": as it is, which keeps more of it
sample = 0             # make only so many recipes, drawn at random from the grid; 0 makes all
sample_seed = 1

[model]
name = "tadpole"       # in the box; "glide": OpenAI's released weights (`toadworks weights fetch glide`), for a GPU
sampler = "ddim"       # or "ddpm", "dpm-solver++"
steps = 15             # T
respacing = ""         # which steps, as GLIDE writes them: "fast27", "ddim50", "15,15,8,6,6"; T then follows from it
eta = 0.0              # ddim's share of fresh noise, 0..1
precision = "float32"  # "float16" or "bfloat16" on a GPU
device = "auto"        # a CUDA GPU where there is one, else the CPU
batch = 8              # rows an evaluation (a guided image takes two); part of what makes pixels equal to the last bit

[guidance]             # by the prompt; the scales are in [grid]
from = 0.0             # only where the noise's share, 0..1, is at least this
until = 1.0            # and at most this
rescale = 0.0          # 0..1: brings strong guidance back to natural contrast
dynamic_thresholding = 0.0  # such as 0.995: fits that share of the values into the range; 0 only cuts off
clip_scale = 0.0       # guidance by CLIP, for models that have one

[choosing]             # of base images, before the upsampler is paid for
samples = 1            # base images drawn for each candidate; the best one is kept
scorer = "evidence"    # the network's own; or "clip"
clip_scores = false    # score finished candidates by CLIP

[inpainting]
mask = ""              # "subject" or "background" changes only that; or a mask image, or a folder of ID.png
others = ""            # with a folder: for sources without a file in it; "" leaves them out

[upsampler]            # 64 to 256 pixels, for models that have one
use = false
prompt = "{{prompt}}"    # its own; {{prompt}} stands for the style's
sampler = "ddim"
respacing = "fast27"
eta = 0.0
temperature = 0.997    # 1 is sharper and grainier

[look_alikes]          # two candidates look alike when they are at or under all four of these
bits = 40              # of the perceptual hash's 256, in which they differ: shape
colour = 2.5           # mean Oklab distance x 100: all colours together
chroma = 6.0           # the most that one of 8 x 8 cells differs in hue and strength of colour
grey = 12              # the most that one of 16 x 16 cells differs in brightness, of 255 (not within a style)
source_bits = 12       # at or under, a candidate is "unchanged" from its source, or a copy of another
algorithm = "phash"    # {algorithms}
size = 16              # of the hash: 8, 16 or 32; bits and source_bits are of size x size
mirrored = false       # does a mirror image look alike, too?
against = []           # earlier collections that nothing may look like: their folders, or folders of images

[review]
supply = 0             # how many tokens are wanted, which the review page counts towards; 0: not said
blind = true           # what others decided is hidden from a curator until they have decided, too

[release]
collection = ""        # the new collection's name; "" takes the name above
symbol = {symbol}
description = {description}
name_template = "{{collection}} #{{number}}"         # also {{source}}, {{style}}
description_template = "Source {{source}} as {{style}}."
external_url = ""      # the collection's page
token_url = ""         # each token's own page, a template like those above
animation_url = ""     # likewise; "" takes the preview, if there is one
background_color = ""  # six hexadecimal digits without #
collection_image = ""  # the collection's picture (a URI); "" takes the first token's
banner_image = ""
featured_image = ""
collaborators = []     # Ethereum addresses that may edit the collection on marketplaces
royalty_basis_points = 0  # 500 is 5 %
royalty_recipient = "" # an Ethereum address
standard = "ERC-721"   # or "ERC-1155"
profile = "unixfs-v1-2025"  # by which rules CIDs are computed
image_base_uri = ""    # "" is the images' folder on IPFS, whose CID is computed
metadata_base_uri = "" # likewise; what the contract joins a token's id to
image_format = "png"   # or "webp"
image_size = 512       # pixels; 0 leaves 64
image_limit = 0        # bytes that no image may exceed; 0: none
resampling = "nearest" # or "lanczos"
previews = false       # an animation of each token's sampling
placeholder_image = "" # for `export --placeholder`; "" draws one

[attributes]           # rules, by the trait's name
drop = []
rename = {{}}            # {{"Bg" = "Background"}}
buckets = {{}}           # {{"Guidance Scale" = [2, 4]}}: "under 2", "2 to 4", "4 or more"
display_type = {{}}      # {{"Insertion Step" = "number"}}
max_value = {{}}

[publish]              # where `toadworks publish` sends the release
to = ""                # a folder, "s3://BUCKET/PREFIX", "kubo:http://127.0.0.1:5001" or "pinata"
endpoint_url = ""      # the S3 service that has the bucket; "" is Amazon's
car = false            # for a bucket whose service pins to IPFS: folders go as CARs that it imports
gateway = ""           # an IPFS gateway through which what was sent is read back; "" is the service's own
parallel = 4           # files that are on their way at a time
patience = 120         # seconds for which a service that is busy or away is waited for
price_per_gb_month = 0.0  # what storing costs there, if the cost should be told

[drop]                 # what `toadworks rehearse` plays, and deploy, open and mint do
supply = 0             # how many there will be, ever; 0: as many as the release has
owner = ""             # whose contract it is; "" is whoever deploys it
payees = {{}}            # {{"0x..." = 9000, "0x..." = 1000}}: basis points of what is paid; {{}}: all to the owner
team = {{}}              # {{"0x..." = 20}}: tokens for the team
allowlist = []         # lists of wallets, CSV files beside this one, that may mint in the presale
not_allowed = []       # lists of wallets that may not
presale_start = ""     # "2026-12-24T18:00:00Z"; "" and "": no presale
presale_end = ""
presale_price = "0"    # coins; "0.02"
presale_limit = 1      # tokens a wallet
presale_per_token = 0  # instead, so many for each token that a wallet holds by the snapshots
presale_at_most = 0    # but no more than so many; 0: any
public_start = ""      # likewise, for everybody
public_end = ""
public_price = "0"
public_limit = 0       # tokens a wallet; 0: any

# [networks.polygon]   # a chain, by a name of yours; the environment fills in ${{NAME}}
# chain_id = 137
# rpc = "https://polygon-mainnet.example.com/v2/${{POLYGON_KEY}}"
# confirmations = 10   # blocks until a transaction counts
# coin = "POL"
# gas_price = 30.0     # gwei, for estimates
# max_fee = 300.0      # gwei of gas beyond which nothing is sent

[storage]
database = "toadworks.db"  # a SQLite file, or a URL
assets = "assets"          # images by their SHA-256: a folder, or "s3://bucket/prefix"
endpoint_url = ""          # of a bucket that is not Amazon's; credentials come from the environment or ~/.aws
lease = 300                # seconds until another worker may take over what one draws and leaves undone
sheets = "sheets"          # contact sheets
release = "release"        # what `toadworks export` writes
placeholder = "placeholder"  # what `toadworks export --placeholder` writes
"""

NETWORK = """
[networks.{name}]      # the chain that the sources were read from
chain_id = {chain_id}
rpc = {rpc}
"""


def write_collection(
    folder: Path,
    sources: Path,
    metadata: Path | None = None,
    *,
    licence: str = "",
    styles: Sequence[str] = FIRST_STYLES,
    guidance_scales: Sequence[float] = (),
    insertion_steps: Sequence[float] = (),
    limit: int | None = None,
    network: Network | None = None,
) -> Settings:
    """Write `folder`/collection.toml for the images in `sources` (`metadata`: default the folder of that name beside
    them, where there is one). `network`: one to name in it, whose address holds no secret.

    Raises BadValue for a folder that is not there or already is a collection, NothingLeft for one without images.
    """
    if (folder / FILE).exists():
        raise BadValue("collection", str(folder), f"a new name: there is a {FILE} in it already")
    if not sources.is_dir():
        raise BadValue("sources folder", str(sources), "a folder of images")
    found = len(find_sources(sources)[0])
    if not found:
        raise NothingLeft(f"{sources}: there are no images in it (its subfolders are not searched)")
    if metadata is None:
        beside = sources.resolve().parent / "metadata"
        metadata = beside if beside.is_dir() else None
    elif not metadata.is_dir():
        raise BadValue("metadata folder", str(metadata), "a folder of ID.json files")
    folder.mkdir(parents=True, exist_ok=True)
    text = TEMPLATE.format(
        name=folder.resolve().name,
        name_text=_toml(folder.resolve().name),
        images=_toml(_relative(sources, folder)),
        metadata=_toml(_relative(metadata, folder) if metadata else ""),
        licence=_toml(licence),
        limit=limit if limit is not None else (FIRST_SOURCES if found > FIRST_SOURCES else 0),
        found=found,
        ways=", ".join(PREPARE),
        algorithms=", ".join(ALGORITHMS),
        styles=_toml(list(styles)),
        guidance_scales=_toml(list(guidance_scales)),
        insertion_steps=_toml(list(insertion_steps)),
        symbol=_toml(""),
        description=_toml(""),
    )
    if network is not None:
        text += NETWORK.format(name=network.name, chain_id=network.chain_id, rpc=_toml(network.rpc))
    (folder / FILE).write_text(text, encoding="utf-8")
    return Settings.read(folder)


def paint_sources(folder: Path, count: int, seed: int) -> Path:
    """Draw `count` sample toads (every sixth with a transparent background) into `folder`/images, their attributes into
    `folder`/metadata; return the images' folder. Raises BadValue where there is something already."""
    if folder.exists():
        raise BadValue("folder for sample toads", str(folder), "one that is not there yet, as nothing is overwritten")
    for name in ("images", "metadata"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(1, count + 1):
        toad = painter.random_toad(rng)
        painter.paint(toad, transparent=number % 6 == 0).save(folder / "images" / f"{number}.png")
        about = {"name": f"Sample toad #{number}", "attributes": painter.attributes(toad)}
        (folder / "metadata" / f"{number}.json").write_text(json.dumps(about, indent=2))
    return folder / "images"


def _relative(path: Path, folder: Path) -> str:
    """Relative where that is short, so that a project's folder can be moved as a whole."""
    relative = os.path.relpath(path.resolve(), folder.resolve())
    return relative if relative.count("..") <= 3 else str(path.resolve())


def _toml(value: str | list[str] | list[float]) -> str:
    # JSON's text and lists of text and numbers are TOML's too
    return json.dumps(value, ensure_ascii=False)
