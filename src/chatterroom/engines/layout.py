"""Which processes make up the platform, and what each is told. Starts nothing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chatterroom.auth.secrets import load_certificates
from chatterroom.engines.data_directory import DataDirectory
from chatterroom.engines.health_grpc import is_serving
from chatterroom.engines.health_http import ReadyOnce
from chatterroom.engines.mongod import Mongod
from chatterroom.engines.ports import LOOPBACK
from chatterroom.engines.redis_server import RedisServer
from chatterroom.engines.service import Service
from chatterroom.engines.supervisor import Program

__all__ = ["Layout", "UpOptions", "compose", "reachable"]

_MONGO_DATABASES = {
    "CHATTERROOM_USERS_MONGO_URL": "chatterroom_users",
    "CHATTERROOM_CHAT_MONGO_URL": "chatterroom_chat",
}
_REDIS_DATABASES = {
    "CHATTERROOM_USERS_REDIS_URL": 0,
    "CHATTERROOM_CHAT_REDIS_URL": 0,
    "CHATTERROOM_DISCOVERY_REDIS_URL": 1,
}
# A host given to all processes is not for these, which only the gateway talks to.
_LOOPBACK_HOSTS = {f"CHATTERROOM_{kind}_HOST": LOOPBACK for kind in ("USERS", "CHAT", "DISCOVERY")}


@dataclass(frozen=True)
class UpOptions:
    """What `chatterroom up` can be asked."""

    users: int
    """Instances of the user service."""
    chat: int
    """Instances of the chat service."""
    host: str
    """Where the gateway listens."""
    gateway_port: int
    data_dir: Path


@dataclass(frozen=True)
class Layout:
    """Every program of the platform, in the orders in which a supervisor starts and stops them."""

    start_order: Sequence[Sequence[Program]]
    stop_order: Sequence[Sequence[Program]]


def compose(
    options: UpOptions,
    directory: DataDirectory,
    environ: Mapping[str, str],
    service_command: Sequence[str],
) -> Layout:
    """Lay out the platform: an engine only where `environ` leaves a service without its URL.

    `service_command` with a service's name behind it starts that service. Raises `SecretsError`
    for certificates that cannot be read.
    """
    mongo_variables = _unset(_MONGO_DATABASES, "CHATTERROOM_MONGO_URL", environ)
    redis_variables = _unset(_REDIS_DATABASES, "CHATTERROOM_REDIS_URL", environ)
    others_ports = [options.gateway_port]
    mongod = Mongod(
        directory.engine("mongod"),
        databases=[_MONGO_DATABASES[name] for name in mongo_variables],
        log_path=directory.log("mongod"),
        others_ports=others_ports,
    )
    redis = RedisServer(
        directory.engine("redis"), log_path=directory.log("redis"), others_ports=others_ports
    )

    certificates = {
        kind: load_certificates(_setting(environ, kind, "TLS_DIR"), kind)
        for kind in ("discovery", "users", "chat")
    }

    def environment() -> Mapping[str, str]:
        mongo_urls = {name: mongod.url(_MONGO_DATABASES[name]) for name in mongo_variables}
        redis_urls = {name: redis.url(_REDIS_DATABASES[name]) for name in redis_variables}
        return {
            **_LOOPBACK_HOSTS,
            **environ,
            **mongo_urls,
            **redis_urls,
            "CHATTERROOM_DISCOVERY_URL": discovery.address,
            "CHATTERROOM_SECRETS_DIR": str(directory.secrets),
            "CHATTERROOM_GATEWAY_HOST": options.host,
            "CHATTERROOM_GATEWAY_PORT": str(options.gateway_port),
            "PYTHONUNBUFFERED": "1",
        }

    def service(kind: str, name: str, ports: Sequence[str]) -> Service:
        return Service(
            name=name,
            command=[*service_command, kind],
            environment=environment,
            is_ready=partial(is_serving, certificates=certificates[kind]),
            log_path=directory.log(name),
            port_variables=[f"CHATTERROOM_{kind}_{port}_PORT".upper() for port in ports],
            others_ports=others_ports,
            others_know_ports=kind == "discovery",
        )

    def instances(kind: str, count: int) -> Sequence[Service]:
        ports = ("grpc", "websocket")
        return [service(kind, f"{kind}-{number}", ports) for number in range(1, count + 1)]

    discovery = service("discovery", "discovery", ["grpc"])
    users = instances("users", options.users)
    chat = instances("chat", options.chat)
    gateway = Service(
        name="gateway",
        command=[*service_command, "gateway"],
        environment=environment,
        is_ready=ReadyOnce(),
        log_path=directory.log("gateway"),
        host=reachable(options.host),
        ports=[options.gateway_port],
    )
    mongods = [mongod] if mongo_variables else []
    redises = [redis] if redis_variables else []
    return Layout(
        start_order=[[*mongods, *redises], [discovery], [*users, *chat, gateway]],
        stop_order=[[gateway], chat, users, [discovery], redises, mongods],
    )


def reachable(host: str) -> str:
    """Return an address of this machine that reaches a server listening on `host`."""
    return {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104


def _setting(environ: Mapping[str, str], kind: str, name: str) -> str:
    own = environ.get(f"CHATTERROOM_{kind.upper()}_{name}")
    return own or environ.get(f"CHATTERROOM_{name}", "")


def _unset(variables: Mapping[str, object], shared: str, environ: Mapping[str, str]) -> list[str]:
    return [name for name in variables if not environ.get(name) and not environ.get(shared)]
