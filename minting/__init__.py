"""What leaves the house: the new collection's images, metadata and gallery, written from accepted tokens."""
