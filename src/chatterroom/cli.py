"""The commands. Each imports what it needs when it runs, so that `--help` is quick."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from chatterroom import __version__
from chatterroom.core.settings import SettingsError

__all__ = ["main"]

app = typer.Typer(
    name="chatterroom",
    help="A self-hosted realtime chat platform of small services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line. A missing or wrong setting is one line and exit status 1."""
    try:
        app()
    except SettingsError as error:
        sys.exit(f"chatterroom: {error}")


@app.command()
def up(
    users: Annotated[int, typer.Option(min=1, max=64, help="Instances of the user service.")] = 1,
    chat: Annotated[int, typer.Option(min=1, max=64, help="Instances of the chat service.")] = 1,
    host: Annotated[str, typer.Option(help="Address the gateway listens on.")] = "127.0.0.1",
    gateway_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port the gateway listens on.")
    ] = 8080,
    data_dir: Annotated[
        Path,
        typer.Option(envvar="CHATTERROOM_DATA_DIR", help="Where data, secrets and logs live."),
    ] = Path(".data"),
) -> None:
    """Start the whole platform on this machine, engines included."""
    from chatterroom.engines.up import UpOptions, run

    sys.exit(run(UpOptions(users, chat, host, gateway_port, data_dir)))


@app.command()
def gateway() -> None:
    """Start one API gateway: HTTP for every client, relays WebSockets."""
    from chatterroom.gateway.main import run

    sys.exit(run())


@app.command()
def users() -> None:
    """Start one user service: accounts, logins, alerts."""
    from chatterroom.users.main import run

    sys.exit(run())


@app.command()
def chat() -> None:
    """Start one chat service: private chats and rooms."""
    from chatterroom.chat.main import run

    sys.exit(run())


@app.command()
def discovery() -> None:
    """Start one service discovery."""
    from chatterroom.discovery.main import run

    sys.exit(run())


@app.command()
def secrets(
    directory: Annotated[Path, typer.Argument(help="Created if it does not exist.")],
    shares: Annotated[
        Path | None,
        typer.Option(
            help="Each process gets its own directory here, with only the secrets it needs."
        ),
    ] = None,
) -> None:
    """Create the keys and credentials of the services. Keeps those that exist.

    Closes the directory to other users.
    """
    from chatterroom.auth.secret_files import were_open
    from chatterroom.auth.secrets import SecretsError, ensure_secrets
    from chatterroom.auth.shares import share_secrets

    try:
        was_open = share_secrets(directory, shares) if shares else ensure_secrets(directory)
    except (OSError, SecretsError) as error:
        sys.exit(f"chatterroom secrets: {error}")
    if was_open:
        typer.echo(f"chatterroom secrets: {were_open(directory)}", err=True)


@app.command(name="rotate-keys")
def rotate_keys(
    directory: Annotated[Path, typer.Argument(help="The secrets directory.")],
    retire: Annotated[
        bool,
        typer.Option("--retire", help="Add no key; remove the keys that no valid token needs."),
    ] = False,
    lifetime_s: Annotated[
        int,
        typer.Option(
            min=1,
            envvar=[
                "CHATTERROOM_USERS_ACCESS_TOKEN_LIFETIME_S",
                "CHATTERROOM_ACCESS_TOKEN_LIFETIME_S",
            ],
            help="How long access tokens are valid.",
        ),
    ] = 900,
) -> None:
    """Sign access tokens with a new key from now on. Nobody is logged out."""
    import time

    from chatterroom.auth import token_keys
    from chatterroom.auth.secrets import SecretsError

    slack_s = 300
    try:
        if retire:
            for kid in token_keys.retire_keys(directory, lifetime_s + slack_s, time.time()):
                typer.echo(f"removed {kid}")
        else:
            typer.echo(f"added {token_keys.rotate_keys(directory)}")
    except SecretsError as error:
        sys.exit(f"chatterroom: {error}")


@app.command()
def health(
    address: Annotated[str, typer.Argument(help="host:port of a service, or of the gateway.")],
    http: Annotated[
        bool, typer.Option("--http", help="Check a gateway over HTTP instead of gRPC.")
    ] = False,
) -> None:
    """Exit with 0 if the service at an address is healthy, else with 1.

    Where the service has certificates, CHATTERROOM_TLS_DIR must be set to theirs.
    """
    import asyncio

    from chatterroom.auth.certificates import Certificates
    from chatterroom.engines.health_grpc import is_serving
    from chatterroom.engines.health_http import is_healthy

    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter("An address has the form host:port.")
    if http:
        sys.exit(0 if asyncio.run(is_healthy(host, int(port))) else 1)
    try:
        tls_dir = os.environ.get("CHATTERROOM_TLS_DIR")
        certificates = Certificates.read(Path(tls_dir)) if tls_dir else None
    except (OSError, ValueError) as error:
        sys.exit(f"chatterroom health: {error}")
    sys.exit(0 if asyncio.run(is_serving(host, int(port), certificates)) else 1)


@app.command()
def demo(
    url: Annotated[str, typer.Option(help="The gateway.")] = "http://127.0.0.1:8080",
    forever: Annotated[bool, typer.Option(help="Run until Ctrl-C, then check.")] = False,
) -> None:
    """Let two users and a room talk through the public endpoints, in front of your eyes."""
    from chatterroom.demo import run

    sys.exit(run(url, forever=forever))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
