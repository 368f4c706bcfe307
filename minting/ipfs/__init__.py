"""What a release is in IPFS: its CIDs, computed without a network, and CAR files, written, checked and unpacked."""

from minting.ipfs.importing import Imported, cid_of
from minting.ipfs.packing import write_car
from minting.ipfs.profiles import DEFAULT_PROFILE, PROFILES, Profile, profile_named

__all__ = ["DEFAULT_PROFILE", "PROFILES", "Imported", "Profile", "cid_of", "profile_named", "write_car"]
