"""A scripted SMTP server on 127.0.0.1 for tests, with STARTTLS and certificates made here.

    async with SmtpServer({"rcpt to:<gone@": "550 5.1.1 gone"}, certificate=Certificate("mx.example.org")) as server: ...

`replies` maps the beginning of a command (lower case; "" is the greeting) to what is said: lines joined with "\\n" as they are sent, bytes
sent as they are, None for silence, CLOSE for a closed connection.  `said` holds the commands that came.
"""
from __future__ import annotations

import asyncio
import datetime
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

CLOSE = object()
USUAL: dict[str, Any] = {
    "": "220 mx.example.org ESMTP", "ehlo": "250-mx.example.org\n250-SIZE 1000\n250 STARTTLS", "helo": "250 mx.example.org", "starttls": "220 go ahead",
    "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "rset": "250 2.0.0 ok", "quit": "221 2.0.0 bye",
}


class Certificate:
    """A certificate signed by itself; `path` is its PEM file, to be trusted with SSL_CERT_FILE or load_verify_locations."""

    def __init__(self, *names: str, days: int = 30) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=60)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self._folder.name) / "certificate.pem")
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        Path(self.path).write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
        self.der = made.public_bytes(serialization.Encoding.DER)

    def context(self) -> ssl.SSLContext:
        """For the server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context


class SmtpServer:
    def __init__(self, replies: Mapping[str, Any] | None = None, certificate: Certificate | None = None) -> None:
        self.replies, self.certificate = {**USUAL, **(replies or {})}, certificate
        self.said: list[str] = []
        self.sessions = self.most = self.port = 0
        self._open = 0

    async def __aenter__(self) -> SmtpServer:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def _reply(self, command: str) -> Any:
        return self.replies[max((one for one in self.replies if command.lower().startswith(one) and (one or not command)), key=len, default="rset")]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        self._open += 1
        self.most = max(self.most, self._open)
        try:
            command = ""
            while await self._say(self._reply(command), writer):
                if command.lower() == "starttls" and self.certificate:
                    await writer.start_tls(self.certificate.context())
                if command.lower() == "quit":
                    break
                command = (await reader.readuntil(b"\n")).decode().strip()
                self.said.append(command)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            self._open -= 1
            writer.close()

    async def _say(self, reply: Any, writer: asyncio.StreamWriter) -> bool:
        if reply is CLOSE:
            return False
        if reply is not None:
            writer.write(reply if isinstance(reply, bytes) else reply.replace("\n", "\r\n").encode() + b"\r\n")
            await writer.drain()
        return True
