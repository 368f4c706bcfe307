"""Draws endless 36x36 pixel-art toads of this project's own design, with their attributes and caption words.

They are source pictures for training the restyling model without depending on any collection's art.
"""

from glide.training.painter.picture import paint
from glide.training.painter.traits import Toad, attributes, random_toad, words

__all__ = ["Toad", "attributes", "paint", "random_toad", "words"]
