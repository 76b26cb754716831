"""A server on a unix socket that answers what it is told to, whatever it was asked."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def running(path: pathlib.Path, answers: Sequence[bytes]) -> Iterator[None]:
    """Gives one client the answers, one to each thing it says, and then closes."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, answers))
        thread.start()
        try:
            yield
        finally:
            # Wakes accept() where nobody came.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            path.unlink()


def _serve(listener: socket.socket, answers: Sequence[bytes]) -> None:
    with contextlib.suppress(OSError):
        client, _ = listener.accept()
        with client:
            for answer in answers:
                if not client.recv(65536):
                    return
                client.sendall(answer)
