"""The HTTP application: the table of endpoints behind one router, and one place for failures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from http import HTTPStatus

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from chatterroom.gateway.admission import Admission
from chatterroom.gateway.answers import Answer
from chatterroom.gateway.block_routes import BLOCK_ENDPOINTS
from chatterroom.gateway.concurrency import Gate
from chatterroom.gateway.conversation_routes import CONVERSATION_ENDPOINTS
from chatterroom.gateway.endpoints import Endpoint, Platform
from chatterroom.gateway.errors import answer_to
from chatterroom.gateway.key_routes import KEY_ENDPOINTS
from chatterroom.gateway.message_routes import MESSAGE_ENDPOINTS
from chatterroom.gateway.pages import load_pages, not_built_page
from chatterroom.gateway.profile_routes import PROFILE_ENDPOINTS
from chatterroom.gateway.reading import ClientGoneError
from chatterroom.gateway.relay import SOCKET_PATHS, upgrade_required
from chatterroom.gateway.request_routes import REQUEST_ENDPOINTS
from chatterroom.gateway.room_routes import ROOM_ENDPOINTS
from chatterroom.gateway.serving import RATE_LIMIT_USAGE, ServedEndpoint
from chatterroom.gateway.session_routes import SESSION_ENDPOINTS
from chatterroom.gateway.settings import GatewaySettings
from chatterroom.gateway.status_routes import STATUS_ENDPOINTS
from chatterroom.gateway.user_routes import USER_ENDPOINTS
from chatterroom.gateway.web_files import load_web_files
from chatterroom.gateway.web_pages import WebPages

__all__ = ["ENDPOINTS", "App", "make_app"]

ENDPOINTS: tuple[Endpoint, ...] = (
    *MESSAGE_ENDPOINTS,
    *ROOM_ENDPOINTS,
    *CONVERSATION_ENDPOINTS,
    *BLOCK_ENDPOINTS,
    *REQUEST_ENDPOINTS,
    *USER_ENDPOINTS,
    *PROFILE_ENDPOINTS,
    *SESSION_ENDPOINTS,
    *STATUS_ENDPOINTS,
    *KEY_ENDPOINTS,
)


class App:
    """Routes requests, `elsewhere` those to other paths, and answers those that fail."""

    health_paths: frozenset[str] = frozenset(
        endpoint.path for endpoint in ENDPOINTS if endpoint.is_health_check
    )

    def __init__(self, routes: Sequence[BaseRoute], elsewhere: ASGIApp) -> None:
        self._router = Router(routes, redirect_slashes=False, default=elsewhere)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        # The router raises, rather than answers, where it finds an application.
        scope["app"] = self
        try:
            await self._router(scope, receive, send)
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 -- the edge: every failure gets an answer
            await self._refusal(error, scope).send(send)

    def _refusal(self, error: Exception, scope: Scope) -> Answer:
        answer = answer_to(error)
        if RATE_LIMIT_USAGE in scope:
            answer = answer.with_headers(scope[RATE_LIMIT_USAGE].headers())
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # What is left of the body is not read any more.
            answer = answer.with_headers(((b"connection", b"close"),))
        return answer


def make_app(settings: GatewaySettings, platform: Platform, admission: Admission) -> App:
    """Join every endpoint with what it needs."""

    def gate(name: str, limit: int) -> Gate:
        return Gate(name, limit, settings.concurrency_wait_s, settings.concurrency_waiters)

    services = {name: gate(name, settings.service_concurrency) for name in ("users", "chat")}
    by_path: defaultdict[str, dict[str, ASGIApp]] = defaultdict(dict)
    for endpoint in ENDPOINTS:
        limit = endpoint.concurrency or settings.endpoint_concurrency
        own = gate(f"{endpoint.method} {endpoint.path}", limit)
        shared = services[endpoint.service] if endpoint.service else nullcontext()
        served = ServedEndpoint(endpoint, platform, admission, own, shared)
        by_path[endpoint.path][endpoint.method] = served
    routes: list[BaseRoute] = [
        Route(path, _Methods(served), methods=list(served)) for path, served in by_path.items()
    ]
    pages = load_pages(ENDPOINTS)
    routes += [Route(path, _Page(page), methods=["GET"]) for path, page in pages.items()]
    not_upgraded = _Page(upgrade_required())
    routes += [Route(path, not_upgraded, methods=["GET"]) for path in SOCKET_PATHS]
    web = WebPages(load_web_files(), not_built_page(), frozenset({*by_path, *pages}))
    return App(routes, web)


class _Methods:
    """What is served at one path, by method. The router lets no other method through."""

    def __init__(self, served: Mapping[str, ASGIApp]) -> None:
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._served[method](scope, receive, send)


class _Page:
    """Answers always the same."""

    def __init__(self, page: Answer) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._page.send(send)
