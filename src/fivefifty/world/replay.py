"""Answers as JSON and back: a saved report gives the same verdict again."""
from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

from ..answers import DNS_STATES, Caa, DnsAnswer, HttpsAnswer, Mx, SmtpAnswer, SmtpQuestion, SmtpReply, Soa, Tlsa, TlsSession
from ..errors import InputError
from .recorded import RecordedWorld

Answer = DnsAnswer | SmtpAnswer | HttpsAnswer
_SHAPES: dict[str, Callable[..., Any]] = {"MX": Mx, "TLSA": Tlsa, "SMIMEA": Tlsa, "SOA": Soa, "CAA": Caa}
_KINDS: dict[str, type[Answer]] = {"dns": DnsAnswer, "smtp": SmtpAnswer, "https": HttpsAnswer}


def saved(journal: Iterable[Answer]) -> list[dict[str, Any]]:
    """The answers as plain values; what has its usual value is left out, the body of a page is base64."""
    return [{"kind": next(kind for kind, shape in _KINDS.items() if isinstance(answer, shape)), **_plain(answer)} for answer in journal]


def _plain(one: Any) -> Any:
    if isinstance(one, bytes):
        return b64encode(one).decode("ascii")
    if isinstance(one, tuple):
        return [_plain(part) for part in one]
    if hasattr(one, "__dataclass_fields__"):
        return {field.name: _plain(value) for field in fields(one) if (value := getattr(one, field.name)) != field.default or field.default is MISSING}
    return one


def replayed(answers: Iterable[Mapping[str, Any]], now: datetime | None = None) -> RecordedWorld:
    """The World that gives these answers again, and "unrecorded" to every other question; InputError for what saved() did not write."""
    read: list[Answer] = []
    for number, one in enumerate(answers, 1):
        try:
            read.append(_answer(one))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"a saved answer can't be read: {error}", f"answer {number}") from error
    dialogues = {one.question: one for one in read if isinstance(one, SmtpAnswer)}
    pages = {one.url: one for one in read if isinstance(one, HttpsAnswer)}
    return RecordedWorld(smtp=dialogues, https=pages, now=now, answers=[one for one in read if isinstance(one, DnsAnswer)])


def _answer(one: Mapping[str, Any]) -> Answer:
    values = {name: value for name, value in one.items() if name != "kind"}
    return _READ[one["kind"]](values)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _dns(values: dict[str, Any]) -> DnsAnswer:
    shape = _SHAPES.get(values["rrtype"])
    records = tuple(shape(*one) if shape and isinstance(one, list) else one for one in values.pop("records", ()))
    answer = DnsAnswer(records=records, **{name: _frozen(value) for name, value in values.items()})
    if answer.state not in DNS_STATES:
        raise ValueError(f"there is no state {answer.state!r}")
    return answer


def _smtp(values: dict[str, Any]) -> SmtpAnswer:
    question = SmtpQuestion(**{name: _frozen(value) for name, value in values.pop("question").items()})
    replies = tuple(SmtpReply(*one) for one in values.pop("replies", ()))
    told = values.pop("tls", None)
    session = TlsSession(**{name: _frozen(value) for name, value in told.items()}) if told is not None else None
    return SmtpAnswer(question, replies=replies, tls=session, **{name: _frozen(value) for name, value in values.items()})


def _https(values: dict[str, Any]) -> HttpsAnswer:
    body = b64decode(values.pop("body", ""), validate=True)
    return HttpsAnswer(body=body, **{name: _frozen(value) for name, value in values.items()})


_READ: dict[str, Callable[[dict[str, Any]], Answer]] = {"dns": _dns, "smtp": _smtp, "https": _https}
