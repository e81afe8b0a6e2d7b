"""Links that are too long for the server get a word, not a page that never begins.

The page's address goes along when it opens its WebSocket, and servers end lines of 8 kB there: the page would wait
for ever. Links that the page writes itself stay below `LONGEST`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST = 6000
"""Bytes after the question mark; 7.5 kB were measured to be too many."""
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>lipverify: this link is too long</title>
<meta name="viewport" content="width=device-width"><style>:root {{ color-scheme: light dark }} body {{ font: 18px/1.5
system-ui, sans-serif; max-width: 36em; margin: 3em auto; padding: 0 1em }}</style><h1>This link is too long</h1>
<p>It holds {size} bytes, and the page takes links of up to {longest}. Open <a href="/">the page</a> and paste the
graph, the formula or the network there, or read it from a file.</p></html>
"""


class ShortLinksOnly:
    """ASGI middleware that answers a page's address that is too long by saying so."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 414."""
        size = len(scope.get("query_string", b""))
        if scope["type"] != "http" or size <= LONGEST:
            await self._app(scope, receive, send)
            return
        body = _PAGE.format(size=size, longest=LONGEST).encode()
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 414, "headers": headers})
        await send({"type": "http.response.body", "body": body})
