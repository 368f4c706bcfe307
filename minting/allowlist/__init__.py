"""The allowlist of a presale: lists that a user has become entries, a Merkle tree over them, and proofs."""
