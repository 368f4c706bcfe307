"""The sixteen looks: filters that turn a pixel-art toad into a recognisable rendering of the same toad.

They make the pictures that the restyling model learns its styles from. Every look keeps the toad in place.
"""

from glide.training.looks.catalogue import LOOKS, Look, render

__all__ = ["LOOKS", "Look", "render"]
