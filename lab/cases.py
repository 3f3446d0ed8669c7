"""The bounces of the lab: who sends what to whom, the true cause, and what live checks must find to prove it."""
from __future__ import annotations

from dataclasses import dataclass

from .scenario import BAD_LINK, REPLIES, SENDERS, SUBMISSION


@dataclass(frozen=True)
class Case:
    """One mail.  `proof` maps a check to the outcome it must have in a live diagnosis; `quiet` are the MTAs that rightly report nothing."""

    name: str
    recipient: str
    cause: str
    sender: str = "good.test"
    proof: tuple[tuple[str, str], ...] = ()
    author: str = ""  # the domain in From:, where it is another
    subject: str = ""
    body: str = "Hello, this is a test.\r\n"
    slow: bool = False  # the report comes when the mail is too old: 20 to 30 s
    by: tuple[str, ...] = tuple(SUBMISSION)
    quiet: tuple[str, ...] = ()

    @property
    def ip(self) -> str:
        """The address the mail leaves from."""
        return SENDERS[self.sender].ip

    @property
    def connecting(self) -> bool:
        """Whether the proof needs a connection to the recipient's server."""
        return any(check in ("receiving.connect", "transport.dane") for check, _ in self.proof)

    def told_by(self, mta: str) -> str:
        """What the report alone can tell: often less than the cause."""
        return next((cause for who, names, cause in _TOLD if mta in who and self.name in names.split()), self.cause)

    def envelope_sender(self, mta: str) -> str:
        return f"{self.name}.{mta}@{self.sender}"

    def message(self, mta: str) -> bytes:
        """The mail as it is submitted."""
        author = self.author or self.sender
        lines = (f"From: Sender <news@{author}>", f"To: <{self.recipient}>", f"Subject: {self.subject or 'case ' + self.name}", f"Message-ID: <{self.name}.{mta}@{author}>",
                 "Date: Thu, 01 Jan 2026 00:00:00 +0000", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", self.body)
        return "\r\n".join(lines).encode()


# The reports that do not say the cause: (senders, cases, what they say instead).  Asking may bring more to light.
_TOLD = (
    (("postfix", "exim", "opensmtpd"), "forward-nowhere", "address.domain"),  # said of the address it was forwarded to
    (("postfix", "exim", "opensmtpd"), "forward-gone", "address.unknown"),  # "Unrouteable address", as for an unknown user
    (("postfix", "exim", "opensmtpd"), "unknown-opensmtpd", "recipient.misconfigured"),  # its words: "Mailing list expansion problem"
    (("postfix", "exim"), "mx-gone", "address.domain"),  # "Host not found" is said of the MX
    (("exim",), "dns-bogus dns-loop odd-hangup refusing silent speechless", "transient.expired"),  # "retry timeout exceeded"
    # "Envelope expired"
    (("opensmtpd",), "dns-bogus dns-loop dns-servfail gmail-rate greylist-exim greylist-postfix mx-gone no-address null-mx odd-hangup outlook-busy refusing tempfail-postfix yahoo-deferred",
     "transient.expired"),
)
_LONG = ("x" * 70 + "\r\n") * 1200
_LINK = f"See http://{BAD_LINK}/x now.\r\n"
_SPF, _PTR, _LIST = (("spf.authorised", "fail"),), (("sending.ptr", "fail"),), (("lists.ip", "fail"),)
_PATIENTLESS = ("postfix", "exim")  # OpenSMTPD's own time-outs are minutes long
_NO_ANSWER, _NO_CONNECTION = (("receiving.mx", "unknown"),), (("receiving.connect", "fail"),)
_NO_PTR, _NO_SPF = "noptr.test", "spffail.test"

_REAL = [
    *(Case(f"unknown-{mta}", f"nobody@base.{mta}.test", "address.unknown") for mta in SUBMISSION),
    Case("disabled-postfix", "disabled@base.postfix.test", "address.inactive"),
    Case("moved-postfix", "moved@base.postfix.test", "address.inactive"),
    Case("disabled-exim", "disabled@base.exim.test", "address.inactive"),
    Case("full-postfix", "full@base.postfix.test", "address.full"),
    Case("full-lmtp", "full@spf.postfix.test", "address.full"),  # taken at RCPT, refused by the store: the receiver reports it
    Case("size-postfix", "alice@base.postfix.test", "content.size", body=_LONG),
    Case("size-exim", "alice@size.exim.test", "content.size", body=_LONG, quiet=("opensmtpd",)),  # it does not announce the size
    Case("list-postfix", "alice@dnsbl.postfix.test", "reputation.blocklist", "listed.test", _LIST),
    Case("list-postscreen", "alice@postscreen.postfix.test", "reputation.blocklist", "listed.test", _LIST),
    Case("list-exim", "alice@dnsbl.exim.test", "reputation.blocklist", "listed.test", _LIST),
    Case("spf-postfix", "alice@spf.postfix.test", "auth.spf", _NO_SPF, _SPF),
    Case("spf-exim", "alice@spf.exim.test", "auth.spf", _NO_SPF, _SPF),
    Case("spf-syntax", "alice@spf.postfix.test", "auth.spf", "spfperm.test", (("spf.syntax", "fail"),)),
    Case("dmarc-postfix", "alice@dmarc.postfix.test", "auth.dmarc", author="dmarcreject.test", proof=(("dmarc.alignment", "fail"),)),
    Case("link-postfix", "alice@body.postfix.test", "content.url", body=_LINK),
    Case("link-exim", "alice@body.exim.test", "content.url", body=_LINK),
    Case("subject-postfix", "alice@base.postfix.test", "content.spam", subject="BANNED-SUBJECT offer"),
    Case("tls-postfix", "alice@tlsreq.postfix.test", "sender.tls", quiet=("opensmtpd",)),  # OpenSMTPD encrypts where it can
    Case("tls-exim", "alice@tlsreq.exim.test", "sender.tls", quiet=("opensmtpd",)),
    Case("ptr-postfix", "alice@ptr.postfix.test", "sender.ptr", _NO_PTR, _PTR),
    Case("ptr-wrong", "alice@ptr.postfix.test", "sender.ptr", "wrongptr.test", (("sending.iprev", "fail"),)),
    Case("ptr-six", "alice@six.postfix.test", "sender.ptr", _NO_PTR, _PTR, by=("postfix",)),
    Case("ptr-exim", "alice@ptr.exim.test", "sender.ptr", _NO_PTR, _PTR),
    Case("lines-exim", "alice@lines.exim.test", "policy.opaque_gateway"),
    Case("forward-nowhere", "away@base.postfix.test", "recipient.misconfigured"),
    Case("forward-gone", "gone@base.exim.test", "recipient.misconfigured"),
    Case("no-domain", "someone@nosuchdomain.test", "address.domain", proof=(("receiving.mx", "fail"),)),
    Case("null-mx", "someone@nullmx.test", "address.domain", proof=(("receiving.null_mx", "fail"),)),
    Case("no-address", "someone@nomail.test", "address.domain", proof=(("receiving.mx", "fail"),)),
    Case("mx-gone", "someone@mxgone.test", "recipient.dns", proof=(("receiving.mx_resolves", "fail"),)),
    Case("greylist-postfix", "alice@grey.postfix.test", "transient.greylisted", slow=True),
    Case("greylist-exim", "alice@grey.exim.test", "transient.greylisted", slow=True),
    Case("tempfail-postfix", "later@base.postfix.test", "transient.system", slow=True),
    Case("dns-servfail", "someone@servfail.test", "recipient.dns", proof=_NO_ANSWER, slow=True),
    Case("dns-bogus", "someone@bogus.test", "recipient.dns", proof=_NO_ANSWER, slow=True),
    Case("dns-loop", "someone@loop.test", "recipient.dns", slow=True),
    Case("refusing", "someone@refusing.test", "recipient.unreachable", proof=_NO_CONNECTION, slow=True),
    Case("silent", "someone@silent.test", "recipient.unreachable", slow=True, by=_PATIENTLESS),
    Case("speechless", "someone@speechless.test", "recipient.unreachable", slow=True, by=_PATIENTLESS),
    Case("dane-wrong", "alice@danebad.test", "recipient.tls", proof=(("transport.dane", "fail"),), slow=True, by=("postfix",)),
]
_SAID_PROOF = {"reputation.blocklist": _LIST, "auth.bulk_rules": (("dmarc.record", "fail"),)}
_SAID = [
    Case(f"{domain.split('.')[0]}-{user}", f"{user}@{domain}", said["cause"], said.get("sender", "good.test"), _SAID_PROOF.get(said["cause"], ()),
         slow=said.get("at") == "drop" or said.get("reply", "").strip().startswith("4"))
    for domain, users in REPLIES.items()
    for user, said in users.items()
    if user != "mx"
]
CASES = {case.name: case for case in _REAL + _SAID if case.by}
DELIVERED = (Case("dane-good", "alice@dane.test", "", by=("postfix",)), Case("sts-good", "alice@sts.test", "", by=("postfix",)))
