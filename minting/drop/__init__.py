"""The drop: the contract, and every step from its deployment to the withdrawal of what it earned."""
