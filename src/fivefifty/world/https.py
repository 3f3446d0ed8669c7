"""One GET: no redirects, nothing big, nothing slow, and the address comes from our own DNS client."""
from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..answers import DnsAnswer, HttpsAnswer
from . import tls
from .names import asked_name, name_fault

if TYPE_CHECKING:
    import httpx

LARGEST_BODY = 65536
TIMEOUT = 10.0
MOST_ADDRESSES = 4
Ask = Callable[[str, str], Awaitable[DnsAnswer]]


class _Stopped(Exception):
    def __init__(self, state: str, error: str) -> None:
        super().__init__(error)
        self.state, self.error = state, error


class HttpsClient:
    """Fetches pages of policies; `ask` finds the addresses, so that the chosen resolvers are honoured."""

    def __init__(self, ask: Ask, timeout: float = TIMEOUT, stamp: Callable[[], str] = lambda: "") -> None:
        self._ask, self._timeout, self._stamp = ask, timeout, stamp
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str) -> HttpsAnswer:
        """The page; never raises for what the other side does."""
        return await asyncio.create_task(self._get(url))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _get(self, url: str) -> HttpsAnswer:
        stamp = self._stamp()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._first(url, stamp)
        except _Stopped as stop:
            return HttpsAnswer(url, stop.state, asked_at=stamp, error=stop.error)
        except TimeoutError:
            return HttpsAnswer(url, "timeout", asked_at=stamp, error="no whole answer in time")

    async def _first(self, url: str, stamp: str) -> HttpsAnswer:
        """The answer of the first address that can be reached."""
        host, port, path = _parts(url)
        last: HttpsAnswer | None = None
        for address in await self._addresses(host):
            last = await self._fetch(url, (host, port, path), address, stamp)
            if last.state not in ("refused", "unreachable", "timeout"):
                break
        assert last is not None
        return last

    async def _addresses(self, host: str) -> list[str]:
        try:
            return [str(ip_address(host.strip("[]")))]
        except ValueError:
            pass
        answers = [await self._ask(host, rrtype) for rrtype in ("A", "AAAA")]
        found = [str(address) for answer in answers for address in answer.records[:MOST_ADDRESSES]]
        if not found:
            unlearned = next((answer for answer in answers if answer.unlearned), answers[0])
            state = "timeout" if unlearned.state == "timeout" else "unreachable"
            raise _Stopped(state, f"no address of {host} is known: {unlearned.evidence.error}")
        return found[:MOST_ADDRESSES]

    async def _fetch(self, url: str, parts: tuple[str, int, str], address: str, stamp: str) -> HttpsAnswer:
        import httpx

        if self._client is None:
            limit = httpx.Timeout(self._timeout, connect=min(5.0, self._timeout))
            # no connection is used twice: the pool knows only the address, and another name there needs a handshake of its own
            alone = httpx.Limits(max_keepalive_connections=0)
            self._client = httpx.AsyncClient(verify=tls.for_https(), trust_env=False, follow_redirects=False, timeout=limit, limits=alone)
        host, port, path = parts
        place = f"[{address}]" if ":" in address else address
        headers = {"Host": host if port == 443 else f"{host}:{port}", "Accept-Encoding": "identity", "User-Agent": "fivefifty"}
        try:
            request = self._client.build_request("GET", f"https://{place}:{port}{path}", headers=headers, extensions={"sni_hostname": host.strip("[]")})
            response = await self._client.send(request, stream=True)
            try:
                body, fits = await _body(response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, zlib.error, ValueError) as error:
            state, words = _trouble(error)
            return HttpsAnswer(url, state, asked_at=stamp, answered_by=address, error=words)
        told = tuple((name.lower(), value) for name, value in response.headers.multi_items())[:100]
        state, words = ("answered", "") if fits else ("too_large", f"more than {LARGEST_BODY} octets")
        return HttpsAnswer(url, state, response.status_code, told, body, stamp, address, words)


async def _body(response: Any) -> tuple[bytes, bool]:
    """The body as far as it is taken, and whether that is all of it."""
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > LARGEST_BODY:
            return bytes(body[:LARGEST_BODY]), False
    if response.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate"):  # although nobody asked for it
        unpacked = zlib.decompressobj(47).decompress(bytes(body), LARGEST_BODY + 1)
        return unpacked[:LARGEST_BODY], len(unpacked) <= LARGEST_BODY
    return bytes(body), True


def _parts(url: str) -> tuple[str, int, str]:
    """Host, port and path of an https URL."""
    try:
        parts = urlsplit(url)
        host, port = asked_name(parts.hostname or ""), parts.port or 443
    except ValueError as error:
        raise _Stopped("malformed", f"the URL is wrong: {error}") from error
    if parts.scheme.lower() != "https" or host == "." or parts.username is not None:
        raise _Stopped("malformed", "the URL is not one of https://")
    if ":" in host:
        host = f"[{host}]"
    elif fault := name_fault(host):
        raise _Stopped("malformed", f"the name of the host can't be asked: {fault}")
    return host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _trouble(error: BaseException) -> tuple[str, str]:
    """The state and the words for what httpx raised."""
    import httpx

    causes: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and len(causes) < 10:
        causes.append(one)
        one = one.__cause__ or one.__context__
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "tls", cause.verify_message
        if isinstance(cause, ssl.SSLError):
            return "tls", str(cause.reason or cause).replace("_", " ").lower()
    words = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return "timeout", "no answer in time"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "refused", words
    if "CERTIFICATE_VERIFY_FAILED" in words or "[SSL" in words:
        return "tls", words
    return ("unreachable" if isinstance(error, httpx.NetworkError) else "malformed"), words
