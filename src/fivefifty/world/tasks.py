"""Start something now and await it as often as wanted."""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Done(Generic[T]):
    """The outcome of something that ended without waiting for anything."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: T | None = None, error: BaseException | None = None) -> None:
        self._value, self._error = value, error

    def __await__(self) -> Generator[Any, None, T]:
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]
        yield  # a generator, although it never waits


@coroutine
def _resumed(work: Coroutine[Any, Any, T], first: Any) -> Generator[Any, Any, T]:
    """Go on with a coroutine that already waits for `first`."""
    try:
        if first is not None:
            first._asyncio_future_blocking = True
        yield first
    except BaseException as error:  # a cancellation belongs to the one who waits
        try:
            again = work.throw(error)
        except StopIteration as stop:
            ended: T = stop.value
            return ended
        return (yield from _resumed(work, again))
    finished: T = yield from work
    return finished


async def _whole(work: Coroutine[Any, Any, T], first: Any) -> T:
    return await _resumed(work, first)


def start(work: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """Run `work` up to its first wait at once; only what really waits becomes a task.

    Most questions of an audit are answered from the cache: a task for each of them would cost more than the answer.
    """
    try:
        first = work.send(None)
    except StopIteration as stop:
        return Done(stop.value)
    except Exception as error:
        return Done(error=error)
    if first is not None:  # the flag by which a future tells the task that it was awaited: others may await it before our task begins
        first._asyncio_future_blocking = False
    return asyncio.ensure_future(_whole(work, first))
