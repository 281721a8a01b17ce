"""Wait for the ends of tasks, whatever came of them."""

import asyncio
from collections.abc import Sequence
from typing import Any


async def until_ended(tasks: "Sequence[asyncio.Future[Any]]", count: int = 1) -> None:
    """Return when so many of them have ended.

    It does what `asyncio.wait` does, without its sets and its look at what each of them is:
    every question to a broker passes here twice.
    """
    waiter = tasks[0].get_loop().create_future()
    left = count

    def ended(_task: "asyncio.Future[Any]") -> None:
        nonlocal left
        left -= 1
        if left <= 0 and not waiter.done():
            waiter.set_result(None)

    for task in tasks:
        task.add_done_callback(ended)
    try:
        await waiter
    finally:
        for task in tasks:
            task.remove_done_callback(ended)
