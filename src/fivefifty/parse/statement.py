"""From the words that a log, a dialogue or an event gives about one recipient to a Failure."""
from __future__ import annotations

from dataclasses import replace

from ..model import Failure, Reply
from .report import sending_ip_of, stage_of
from .wrapper import peel


def stated(known: Failure, words: str, where: str, phase: str = "") -> Failure:
    """`known`, completed from the words: layers, codes, phase and hosts.  What is known goes before what is read."""
    layers = peel(words, known.remote_mta, known.remote_ip)
    if phase:
        layers = tuple(layer if layer.phase else replace(layer, phase=phase) for layer in layers)
    last = layers[-1] if layers else Reply()
    seen = {name: where for name in ("final_recipient", "diagnostic_code", "status", "reply_code", "phase", "remote_mta", "sending_ip", "envelope_sender", "helo_name") if name not in known.seen}
    return replace(
        known, layers=layers, status=_status(known.status, layers), reply_code=next((layer.reply_code for layer in reversed(layers) if layer.reply_code), known.reply_code),
        diagnostic_code=known.diagnostic_code or " ".join(words.split())[:4000], phase=known.phase or next((layer.phase for layer in reversed(layers) if layer.phase), ""),
        remote_mta=last.remote_mta or known.remote_mta, remote_ip=last.remote_ip or known.remote_ip, sending_ip=known.sending_ip or sending_ip_of(layers),
        stage=known.stage or stage_of("", words, ""), seen={**known.seen, **seen},
    )


def _status(told: str, layers: tuple[Reply, ...]) -> str:
    """The innermost status; a field such as dsn= where the words hold none or it says more (X.0.0 says nothing, RFC 3463 3)."""
    inner = next((layer.status for layer in reversed(layers) if layer.status), "")
    if inner and told and inner.endswith(".0.0"):
        return told
    return inner or told
