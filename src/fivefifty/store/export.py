"""What is kept, as tables for other programs, in constant memory."""
from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from typing import IO, Any

from ..errors import InputError
from ..model import Event
from . import DIMENSIONS, Period, Store

WHAT = ("events", "counts", "suppression", "cases")
FORMATS = ("csv", "jsonl", "parquet")
AT_ONCE = 10_000  # rows of one Parquet row group
COUNTED = ("hour", *DIMENSIONS, "kind", "cause", "template", "late")
_EVENT = tuple(field.name for field in fields(Event))
# A spreadsheet runs what begins so; an apostrophe makes it a text (OWASP, CSV injection).
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, Any]


def rows(store: Store, what: str, period: Period) -> Iterator[Row]:
    """The rows of one kind of export."""
    if what == "events":
        yield from (asdict(event) for event in store.failures(period))
    elif what == "counts":
        for one in store.grouped(COUNTED, period):
            yield {**dict(zip(COUNTED, one.values, strict=True)), "count": one.count}
    else:
        table = {"suppression": "suppression", "cases": "case"}[what]
        for key, value in store.documents(table):
            yield {"key": key, **value}


def columns(what: str) -> tuple[str, ...]:
    """The columns of a kind whose rows are all alike; () where each row tells its own."""
    return {"events": _EVENT, "counts": (*COUNTED, "count")}.get(what, ())


def write(given: Iterable[Row], names: tuple[str, ...], form: str, file: IO[bytes]) -> int:
    """Write rows; how many there were."""
    return _WRITERS[form](given, names, file)


def _csv(given: Iterable[Row], names: tuple[str, ...], file: IO[bytes]) -> int:
    import io

    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="", write_through=True)
    writer, number = csv.writer(text), 0
    for number, row in enumerate(given, 1):
        if number == 1:
            names = names or tuple(row)
            writer.writerow(names)
        writer.writerow([_cell(row.get(name, "")) for name in names])
    if not number and names:
        writer.writerow(names)
    text.detach()
    return number


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list, tuple)):
        value = json.dumps(value, ensure_ascii=True)
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return "'" + value
    return value


def _jsonl(given: Iterable[Row], names: tuple[str, ...], file: IO[bytes]) -> int:
    number = 0
    for row in given:
        number += 1
        file.write(json.dumps(row, ensure_ascii=True, default=str).encode("ascii") + b"\n")
    return number


def _parquet(given: Iterable[Row], names: tuple[str, ...], file: IO[bytes]) -> int:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise InputError("Parquet needs the package pyarrow.", "", 'Install it with: pip install "fivefifty[parquet]"') from None
    number, writer, schema = 0, None, None
    for some in _by(given, AT_ONCE):
        names = names or tuple(some[0])
        plain = {name: [_flat(row.get(name, "")) for row in some] for name in names}
        # the first rows decide the types; an empty column is a text
        table = arrow.table(plain, schema=schema)
        if writer is None:
            schema = table.schema
            writer = parquet.ParquetWriter(file, schema, compression="zstd")
        writer.write_table(table)
        number += len(some)
    if writer is None:
        writer = parquet.ParquetWriter(file, arrow.schema([(name, arrow.string()) for name in names or ("key",)]))
    writer.close()
    return number


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=True, default=str) if isinstance(value, (dict, list, tuple)) else value


def _by(given: Iterable[Row], size: int) -> Iterator[list[Row]]:
    some: list[Row] = []
    for row in given:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


_WRITERS: dict[str, Callable[[Iterable[Row], tuple[str, ...], IO[bytes]], int]] = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
