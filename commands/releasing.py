"""The release: export, lint, verify."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import PASSWORD, export_collection, in_collection, keystore_password, settings_of, table_of
from errors import BadRelease, NothingLeft


@click.command()
@in_collection
@click.option("--placeholder", is_flag=True, help="Also write what is shown until the reveal.")
@click.option(
    "--sign",
    type=click.Path(path_type=Path),
    metavar="KEYSTORE",
    help=f"Sign the manifest with the key of a keystore file (its password is asked for, or in {PASSWORD}).",
)
@click.option("--renumber", is_flag=True, help="Give up the numbers that tokens were published with.")
def export(collection: Path, placeholder: bool, sign: Path | None, renumber: bool) -> None:
    """Write the accepted candidates as numbered tokens: images, metadata, CIDs, rarity, pages and a manifest."""
    settings = settings_of(collection)
    if not table_of(settings).accepted():
        raise NothingLeft(
            "nothing is accepted yet: choose in the browser with `toadworks review`, or by `toadworks accept ID...`, "
            "or let `toadworks run --accept leaders` choose"
        )
    from flows.verifying import signer_of

    signer = (
        signer_of(sign, keystore_password(sign)) if sign else None
    )  # a wrong password is told before anything is done
    was_signed = (settings.release_folder / "manifest.signature.json").exists()
    export_collection(settings, renumber, placeholder)
    if was_signed and not signer:
        click.echo("note: the release before was signed, and this one is not: --sign KEYSTORE signs it", err=True)
    if signer:
        folders = [settings.release_folder, *([settings.placeholder_folder] if placeholder else [])]
        for said in signer(folders):
            click.echo(f"signed:          {said}")


@click.command()
@click.argument("release", required=False, type=click.Path(path_type=Path))
@in_collection
def lint(release: Path | None, collection: Path) -> None:
    """Look for everything that is wrong with a release: RELEASE, a folder, or the collection's own."""
    from flows.linting import faults_of, lint_folder

    faults = lint_folder(release) if release else faults_of(settings_of(collection))
    folder = release or settings_of(collection).release_folder
    if faults:
        raise BadRelease(folder, list(map(str, faults)))
    click.echo(f"nothing is wrong with {folder}")


@click.command()
@click.argument("manifest", required=False, type=click.Path(path_type=Path))
@in_collection
@click.option("--signer", metavar="ADDRESS", help="Who must have signed it.")
@click.option("--gateway", metavar="URL", help="Download the files from an IPFS gateway, by their CIDs.")
@click.option("--url", metavar="URL", help="Download the files from a site that has the release's folder.")
def verify(manifest: Path | None, collection: Path, signer: str | None, gateway: str | None, url: str | None) -> None:
    """Check a release against its MANIFEST, the file or its folder: files, CIDs, hashes, shuffle, signature.

    Without MANIFEST, the collection's own release.
    """
    from flows.verifying import verify_folder, verify_published

    if gateway and url:
        raise click.UsageError("--gateway or --url, not both")
    manifest = manifest or settings_of(collection).release_folder
    if address := gateway or url:
        file = manifest / "manifest.json" if manifest.is_dir() else manifest
        lines = verify_published(file, address, signer, ipfs=bool(gateway))
    else:
        lines = verify_folder(manifest, signer)
    for line in lines:
        click.echo(line)
