"""The errors that Toadworks raises on purpose, under one base.

Each carries its context (file, key, token id) and reads as one clear sentence: what is wrong, where, and what is
allowed. The command line prints it and exits with `exit_status`; the flows list it beside the file and go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

GOES_ON = "nothing is lost, and the same command goes on from here"  # after what users can put right


class ToadworksError(Exception):
    """Base of every error that a user may see. `exit_status` is what the command line exits with."""

    exit_status = 2


class BadValue(ToadworksError):
    """A value that is not one of those allowed."""

    def __init__(self, what: str, value: object, allowed: str) -> None:
        super().__init__(f"{what} {value!r} cannot be used; allowed: {allowed}")
        self.what, self.value, self.allowed = what, value, allowed


class BadSetting(ToadworksError):
    """A key in a user's file (collection.toml, a style catalogue) that cannot be used."""

    def __init__(self, file: Path | str, key: str, problem: str, allowed: str = "") -> None:
        super().__init__(f"{file}: {key}: {problem}" + (f"; allowed: {allowed}" if allowed else ""))
        self.file, self.key, self.problem, self.allowed = str(file), key, problem, allowed


class BadSource(ToadworksError):
    """A source file (image or metadata) that cannot be taken; the rest of the batch goes on."""

    def __init__(self, file: Path | str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file, self.problem = str(file), problem


class BadWeights(ToadworksError):
    """A weights file that is missing, damaged or made for another network."""

    def __init__(self, file: Path | str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file, self.problem = str(file), problem


class BadCar(ToadworksError):
    """A CAR file that is damaged, incomplete, or of a kind that cannot be read. `offset`: the byte at which it shows,
    or None where it is not at one place."""

    def __init__(self, file: Path | str, offset: int | None, problem: str) -> None:
        super().__init__(f"{file}: {problem}" if offset is None else f"{file}: at byte {offset}: {problem}")
        self.file, self.offset, self.problem = str(file), offset, problem


class UnknownCandidate(ToadworksError):
    """An id that names no candidate, or more than one."""

    def __init__(self, given: str, problem: str) -> None:
        super().__init__(f"candidate {given!r}: {problem}")
        self.given, self.problem = given, problem


class BadRows(ToadworksError):
    """A file of rows of which some cannot be taken, so that none was."""

    def __init__(self, file: Path | str, problems: Sequence[str], most: int = 20) -> None:
        listed = "\n  ".join(_first(problems, most))
        super().__init__(f"{file}: {len(problems)} rows cannot be taken, so none was:\n  {listed}")
        self.file, self.problems = str(file), list(problems)


class BadRelease(ToadworksError):
    """A release, or its manifest, in which something is wrong: all of it, a line each."""

    def __init__(self, file: Path | str, faults: Sequence[str], most: int = 100) -> None:
        listed = "\n  ".join(_first(faults, most))
        told = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        super().__init__(f"{file}: {told}:\n  {listed}")
        self.file, self.faults = str(file), list(faults)


class UnknownEntry(ToadworksError):
    """A number that names no entry of the ledger, or none that stands."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"entry {number}: {problem}")
        self.number, self.problem = number, problem


class BadShuffle(ToadworksError):
    """A shuffle that cannot be: its record or its seed is damaged, or says something else than was promised."""

    def __init__(self, file: Path | str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file, self.problem = str(file), problem


class BadAccounts(ToadworksError):
    """A file of curators' accounts that is damaged, or that others may read."""

    def __init__(self, file: Path | str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file, self.problem = str(file), problem


class BadPassword(ToadworksError):
    """A password that cannot be used. The sentence never repeats it."""

    def __init__(self, allowed: str) -> None:
        super().__init__(f"this password cannot be used; allowed: {allowed}")
        self.allowed = allowed


class Frozen(ToadworksError):
    """A token that is published, and would lose its number."""

    def __init__(self, number: int, id: str, wanted: int | None) -> None:
        found = "is not among the accepted candidates any more" if wanted is None else f"would become {wanted}"
        super().__init__(
            f"token {number} (candidate {id[:8]}) is published, and {found}: accept it again, or give up all numbers "
            "with `toadworks export --renumber`, if nothing of it was minted"
        )
        self.number, self.id, self.wanted = number, id, wanted


class Minted(ToadworksError):
    """A token that was minted, and would lose its number. `contract`: as CAIP-19 has it."""

    def __init__(self, number: int, id: str, contract: str) -> None:
        super().__init__(
            f"token {number} (candidate {id[:8]}) was minted by {contract}, so it keeps its number; if that was a "
            "rehearsal on a test chain, `toadworks audit --network NAME --forget` takes its marks away"
        )
        self.number, self.id, self.contract = number, id, contract


class BadKey(ToadworksError):
    """A file of a key that cannot be used. The sentence says nothing of what is in it."""

    def __init__(self, file: Path | str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file, self.problem = str(file), problem


class Refused(ToadworksError):
    """Something that whoever asks the review page may not do, or not yet. `status`: the HTTP status that says so;
    `wait`: after how many seconds it may be tried again."""

    def __init__(self, status: int, sentence: str, wait: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.wait = status, wait


class NothingLeft(ToadworksError):
    """A command that has nothing to work on; the message says what to do first."""


class RunFailed(ToadworksError):
    """The work itself failed (not what the user typed)."""

    exit_status = 1


class MissingAsset(RunFailed):
    """An asset that the store does not hold."""


class DamagedAsset(RunFailed):
    """An asset whose bytes do not match its name."""


class WrongCopy(RunFailed):
    """What a destination holds, or says of it, is not what was sent to it."""


class NotPublished(RunFailed):
    """A release of which something did not arrive, or could not be verified, so that what follows was not sent.

    `faults`: what went wrong, a sentence each; `missing`: the names of all that is not verified.
    """

    def __init__(self, where: str, faults: Sequence[str], missing: Sequence[str], listed: Path, most: int = 20) -> None:
        told, names = _first(faults, most), ", ".join(_first(missing, most))
        super().__init__(
            "\n  ".join([f"{where}: not everything arrived:", *told])
            + f"\nmissing or not verified are {len(missing)}: {names} (all in {listed}); {GOES_ON}"
        )
        self.where, self.faults, self.missing = where, list(faults), list(missing)


class NodeFailed(ToadworksError):
    """A node of a chain that does not answer, not sensibly, or for another chain. What was asked may be asked again."""

    def __init__(self, network: str, problem: str) -> None:
        super().__init__(f"network {network}: {problem}")
        self.network, self.problem = network, problem


class NodeRefused(NodeFailed):
    """What a node answered with an error of its own. `code`: JSON-RPC's, 0 where it named none."""

    def __init__(self, network: str, what: str, code: int, words: str) -> None:
        super().__init__(network, f"the node refused {what}: {words or 'without a word'} (code {code})")
        self.code, self.words = code, words


class StepRefused(ToadworksError):
    """A step of a drop that the contract, the account or the settings do not let be done. Nothing was sent."""

    def __init__(self, network: str, what: str, problem: str) -> None:
        super().__init__(f"network {network}: {what}: {problem}")
        self.network, self.what, self.problem = network, what, problem


class StepFailed(RunFailed):
    """A step of a drop that was sent and is not done: it is in the journal, and the same command goes on from there."""

    def __init__(self, network: str, what: str, problem: str) -> None:
        super().__init__(f"network {network}: {what}: {problem}")
        self.network, self.what, self.problem = network, what, problem


class WrongChain(ToadworksError):
    """A chain or a contract that is not the one that was rehearsed or dealt with before. Nothing was sent."""

    def __init__(self, network: str, problem: str) -> None:
        super().__init__(f"network {network}: {problem}")
        self.network, self.problem = network, problem


def _first(texts: Sequence[str], most: int) -> list[str]:
    return [*texts[:most], *([f"... and {len(texts) - most} more"] if len(texts) > most else [])]
