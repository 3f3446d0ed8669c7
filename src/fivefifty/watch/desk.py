"""Opens, moves and tells cases: each trouble once, its getting worse, its return and its end."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..errors import InputError
from ..plan import cases
from ..plan.alert import Alarm, Known
from ..plan.cases import Case
from ..report.cases_text import note
from ..store import Store
from .outbox import Outbox

TABLE = "case"


def all_cases(store: Store) -> dict[int, Case]:
    """Every case by its number."""
    return {int(key): case for key, case in store.documents(TABLE)}


def one_case(store: Store, number: int) -> Case:
    """A case; `InputError` where there is none."""
    case = store.get(TABLE, _key(number))
    if case is None:
        raise InputError(f"There is no case {number}.", "", "fivefifty cases lists them.")
    return case


def keep(store: Store, case: Case) -> None:
    """Write a case."""
    store.put(TABLE, _key(int(case["id"])), case)


def _key(number: int) -> str:
    return f"{number:08d}"


class Desk:
    """The cases of a store and the outbox their notes go to.  Every note is put into the outbox before the case is kept: after a crash between it is made again, under the same key."""

    def __init__(self, store: Store, outbox: Outbox, tell: Callable[[str], None]) -> None:
        self.store, self.outbox, self.tell = store, outbox, tell
        self.dry: dict[int, Case] | None = None  # in a dry run the cases live here

    def cases(self) -> dict[int, Case]:
        """All of them; people may have changed some a moment ago."""
        return all_cases(self.store) | (self.dry or {})

    def known(self) -> dict[str, Known]:
        """For plan.alert: by key, the newest case of each."""
        return {str(case["key"]): Known(case["state"] in cases.OPEN, str(case["severity"]), float(case["counted_from"])) for _, case in sorted(self.cases().items())}

    def alarm(self, alarm: Alarm, now: float) -> None:
        """Open a case, or move the one that speaks of the same."""
        everything = self.cases()
        case = next((one for _, one in sorted(everything.items(), reverse=True) if one["key"] == alarm.key), None)
        if case is None or (case["state"] not in cases.OPEN and not cases.ended_lately(case, now)):
            self._keep(cases.opened(alarm, max(everything, default=0) + 1, now), "open", now)
        elif case["state"] == "fixed":
            self._keep(cases.contradicted(case, now, alarm.title), "reopened", now)
        elif case["state"] in cases.OPEN:
            if alarm.severity == "critical" and case["severity"] != "critical":
                self._keep(cases.worse(case, alarm, now), "worse", now)
        else:
            changed, tell = cases.returned(case, alarm, now)
            self._keep(changed, "again" if tell else "", now)

    def over(self, recovered: Mapping[str, str], now: float) -> None:
        """Cases whose end the data prove."""
        for case in self._open(recovered):
            self._keep(cases.verified(case, now, recovered[case["key"]]), "over", now)

    def still_bad(self, keys: Iterable[str], now: float) -> None:
        """Cases whose trouble goes on: recovery is counted from now on, and a person's "fixed" was wrong."""
        for case in self._open(keys):
            if case["state"] == "fixed":
                self._keep(cases.contradicted(case, now, "Mail sent since then fails as before."), "reopened", now)
            elif case["counted_from"] < cases.next_hour(now):
                self._keep({**case, "counted_from": cases.next_hour(now)}, "", now)

    def _open(self, keys: Iterable[str]) -> list[Case]:
        wanted = set(keys)
        return [case for case in self.cases().values() if case["key"] in wanted and case["state"] in cases.OPEN]

    def _keep(self, case: Case, what: str, now: float) -> None:
        if what:
            title, body = note(case, what)
            self.tell(title)
            if self.dry is None:
                self.outbox.put(f"{case['id']:08d} {case['changes']:06d} {what} {case['key']}", title, body, str(case["severity"]), now)
        if self.dry is not None:
            self.dry[int(case["id"])] = case
        else:
            keep(self.store, case)
