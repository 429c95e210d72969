# SPDX-License-Identifier: Apache-2.0
"""A request to the distributor by somebody who writes HTTP by himself, with the transport certificate of a role's folder."""
import contextlib
import json
import socket
import ssl


def transport(site, home, certificate):
    context = ssl.create_default_context(cafile=str(site.home(home) / "transport.ca.pem"))
    if certificate:
        context.load_cert_chain(site.home(home) / "transport.cert.pem", site.home(home) / "transport.key.pem")
    return context


def request(site, home, method, path, body=None, certificate=True, fields=""):
    """Status and body of the answer; status 0 when there was none."""
    host, port = site.via.split(":")
    octets = json.dumps(body).encode() if body is not None else b""
    with socket.create_connection((host, int(port)), 10) as tcp, \
            transport(site, home, certificate).wrap_socket(tcp, server_hostname="127.0.0.1") as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
                           f"{fields}Content-Type: application/json\r\nContent-Length: {len(octets)}\r\n\r\n".encode() + octets)
        answer = b""
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            while part := connection.recv(65536):
                answer += part
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, text.decode(errors="replace")  # a tile is no text
