"""Is a release right before a byte is paid for? Everything is looked at, and all that is wrong told in one go."""

from minting.linting.faults import Fault
from minting.linting.release import lint

__all__ = ["Fault", "lint"]
