# SPDX-License-Identifier: Apache-2.0
"""vpcd's frames between an agent and an element: a relay that counts APDUs and does harm where a test asks for it, and
questions to the element itself. Standard library only.

  relay = Relay(lambda: port_of_the_element)
  relay.after_answer = lambda n, apdu, answer: bytes.fromhex("6F00")
  select, = ask_element(port, "00A4040000")
"""
import contextlib
import socket
import struct
import threading


def read_exactly(connection, size):
    octets = b""
    while len(octets) < size:
        part = connection.recv(size - len(octets))
        if not part:
            raise ConnectionError
        octets += part
    return octets


def read_frame(connection):
    return read_exactly(connection, struct.unpack(">H", read_exactly(connection, 2))[0])


def write_frame(connection, octets):
    connection.sendall(struct.pack(">H", len(octets)) + octets)


def is_put_key(apdu):
    return len(apdu) > 4 and apdu[1] == 0xD8


class Cut(Exception):
    pass


class Relay:
    """vpcd's frames, from the agent to the element. Counts APDUs; before_send(n, apdu) and after_answer(n, apdu, answer)
    may change them or raise Cut."""

    def __init__(self, port_of_element):
        self.port_of_element = port_of_element
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.apdus, self.installs = 0, 0
        self.before_send = lambda n, apdu: apdu
        self.after_answer = lambda n, apdu, answer: answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError, Cut):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with socket.create_connection(("127.0.0.1", self.port_of_element())) as element:
                        element.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        self.carry(connection, element)

    def carry(self, connection, element):
        while True:
            frame = read_frame(connection)
            if len(frame) <= 1:
                write_frame(element, frame)
                if frame == b"\x04":
                    write_frame(connection, read_frame(element))
                continue
            self.apdus += 1
            number = self.apdus
            frame = self.before_send(number, frame)
            write_frame(element, frame)
            answer = read_frame(element)
            self.installs += is_put_key(frame) and answer[-2:] == b"\x90\x00"
            write_frame(connection, self.after_answer(number, frame, answer))

    def close(self):
        self.listener.close()


def ask_element(port, *apdus):
    """The element's answers, on its basic channel."""
    with socket.create_connection(("127.0.0.1", port), 5) as card:
        card.settimeout(10)
        write_frame(card, b"\x01")
        out = []
        for apdu in apdus:
            write_frame(card, bytes.fromhex(apdu))
            answer = read_frame(card)
            while answer[-2] == 0x61:
                write_frame(card, bytes([0, 0xC0, 0, 0, answer[-1]]))
                answer = answer[:-2] + read_frame(card)
            out.append(answer.hex().upper())
        write_frame(card, b"\x00")
        return out
