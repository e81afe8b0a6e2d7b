"""The page's server: marimo's, on this machine only, and for pages of its own only.

A server on 127.0.0.1 is within reach of every site that the browser shows: by a WebSocket or a form from a foreign
origin, or under a foreign name that is made to mean 127.0.0.1. So a request is answered if its Host is this machine's
name for itself, and its Origin, where it has one, is the page's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

ADDRESS = "127.0.0.1"
_NAMES = frozenset({ADDRESS, "localhost", "::1"})
_REFUSAL = b"This page is for this machine only: open it at http://127.0.0.1 with its port.\n"


def serve(port: int, *, browser: bool) -> None:
    """Serve the page until a signal ends this process, which is the only one."""
    from marimo._cli.cli import main
    from marimo._server.registry import MIDDLEWARE_REGISTRY
    from starlette.middleware import Middleware

    from lipverify.demo.links import ShortLinksOnly

    MIDDLEWARE_REGISTRY.register("lipverify", Middleware(OwnPagesOnly))
    MIDDLEWARE_REGISTRY.register("lipverify-links", Middleware(ShortLinksOnly))
    page = Path(__file__).with_name("page.py")
    options = ["--host", ADDRESS, "--port", str(port), "--no-token", *([] if browser else ["--headless"])]
    main(["run", str(page), *options])


class OwnPagesOnly:
    """ASGI middleware that refuses what does not come from the page itself."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket") or is_own(scope.get("headers", ())):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()  # websocket.connect; a close before it is accepted is a 403
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(_REFUSAL)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})


def is_own(headers: Any) -> bool:
    """Whether the Host is this machine, and every Origin that Host; header names are lower-case bytes."""
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if len(hosts) != 1 or _hostname(f"//{hosts[0]}") not in _NAMES:
        return False
    return all(origin == f"http://{hosts[0]}" for origin in origins)


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
