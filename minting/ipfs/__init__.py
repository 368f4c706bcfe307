"""What a release is in IPFS: its CIDs, computed without a network, and CAR files, written, checked and unpacked."""

from minting.ipfs.car import Car, read_car
from minting.ipfs.checking import Checked, check_car
from minting.ipfs.cids import cid_text, parse_cid
from minting.ipfs.importing import Imported, cid_of
from minting.ipfs.packing import write_car
from minting.ipfs.profiles import DEFAULT_PROFILE, PROFILES, Profile, profile_named
from minting.ipfs.unpacking import unpack_car
from minting.ipfs.walking import bytes_in

__all__ = [
    "DEFAULT_PROFILE",
    "PROFILES",
    "Car",
    "Checked",
    "Imported",
    "Profile",
    "bytes_in",
    "check_car",
    "cid_of",
    "cid_text",
    "parse_cid",
    "profile_named",
    "read_car",
    "unpack_car",
    "write_car",
]
