"""The model: networks, diffusion, guidance, checkpoints. Images and prompts in, images out; it knows nothing of
collections."""

import os

# Threads that wait for each other in a busy loop take a core from those they wait for as soon as anything else runs:
# measured on two cores with one busy program beside, a sampling step took over 0.3 s an image so, 0.06 s asleep.
# OpenMP reads this when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
