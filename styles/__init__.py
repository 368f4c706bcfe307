"""What to ask the model for: style catalogues, recipes and the grid that joins them to sources."""
