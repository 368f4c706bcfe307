"""Sending a release away: to a folder, a bucket, an IPFS node or a pinning service, and reading every byte back."""
