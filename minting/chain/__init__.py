"""EVM chains: the networks that a user names, and their nodes."""
