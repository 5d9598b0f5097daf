"""Asks for the pages that programs serve by HTTP."""

import http.client
import socket

import harness


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=harness.PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(harness.PATIENCE)
        self.sock.connect(self.path)


def where(server, kind="metrics"):
    """(host, port) of its metrics, or of its health."""
    host, port = server.find(kind)[0]["address"].rsplit(":", 1)
    return host.strip("[]"), int(port)


def connection_to(address):
    """`address` is (host, port), or the path of a socket."""
    if isinstance(address, str):
        return UnixConnection(address)
    return http.client.HTTPConnection(*address, timeout=harness.PATIENCE)


def get(address, path="/metrics", method="GET", body=None):
    """The status and the text."""
    connection = connection_to(address)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()
