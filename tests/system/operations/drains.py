# SPDX-License-Identifier: Apache-2.0
"""Cases of operations_test.py: the end of a distributor, in which nobody who asks is left without an answer."""
import os
import signal
import socket
import threading
import time

from process_site import BOUND, OK, Service, check
from raw_request import request, transport

GRACE = 3
SOON = 2.0


class Connection:
    """One connection that is kept, as an agent keeps it."""

    def __init__(self, site, home):
        host, port = site.via.split(":")
        self.stream = transport(site, home, True).wrap_socket(socket.create_connection((host, int(port)), BOUND),
                                                              server_hostname="127.0.0.1")

    def ask(self, path):
        """Status and head of the answer, whose body is as long as it says."""
        self.stream.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = self.stream.recv(65536)
            check(part, f"no answer to {path}: {answer}")
            answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        fields = {line.split(":")[0].lower(): line.split(":", 1)[1].strip() for line in head.decode().split("\r\n")[1:]}
        while len(body) < int(fields.get("content-length", "0")):
            part = self.stream.recv(65536)
            check(part, f"half an answer to {path}: {answer}")
            body += part
        return int(head.split()[1]), fields

    def is_closed(self):
        return self.stream.recv(1) == b""


def a_drained_distributor_answers_everybody_and_ends(bench):
    with bench.site(start=False) as site:
        site.distributor = site.start("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor"),
                                      "--drain-seconds", GRACE)
        site.via = f"127.0.0.1:{site.distributor.port}"
        check(request(site, "agent", "GET", "/readyz", certificate=False) == (200, '{"status":"ready"}'), "it is not ready")
        waiting, kept = Connection(site, "agent"), Connection(site, "provider")
        check(kept.ask("/v1/orders")[0] == 200, "the connection is not kept")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(waiting.ask("/v1/devices/self/work?wait=60")), daemon=True)
        thread.start()
        time.sleep(1)
        check(not answers, f"it did not wait: {answers}")
        begin = time.monotonic()
        site.distributor.process.send_signal(signal.SIGTERM)
        thread.join(SOON)
        check(answers, "the one who waits is left without an answer")
        status, fields = answers[0]
        check(status == 204 and fields["connection"] == "close" and int(fields["retry-after"]) > 0, f"{answers}")
        check(waiting.is_closed(), "its connection is kept")
        # Still served: connections that are there, and new ones.
        status, fields = kept.ask("/v1/orders")
        check(status == 200 and fields["connection"] == "close" and kept.is_closed(), f"{status} {fields}")
        check(request(site, "agent", "GET", "/readyz", certificate=False) == (503, '{"status":"not ready"}'), "it is still ready")
        check(request(site, "agent", "GET", "/healthz", certificate=False)[0] == 200, "it is not healthy")
        check(request(site, "provider", "PUT", "/v1/orders/late", {"device": "phone-1", "notAfter": 4_000_000_000})[0] == 201,
              "an order is not taken any more")
        check(time.monotonic() - begin < GRACE, "the machine is too slow for this test")
        site.distributor.done().expect(OK)
        took = time.monotonic() - begin
        check(GRACE <= took < GRACE + SOON + 3, f"it ended after {took:.1f} s")
        try:
            socket.create_connection(("127.0.0.1", int(site.via.split(":")[1])), 1).close()
            check(False, "somebody still listens")
        except ConnectionRefusedError:
            pass
        site.start_distributor()
        check(request(site, "provider", "GET", "/v1/orders/late")[0] == 200, "what was acknowledged is lost")


def a_second_signal_ends_it_at_once(bench):
    with bench.site(start=False) as site:
        for number in (signal.SIGTERM, signal.SIGINT):
            service = site.start("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor"),
                                 "--drain-seconds", 600)
            check(service.port, "it does not serve")
            service.process.send_signal(number)
            time.sleep(1)
            check(service.code is None, "it did not drain")
            begin = time.monotonic()
            service.process.send_signal(number)
            service.process.wait(BOUND)
            check(time.monotonic() - begin < SOON and service.code == -number, f"it ended with {service.code}")


def the_service_manager_hears_of_it(bench):
    """READY=1 once it listens, WATCHDOG=1 while it is alive, STOPPING=1 when it was asked to end."""
    with bench.site(start=False) as site, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = str(site.folder / "notify")
        manager.bind(path)
        manager.settimeout(BOUND)
        os.environ |= {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "8000000"}
        try:
            service = Service("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor"))
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        site.services.append(service)
        check(manager.recv(100) == b"READY=1", "it is not ready")
        socket.create_connection(("127.0.0.1", service.port), 1).close()  # it listens
        for _ in range(2):
            check(manager.recv(100) == b"WATCHDOG=1", "the watchdog hears nothing")
        service.process.send_signal(signal.SIGSTOP)
        manager.settimeout(4)
        try:
            check(manager.recv(100) is None, "the watchdog hears of a process that stands still")
        except TimeoutError:
            pass
        service.process.send_signal(signal.SIGCONT)
        service.process.send_signal(signal.SIGTERM)
        manager.settimeout(BOUND)
        heard = manager.recv(100)
        while heard == b"WATCHDOG=1":
            heard = manager.recv(100)
        check(heard == b"STOPPING=1", f"{heard}")
        service.done().expect(OK)
