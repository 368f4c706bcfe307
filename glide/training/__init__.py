"""Training material and training loops for the restyling model."""
