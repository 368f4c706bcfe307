"""Perceptual hashes, scores and groups of look-alikes. Arrays in, arrays out: nothing here knows of collections."""
