"""fivefifty tells why a mail came back, whose problem it is, how sure that is, and what to do.

    >>> import fivefifty
    >>> verdict, = fivefifty.diagnose("550 5.1.1 <user@example.org>: Recipient address rejected: User unknown")
    >>> verdict.cause, verdict.owner, verdict.suppress
    ('address.unknown', 'address', True)
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .codes import explain_code
    from .diagnosis import diagnose
    from .errors import FivefiftyError
    from .live import check, diagnose_live
    from .model import Evidence, Failure, Finding, Reply
    from .verdict import Verdict

__version__ = "0.1.0"
__all__ = ["Evidence", "Failure", "Finding", "FivefiftyError", "Reply", "Verdict", "check", "diagnose", "diagnose_live", "explain_code"]

_HOMES = {"diagnose": "diagnosis", "check": "live", "diagnose_live": "live", "explain_code": "codes", "Verdict": "verdict", "FivefiftyError": "errors",
          "Failure": "model", "Evidence": "model", "Finding": "model", "Reply": "model"}


def __getattr__(name: str) -> Any:
    """Names load when first used, so that `import fivefifty` and `fivefifty --help` cost next to nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
