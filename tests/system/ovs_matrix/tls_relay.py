"""A TLS server on a port of the loopback that hands what it hears to a unix socket, and back. It
wants its clients' certificates."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def running(to: pathlib.Path, key: str, certificate: str) -> Iterator[int]:
    """The port. `certificate` is the server's, and the authority of its clients'."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, context, to), daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Wakes accept(), which close() alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(listener: socket.socket, context: ssl.SSLContext, to: pathlib.Path) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, context, to), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, to: pathlib.Path) -> None:
    with client, contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
        with context.wrap_socket(client, server_side=True) as secured:
            server.connect(str(to))
            back = threading.Thread(target=_copy, args=(server, secured), daemon=True)
            back.start()
            _copy(secured, server)
            server.shutdown(socket.SHUT_RDWR)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
