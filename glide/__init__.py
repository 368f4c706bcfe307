"""The model: networks, diffusion, guidance, checkpoints. Images and prompts in, images out; it knows nothing of
collections."""
