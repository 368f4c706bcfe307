"""The front door: every command that a person types, each handed to the room that does it.

Bad use ends in one sentence and exit status 2. Heavy libraries are imported by the commands that need them, so that
`toadworks --help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import NoReturn

import click

from commands import (
    auditing,
    beginning,
    choosing,
    curating,
    dropping,
    holding,
    keeping,
    knowing,
    making,
    packing,
    publishing,
    releasing,
    reviewing,
    shuffling,
)
from errors import ToadworksError

INTERRUPTED = 130


@click.group(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="toadworks")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn a collection of source tokens into a new NFT collection: restyle, choose, release.

    \b
    toadworks new pond --sources DIR   writes pond/collection.toml
    cd pond
    toadworks plan                     what it comes to, before anything is spent
    toadworks run                      make the candidates; run it again to go on
    toadworks review                   choose, in the browser
    toadworks export                   images and metadata of the accepted ones
    toadworks publish                  send them away, and read every byte back
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    beginning.new,
    making.plan,
    making.run,
    making.work,
    making.status,
    choosing.candidates,
    *choosing.deciding,
    choosing.star,
    choosing.more,
    choosing.tag,
    choosing.note,
    choosing.rename,
    choosing.undo,
    choosing.history,
    choosing.take,
    choosing.lead,
    reviewing.review,
    reviewing.finish_review,
    curating.curators,
    releasing.export,
    releasing.lint,
    releasing.verify,
    publishing.publish,
    shuffling.shuffle,
    *dropping.steps,
    auditing.audit,
    holding.snapshot,
    holding.allowlist,
    packing.cid,
    packing.car,
    packing.unpack,
    making.show,
    knowing.weights,
    knowing.similarity,
    keeping.check,
    keeping.gc,
    keeping.backup,
    keeping.restore,
    knowing.doctor,
    making.demo,
):
    cli.add_command(_command)


def _stop(signum: int, frame: object) -> NoReturn:
    """Ctrl-C: leave through the flow, so that Prefect notes it; by force if that hangs. Either loses nothing: what the
    table has is whole."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
    click.echo("\ntoadworks: stopped; what was made is kept, and the same command goes on from there", err=True)
    deadline = threading.Timer(5, os._exit, (INTERRUPTED,))
    deadline.daemon = True
    deadline.start()
    raise KeyboardInterrupt


def main() -> None:
    """Run a command; turn every foreseen error into one sentence."""
    signal.signal(signal.SIGINT, _stop)
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="toadworks"))
    except click.ClickException as error:
        where = f" (see `{error.ctx.command_path} --help`)" if isinstance(error, click.UsageError) and error.ctx else ""
        _fail(error.format_message().rstrip(".") + where, 2)
    except ToadworksError as error:
        _fail(str(error), error.exit_status)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)


def _fail(sentence: str, status: int) -> NoReturn:
    click.echo(f"toadworks: {sentence}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
