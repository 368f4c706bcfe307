"""Every key of a collection.toml and its default."""

from __future__ import annotations

from typing import Any

LARGEST_BATCH = 1024  # rows

# every key with its default; the default's type is the key's type
DEFAULTS: dict[str, dict[str, Any]] = {
    "": {"name": ""},
    "sources": {
        "images": "",
        "metadata": "",
        "licence": "",
        "limit": 0,
        "only": [],
        "frame": 0,
        "prepare": "area",
        "backdrop": "#ffffff",
    },
    "grid": {
        "catalogue": "toads",
        "styles": [],
        "guidance_scales": [],
        "insertion_steps": [],
        "seeds": [1],
        "mode": "noised",
        "sample": 0,
        "sample_seed": 1,
    },
    "model": {
        "name": "tadpole",
        "sampler": "ddim",
        "steps": 15,
        "respacing": "",
        "eta": 0.0,
        "precision": "float32",
        "device": "auto",
        "batch": 8,
    },
    "guidance": {"from": 0.0, "until": 1.0, "rescale": 0.0, "dynamic_thresholding": 0.0, "clip_scale": 0.0},
    "choosing": {"samples": 1, "scorer": "evidence", "clip_scores": False},
    "inpainting": {"mask": "", "others": ""},
    "upsampler": {
        "use": False,
        "prompt": "{prompt}",
        "sampler": "ddim",
        "respacing": "fast27",
        "eta": 0.0,
        "temperature": 0.997,
    },
    "look_alikes": {
        "bits": 40,
        "colour": 2.5,
        "chroma": 6.0,
        "grey": 12,
        "source_bits": 12,
        "algorithm": "phash",
        "size": 16,
        "mirrored": False,
        "against": [],
    },
    "release": {
        "collection": "",
        "symbol": "",
        "description": "",
        "name_template": "{collection} #{number}",
        "description_template": "Source {source} as {style}.",
        "external_url": "",
        "image_base_uri": "",
        "image_size": 512,
        "resampling": "nearest",
    },
    "publish": {
        "to": "",
        "endpoint_url": "",
        "car": False,
        "gateway": "",
        "parallel": 4,
        "patience": 120,
        "price_per_gb_month": 0.0,
    },
    "review": {"supply": 0, "blind": True},
    "storage": {
        "database": "toadworks.db",
        "assets": "assets",
        "endpoint_url": "",
        "lease": 300,
        "sheets": "sheets",
        "release": "release",
    },
}
