"""Draws an SVG that is not trusted, in a process of its own: `draw_svg.py SIDE < svg > png`.

It gets little memory and time, since a few lines of SVG can ask for any amount of both, and imports nothing of ours.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress

MEMORY, SECONDS = 1 << 30, 10  # bytes, of processor time


def main() -> None:
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # some systems know one of them by name only
            resource.setrlimit(limit, (most, most))
    import resvg_py

    side = int(sys.argv[1])
    svg = sys.stdin.buffer.read().decode()
    # crisp edges: a grid of squares is to stay one
    png = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side, shape_rendering="crisp_edges")
    sys.stdout.buffer.write(bytes(png))


if __name__ == "__main__":
    main()
