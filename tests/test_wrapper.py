"""Peeling: which words are whose, codes and phase of the innermost, and what must stay whole."""
import time

import pytest

from fivefifty.parse.reply import codes_of
from fivefifty.parse.wrapper import peel, phase_of, untyped

# text, then of the innermost layer: wrapper, reply code, status, phase, host, address, start of its text
CASES = {
    "postfix, folded": ("<user@example.net>: host\n    mx1.example.net[192.0.2.25] said: 550 5.7.1\n    Message rejected (in reply to end of DATA\n    command)",
                        "said", 550, "5.7.1", "end-of-data", "mx1.example.net", "192.0.2.25", "550 5.7.1\n    Message rejected"),
    "postfix, banner": ("host mx1.example.net[2001:db8::25] refused to talk to me: 554-mx1.example.net 554 Bad PTR record", "refused", 554, "", "connect", "mx1.example.net", "2001:db8::25", "554-mx1"),
    "exim": ("SMTP error from remote mail server after RCPT TO:<user@example.net>: host mx1.example.net [192.0.2.25]: 550 5.1.1 unknown", "exim", 550, "5.1.1", "rcpt", "mx1.example.net", "192.0.2.25", "550 5.1.1 unknown"),
    "exim, new": ("  user@example.net\n    host mx1.example.net [192.0.2.25]\n    SMTP error from remote mail server after RCPT TO:<user@example.net>:\n    550 5.1.1 unknown",
                  "exim", 550, "5.1.1", "rcpt", "mx1.example.net", "192.0.2.25", "550 5.1.1 unknown"),
    "exim, pipelined": ("SMTP error from remote mail server after pipelined MAIL FROM:<a@example.org> SIZE=1234: 452 4.3.1 Insufficient storage", "exim", 452, "4.3.1", "mail", "", "", "452 4.3.1"),
    "dragonfly": ("mx1.example.net [192.0.2.1] did not like our RCPT TO:\n550 5.1.1 no such user", "did-not-like", 550, "5.1.1", "rcpt", "mx1.example.net", "192.0.2.1", "550 5.1.1 no"),
    "qmail": ("192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 No such user\nGiving up on 192.0.2.1.", "remote-host-said", 550, "5.1.1", "rcpt", "", "192.0.2.1", "550 5.1.1 No such user"),
    "qmail, sender": ("Connected to 192.0.2.1 but sender was rejected.\nRemote host said: 553 no (#5.7.1)", "remote-host-said", 553, "5.7.1", "mail", "", "192.0.2.1", "553 no (#5.7.1)"),
    "exchange online": ("Remote Server returned '550 5.1.1 <user@example.net>: User 'user' unknown'", "remote-server-returned", 550, "5.1.1", "", "", "", "550 5.1.1 <user@example.net>: User 'user' unknown"),
    "exchange, typed": ("Remote Server returned '<mx1.example.net #5.1.1 smtp;550 5.1.1 <user@example.net>: unknown>'", "hash-smtp", 550, "5.1.1", "", "mx1.example.net", "", "550 5.1.1 <user@example.net>: unknown"),
    "exchange, arrow": ("550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 <user@example.net>: Relay access denied", "remote-server-returned", 554, "5.7.1", "", "", "", "554 5.7.1"),
    "exchange, expired": ("550 4.4.7 QUEUE.Expired; message expired [{LED=451 4.7.1 Greylisted};{MSG=};{FQDN=mx.example.net};{IP=192.0.2.3};{LRT=1/1/2024}]",
                          "last-error-details", 451, "4.7.1", "", "mx.example.net", "192.0.2.3", "451 4.7.1 Greylisted"),
    "call-ahead": ("host mx.example.org[192.0.2.1] said: 550 5.1.1 <u@example.org>: undeliverable address: host mx2.example.net[192.0.2.2] said: 550 No such user (in reply to RCPT TO command) (in reply to RCPT TO command)",
                   "said", 550, "", "rcpt", "mx2.example.net", "192.0.2.2", "550 No such user"),
    "sparkpost": ("554 5.4.7 [internal] message timeout (exceeded max time, last transfail: 451 4.4.1 [internal] No valid hosts (too many failures))", "last-error", 451, "4.4.1", "", "", "", "451 4.4.1 [internal] No valid hosts (too many failures)"),
    "barracuda": ("550 permanent failure for one or more recipients (user@example.com:550 5.1.1 User unknown)", "bracket", 550, "5.1.1", "", "", "", "550 5.1.1 User unknown"),
    "amazon": ("550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to lookup DNS for example.com>", "angle", 421, "4.4.0", "", "", "", "421 4.4.0 Unable to lookup DNS for example.com"),
    "google": ("It was rejected by the server for example.net by mx1.example.net. [192.0.2.1].\n\nThe error that the other server returned was:\n550 5.1.1 User unknown\n\n----- Original message -----\nHello",
               "returned-was", 550, "5.1.1", "", "mx1.example.net", "192.0.2.1", "550 5.1.1 User unknown"),
    "ironport": ("5.1.0 - Unknown address error 550-'5.1.1 <user@example.net>: User unknown' (delivery attempts: 0)", "ironport", 550, "5.1.1", "", "", "", "550-'5.1.1"),
    "amavis": ("554 5.6.0 Reject, id=1-01, from MTA(smtp:[127.0.0.1]:10025): 550 5.1.1 User unknown", "colon", 550, "5.1.1", "", "", "", "550 5.1.1 User unknown"),
    "sendmail": ("... while talking to mx1.example.net.:\n>>> DATA\n<<< 550 5.1.1 <user@example.net>... User unknown\n550 5.1.1 <user@example.net>... User unknown\n<<< 503 5.0.0 Need RCPT (recipient)",
                 "while-talking", 550, "5.1.1", "rcpt", "", "", "550 5.1.1 <user@example.net>... User unknown"),
    "domino": ("SMTP Protocol Returned a Permanent Error 550 5.1.1 User unknown", "returned-was", 550, "5.1.1", "", "", "", "550 5.1.1 User unknown"),
    "french": ("Réponse du serveur : 5.1.0 Adresse invalide", "response-was", 0, "5.1.0", "", "", "", "5.1.0 Adresse invalide"),
    "three deep": ("host a.example.org[192.0.2.1] said: 550 host b.example.net[192.0.2.2] said: 554 5.0.0 Remote Server returned '<c.example.com #5.1.1 smtp;550 5.1.1 no such user>' (in reply to end of DATA command)",
                   "hash-smtp", 550, "5.1.1", "end-of-data", "c.example.com", "", "550 5.1.1 no such user"),
}


@pytest.mark.parametrize("name", CASES)
def test_innermost(name):
    text, wrapper, code, status, phase, host, address, start = CASES[name]
    last = peel(text)[-1]
    assert (last.wrapper, last.reply_code, last.status, last.phase, last.remote_mta, last.remote_ip) == (wrapper, code, status, phase, host, address)
    assert last.text.startswith(start)


@pytest.mark.parametrize("text", [
    "550 5.1.1 <user@example.com>: Recipient address rejected: User unknown",
    "550 permanent failure for one or more recipients (user@example.com:blocked)",
    "550-5.7.26 This mail has been blocked. Authentication results: 550-5.7.26 DKIM = did not pass 550 5.7.26 see https://example.org",
    "552 message too large (512 kb), limit: 500 kb",
    "530 5.7.0 Must issue a STARTTLS command first (530 5.7.0 Must issue a STARTTLS command first)",
    "550 In response to your question: no",
])
def test_whole(text):
    assert [layer.text for layer in peel(text)] == [text]


def test_outer_layers_keep_their_own_codes():
    layers = peel("550 5.0.350 Remote server returned an error -> 554 5.7.1 Rejected by policy")
    assert [(layer.reply_code, layer.status) for layer in layers] == [(550, "5.0.350"), (554, "5.7.1")]


def test_hosts_of_failed_connections():
    for text, phase in (("connect to mx1.example.net[192.0.2.1]:25: Connection timed out", "connect"), ("lost connection with mx1.example.net[192.0.2.1] while sending RCPT TO", "rcpt"),
                        ("conversation with mx1.example.net[192.0.2.1] timed out while receiving the initial server greeting", "connect")):
        layer, = peel(text)
        assert (layer.remote_mta, layer.remote_ip, layer.phase) == ("mx1.example.net", "192.0.2.1", phase)


def test_empty_and_types():
    assert peel("") == peel(" \n") == ()
    assert untyped("smtp; 550 no")[0] == "550 no"
    assert phase_of("x (in reply to MAIL FROM command)", "x (in reply to mail from command)") == "mail"


@pytest.mark.parametrize(("text", "codes"), [
    ("550 5.1.1 unknown", (550, "5.1.1")), ("553 no (#5.7.1)", (553, "5.7.1")), ("550-'5.1.1 unknown'", (550, "5.1.1")), ("#550 #5.1.1 x", (550, "5.1.1")), ("220 mx.example.net; 450 4.2.0 later", (220, "")),
    ("mx said 220 hello, then 450 4.2.0 later", (450, "4.2.0")), ("limit is 500 kb", (0, "")), ("404 Not Found", (0, "")), ("delay=450, x", (0, "")), ("exceeded limit code=550", (550, "")), ("[192.0.2.5] 5.7.1 no", (0, "5.7.1")),
])
def test_codes(text, codes):
    assert codes_of(text) == codes


@pytest.mark.parametrize("piece", ["said: ", "<<< 550 ", "-> ", "recipient (", ": 550 5.1.1 ", "'5", "smtp;550 ", "a" * 300 + " ", "host x[192.0.2.1] said: ", "last error: ", "{led="])
def test_linear(piece):
    start = time.perf_counter()
    peel(piece * (100_000 // len(piece)))
    assert time.perf_counter() - start < 0.5
