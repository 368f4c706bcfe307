"""Files as IPFS has them: cid, car, unpack. They need no collection, and no network."""

from __future__ import annotations

from pathlib import Path

import click

with_profile = click.option(
    "--profile",
    default="",
    metavar="NAME",
    help='How files become blocks: unixfs-v1-2025 (the default), "kubo --cid-version=1" or unixfs-v0-2015.',
)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@with_profile
@click.option("--files", is_flag=True, help="The CIDs of all files and folders in it, too: a line each.")
def cid(path: Path, profile: str, files: bool) -> None:
    """Print the CID that a file or folder has in IPFS. Nothing is sent anywhere.

    Hidden files in a folder are left out; a symbolic link in it is an error.
    """
    from flows.packing import find_cid

    told = find_cid(path, profile)
    if files:
        for within, name in sorted((told.files | told.folders).items()):
            click.echo(f"{name}  {within}")
    else:
        click.echo(told.cid)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The CAR file; one of that name is replaced.",
)
@with_profile
def car(path: Path, output: Path, profile: str) -> None:
    """Pack a file or folder into a CAR file, and print its CID.

    The same files give the same bytes. The file appears whole or not at all.
    """
    from flows.packing import pack

    told = pack(path, output, profile)
    click.echo(told.cid)
    click.echo(f"{output}: {told.bytes} bytes of files in {told.blocks} blocks", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("to", type=click.Path(path_type=Path), required=False)
@click.option("--check", "only", is_flag=True, help="Only read and check FILE; nothing is written.")
@click.option("--root", metavar="CID", help="What its root has to be.")
def unpack(file: Path, to: Path | None, only: bool, root: str | None) -> None:
    """Check a CAR file, write what it holds to the new folder TO, and print its CID.

    Every block is held against its hash, and none may be missing. If the CAR file holds a single file, that is what TO
    becomes.
    """
    from flows import packing

    if only == (to is not None):
        raise click.UsageError("name a folder TO to unpack into, or give --check to write nothing")
    told = packing.check(file, root) if to is None else packing.unpack(file, to, root)
    click.echo(told.root)
    click.echo(f"{to or file}: {told.bytes} bytes in {told.files} files and {told.folders} folders", err=True)
    if told.strays:
        click.echo(f"note: {told.strays} blocks in {file} are no part of that", err=True)
