"""Ctrl-C, SIGTERM and SIGHUP: they end the work, and never the clean-up after it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODE = 130


def raise_once() -> None:
    """From here on the first of SIGNALS raises KeyboardInterrupt, and those after it do nothing:
    what is run to clean up ignores them, too."""

    def interrupt(*_: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupt)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A block that ends before SIGNALS that come meanwhile are heard, here and in the programs it
    runs. Main thread only."""
    came: list[int] = []
    # The mask is for the programs, which inherit it; another thread of ours can still get a signal.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    handlers = {n: signal.signal(n, lambda number, _: came.append(number)) for n in SIGNALS}
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
