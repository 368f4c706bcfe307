"""The run as Prefect flows, one file a stage, in the order they run: ingest, pair, stylize, group, sheets, export."""

import glide  # noqa: F401  # before torch is: it tells OpenMP how to wait
