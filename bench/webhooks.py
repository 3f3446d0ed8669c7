#!/usr/bin/env python3
"""Events a second out of saved webhook payloads, beside what reading their JSON alone takes, and with signatures checked.

    python bench/webhooks.py [EVENTS]

There is no peer that reads payloads of several services without a web framework; json.loads of the same bytes is the yardstick.
"""
from __future__ import annotations

import base64
import json
import pathlib
import sys
import time
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))

from webhook_samples import SAMPLES, TIME, content, ses_bounce, sns

from fivefifty.feeds import Setting, events

ROUNDS = 3


def best(run: Callable[[], int]) -> float:
    """The most a second of some rounds."""
    most = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        count = run()
        most = max(most, count / (time.process_time() - began))
    return most


def measured(kind: str, body: bytes, setting: Setting) -> float:
    return best(lambda: sum(1 for _ in events(kind, body, setting)))


def signed_envelope() -> tuple[dict[str, str], Setting]:
    """An SNS envelope with a signature of version 2, and a setting that knows topic and key."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from fivefifty.feeds.webhooks._sns import canonical

    key, envelope = generate_private_key(65537, 2048), sns(ses_bounce("Permanent", "General"))
    envelope["Signature"] = base64.b64encode(key.sign(canonical(envelope) or b"", PKCS1v15(), SHA256())).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return envelope, Setting(now=float(TIME), keys={"sns_topics": envelope["TopicArn"], "sns_certificate": public})


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    setting = Setting(now=float(TIME))
    for kind, samples in SAMPLES.items():
        one = content(samples[0][0])
        body = b"\n".join([one] * wanted)
        rate = measured(kind, body, setting)
        plain = "" if one[:1] not in (b"{", b"[") else f", {best(lambda one=one: sum(bool(json.loads(one)) for _ in range(wanted))) / rate:4.1f} times the time of json.loads"
        print(f"{kind:11} {len(one):5} bytes {rate:9,.0f} events/s{plain}")
    envelope, knowing = signed_envelope()
    body = b"\n".join([json.dumps(envelope).encode()] * wanted)
    assert next(iter(events("ses", body, knowing))).trust == "signed"  # type: ignore[union-attr]
    print(f"ses in its SNS envelope {measured('ses', body, setting):9,.0f} events/s, with its RSA signature checked {measured('ses', body, knowing):9,.0f} events/s")


if __name__ == "__main__":
    main()
