#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Distributors that share one PostgreSQL store, as processes with real TLS, behind a balancer of TCP connections: whole
deliveries, news across distributors, invitations, one of two killed under load, the database server killed under load, and the
move from a SQLite file.

  shared_store_test.py [FOLDER OF PROGRAMS] [-v]

Needs PostgreSQL's programs, not a running server (tests/support/postgres_cluster.py). Standard library only.
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path[1:1] = [str(SOURCE / "tests/system"), str(SOURCE / "tests/system/processes"), str(SOURCE / "tests/support")]

from postgres_cluster import Cluster
from process_site import BOUND, FAILED, KILLED, OK, REFUSED, SPID, Site, TRY_AGAIN, USAGE, build_base, check, run, run_cases
from raw_request import request

SOON = 4.0  # news of another distributor: about a second, and some for a busy machine; the wait itself is of a minute
DISTRIBUTORS = ("distributor", "distributor-2")


class Balancer:
    """Each connection to the next distributor that takes it."""

    def __init__(self, ports):
        self.ports, self.turn = ports, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client):
        for _ in range(4):
            self.turn += 1
            ports = self.ports()
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", ports[self.turn % len(ports)]), 5)
                server.settimeout(None)
                threads = [threading.Thread(target=self.pass_on, args=pair, daemon=True)
                           for pair in ((client, server), (server, client))]
                for thread in threads:
                    thread.start()
                return
        client.close()

    @staticmethod
    def pass_on(source, sink):
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                sink.sendall(part)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class SharedSite(Site):
    """Two distributors on one database; the orders of the base folder were moved there."""

    def __init__(self, folder, cluster, database):
        self.cluster, self.database = cluster, database
        subprocess.run(["psql", "-X", "-q", cluster.address, "-c", f"CREATE DATABASE {database}"], check=True)
        self.store = cluster.address.replace("/postgres?", f"/{database}?")
        self.nodes = {}
        super().__init__(folder, start=False)
        run("audit", "export", self.home("distributor") / "orders.sqlite3", self.folder / "before").expect(OK)
        run("store", "migrate", self.home("distributor") / "orders.sqlite3", "--to", self.store).expect(OK)
        self.home("distributor-2").mkdir()
        for name in ("ca.key.pem", "ca.cert.pem", "log.key.pem"):
            shutil.copy(self.home("distributor") / name, self.home("distributor-2") / name)
        run("distributor", "renew-server", "--home", self.home("distributor-2")).expect(OK)
        for home in DISTRIBUTORS:
            self.start_node(home)
        self.balancer = Balancer(lambda: [node.port for node in self.nodes.values() if node.code is None] or [1])
        self.distributor = self.nodes["distributor"]
        self.via = f"127.0.0.1:{self.balancer.port}"
        self.start_element()

    def start_node(self, home, drain=0, **more):
        self.nodes[home] = self.start("distributor", "serve", "--listen", "127.0.0.1:0", "--home", self.home(home), "--store",
                                      self.store, "--drain-seconds", drain, **more)
        return self.nodes[home].port

    def start_distributor(self, **more):
        self.start_node("distributor", **more)
        self.distributor = self.nodes["distributor"]

    @contextlib.contextmanager
    def only(self, home):
        """Everybody's connections go to this distributor."""
        before, self.via = self.via, f"127.0.0.1:{self.nodes[home].port}"
        yield
        self.via = before

    def log(self):
        return self.store

    def verify_log(self):
        """It also continues what was signed before the orders were moved."""
        super().verify_log()
        run("audit", "verify", self.store, "--key", self.home("distributor") / "log.vkey", "--from",
            self.folder / "before" / "checkpoint").expect(OK)

    def query(self, sql):
        return subprocess.run(["psql", "-X", "-A", "-t", "-q", self.store, "-c", f"SET search_path = kagibin; {sql}"], check=True,
                              capture_output=True, text=True).stdout.split()


class SharedBench:
    def __init__(self, folder):
        self.folder, self.number, self.cluster = pathlib.Path(folder), 0, None

    def __enter__(self):
        build_base(self.folder / "base")
        self.cluster = Cluster()
        return self

    def __exit__(self, *_):
        if self.cluster:
            self.cluster.close()

    @contextlib.contextmanager
    def site(self):
        self.number += 1
        folder = self.folder / str(self.number)
        shutil.copytree(self.folder / "base", folder)
        with SharedSite(folder, self.cluster, f"case_{self.number}") as site:
            yield site


class Load:
    """A provider that puts orders on several connections and remembers what was acknowledged."""

    def __init__(self, site, threads=6):
        self.site, self.ending, self.lock = site, False, threading.Lock()
        self.acknowledged, self.failures, self.answers = [], 0, {}
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        for thread in self.threads:
            thread.join(BOUND)
            check(not thread.is_alive(), "a request hangs")

    def connect(self):
        home = self.site.home("provider")
        context = ssl.create_default_context(cafile=str(home / "transport.ca.pem"))
        context.load_cert_chain(home / "transport.cert.pem", home / "transport.key.pem", "for this test alone")
        host, port = self.site.via.split(":")
        return http.client.HTTPSConnection(host, int(port), timeout=BOUND / 2, context=context)

    def request(self, connection, method, path, body=None):
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        with self.lock:
            self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        return answer.status, json.loads(text) if text else {}, answer.headers

    def work(self, number):
        connection, count = None, 0
        while not self.ending:
            order = f"load-{number}-{count}"
            body = {"device": f"device-{number}", "notAfter": 4_000_000_000}
            try:
                connection = connection or self.connect()
                status, text, headers = self.request(connection, "PUT", f"/v1/orders/{order}", body)
                check(status in (200, 201, 503), f"PUT {order}: {status} {text}")
                if status == 503:  # the same order again: it may be there already
                    check(headers.get("Retry-After"), f"503 without Retry-After: {text}")
                    self.failures += 1
                    time.sleep(0.05)
                    continue
                with self.lock:
                    self.acknowledged.append(order)
                count += 1
            except (OSError, http.client.HTTPException):
                self.failures += 1
                connection = None
                time.sleep(0.05)

    def wait_for(self, more):
        """Until so many more orders were acknowledged."""
        target, end = len(self.acknowledged) + more, time.monotonic() + BOUND
        while len(self.acknowledged) < target:
            check(time.monotonic() < end, f"only {len(self.acknowledged)} of {target} orders: {self.answers}")
            time.sleep(0.02)

    def nothing_is_lost_or_doubled(self):
        stored = self.site.query("SELECT id FROM orders WHERE id LIKE 'load-%'")
        check(len(stored) == len(set(stored)), "an order stands twice")
        lost = set(self.acknowledged) - set(stored)
        check(not lost, f"{len(lost)} of {len(self.acknowledged)} acknowledged orders are lost: {sorted(lost)[:5]}")
        # At most what each connection had on its way when it failed is there without an acknowledgement.
        check(len(stored) <= len(self.acknowledged) + len(self.threads), f"{len(stored)} of {len(self.acknowledged)}")
        connection = self.connect()
        for order in self.acknowledged[:: max(1, len(self.acknowledged) // 50)]:
            status, text, _ = self.request(connection, "GET", f"/v1/orders/{order}")
            check(status == 200 and text["order"] == order, f"GET {order}: {status} {text}")


def the_log_has_all(site, load):
    """Every acknowledged order has exactly one entry that says it was made, in its place, and an earlier copy is continued."""
    copy = site.folder / "log"
    end = time.monotonic() + BOUND
    while site.query("SELECT count(*) FROM audit_waiting") != ["0"]:
        check(time.monotonic() < end, "entries wait for their place for ever")
        time.sleep(0.1)
    run("audit", "export", site.store, copy).expect(OK)
    made = site.query("SELECT split_part(convert_from(entry, 'UTF8'), ' ', 5) FROM audit_entries "
                      "WHERE convert_from(entry, 'UTF8') LIKE '% order % load-%'")
    check(len(made) == len(set(made)), "an order was made twice in the log")
    lost = set(load.acknowledged) - set(made)
    check(not lost, f"{len(lost)} acknowledged orders are not in the log: {sorted(lost)[:5]}")
    site.verify_log()
    run("audit", "verify", copy, "--key", site.home("distributor") / "log.vkey", "--from", copy / "checkpoint").expect(OK)


# ---- cases ----------------------------------------------------------------------------------------------------------

def a_delivery_over_two_distributors_installs_once(bench):
    with bench.site() as site:
        site.order().expect(OK)
        site.order().expect(OK)
        site.finish()
        site.confirmed()
        states = site.query("SELECT state FROM orders")
        check(states == ["confirmed"], f"the database says {states}")
        check(not (site.home("distributor-2") / "orders.sqlite3").exists(), "a distributor keeps a state of its own")


def who_waits_at_one_distributor_hears_of_the_other(bench):
    with bench.site() as site:
        with site.only("distributor"):
            site.order().expect(OK)
            provider = site.waiting("provider")
        time.sleep(1.5)
        with site.only("distributor-2"):
            for state in ("sealed", "confirmed"):
                site.agent().expect(OK)
                begin = time.monotonic()
                while time.monotonic() < begin + BOUND and not any(f'"{state}"' in line for line in provider.lines):
                    time.sleep(0.02)
                took = time.monotonic() - begin
                check(took < SOON, f"{state} after {took:.1f} s: {''.join(provider.lines + provider.errors)}")
        provider.process.send_signal(signal.SIGTERM)
        provider.done().expect(OK)
        site.confirmed()


def an_invitation_is_redeemed_once_at_either(bench):
    with bench.site() as site:
        ends = []
        invitation = site.folder / "phone-3.invitation"

        def join(home, node):
            ends.append(run("agent", "join", invitation, "--via", f"127.0.0.1:{site.nodes[node].port}", "--home",
                            site.home(home)))

        threads = [threading.Thread(target=join, args=pair) for pair in zip(("first", "second"), DISTRIBUTORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(BOUND)
        codes = [end.code for end in ends]
        check(codes.count(OK) == 1 and len(codes) == 2, f"exit codes {codes}")
        for end in ends:
            end.expect(OK, FAILED, REFUSED)


def one_of_two_distributors_is_killed_under_load(bench):
    with bench.site() as site:
        site.order().expect(OK)
        with Load(site) as load:
            for home in DISTRIBUTORS:
                load.wait_for(100)
                site.nodes[home].stop(signal.SIGKILL)
                load.wait_for(100)  # by the other
                site.start_node(home)
            site.distributor = site.nodes["distributor"]
            load.wait_for(50)
        check(load.failures > 0, "nobody noticed")
        load.nothing_is_lost_or_doubled()
        site.finish()
        site.confirmed()
        the_log_has_all(site, load)


def distributors_are_restarted_one_after_the_other_under_load(bench):
    """As an upgrade does it. A balancer looks at nothing here: whoever finds a connection closed comes again."""
    with bench.site() as site:
        site.order().expect(OK)
        provider = site.waiting("provider")
        with Load(site) as load:
            for _ in range(2):
                for home in DISTRIBUTORS:
                    load.wait_for(100)
                    ending = site.nodes[home]
                    begin = time.monotonic()
                    ending.process.send_signal(signal.SIGTERM)
                    load.wait_for(50)
                    ending.done().expect(OK)
                    took = time.monotonic() - begin
                    check(took < 10, f"{home} took {took:.1f} s to end")
                    site.start_node(home, drain=1)
            site.distributor = site.nodes["distributor"]
            load.wait_for(50)
        check(set(load.answers) <= {200, 201}, f"somebody was refused: {load.answers}")
        check(provider.code is None, f"the provider gave up: {''.join(provider.errors)}")
        provider.stop()
        load.nothing_is_lost_or_doubled()
        site.finish()
        site.confirmed()
        the_log_has_all(site, load)


def the_database_server_is_killed_under_load(bench):
    with bench.site() as site:
        site.order().expect(OK)
        with Load(site) as load:
            for _ in range(2):
                load.wait_for(100)
                bench.cluster.kill()
                end = time.monotonic() + BOUND
                before = load.answers.get(503, 0)
                while load.answers.get(503, 0) < before + 5:
                    check(time.monotonic() < end, f"nobody was told to come back: {load.answers}")
                    time.sleep(0.02)
                bench.cluster.start()
                load.wait_for(100)
        load.nothing_is_lost_or_doubled()
        check(all(node.code is None for node in site.nodes.values()), "a distributor ended with its database")
        site.finish()
        site.confirmed()
        the_log_has_all(site, load)


def readiness_follows_the_database_server(bench):
    """A server that is dead and one that hangs: 503 within ten seconds, 200 within ten once it is back. Whoever asks is answered
    at once all the while, so that no probe waits for the database or is a load for it; healthy is who lives, with or without it."""
    with bench.site() as site:
        def ask():
            status, body = {}, {}
            for home in DISTRIBUTORS:
                with site.only(home):
                    begin = time.monotonic()
                    status[home], body[home] = request(site, "agent", "GET", "/readyz", certificate=False)
                    health = request(site, "agent", "GET", "/healthz", certificate=False)
                    took = time.monotonic() - begin
                    check(health == (200, '{"status":"ok"}'), f"{home} lives, and is not healthy: {health}")
                    check(took < 2, f"{home} took {took:.1f} s to answer: {status}")
            return status, body

        def becomes(status, text):
            begin = time.monotonic()
            while ask() != (dict.fromkeys(DISTRIBUTORS, status), dict.fromkeys(DISTRIBUTORS, f'{{"status":"{text}"}}')):
                check(time.monotonic() < begin + 10, f"not {status} after ten seconds, but {ask()}")
                time.sleep(0.1)
            took[text].append(time.monotonic() - begin)

        took = {"ready": [], "not ready": []}
        becomes(200, "ready")
        for end, go_on in ((bench.cluster.kill, bench.cluster.start), (bench.cluster.stop, bench.cluster.start),
                           (lambda: bench.cluster.hang(True), lambda: bench.cluster.hang(False))):
            end()
            try:
                becomes(503, "not ready")
                for _ in range(20):
                    ask()
            finally:
                go_on()
            becomes(200, "ready")
        print(f"        not ready after {max(took['not ready']):.1f} s, ready again after {max(took['ready']):.1f} s at most")
        check(all(node.code is None for node in site.nodes.values()), "a distributor ended with its database")
        site.order().expect(OK)
        site.finish()
        site.confirmed()


@contextlib.contextmanager
def small_disk(site, size):
    """The site's database on a disk of its own; None where nobody may mount one."""
    disk, name = site.cluster.folder / "small", f"small_{site.database}"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        yield None
        return

    def sql(text):
        subprocess.run(["psql", "-X", "-q", site.cluster.address, "-c", text], check=True)

    def move(to):
        for node in site.nodes.values():
            node.stop()
        sql(f"ALTER DATABASE {site.database} SET TABLESPACE {to}")

    try:
        (disk / "data").mkdir()
        if site.cluster.user:
            os.chown(disk / "data", site.cluster.user.pw_uid, site.cluster.user.pw_gid)
        sql(f"CREATE TABLESPACE {name} LOCATION '{disk / 'data'}'")
        move(name)
        for home in DISTRIBUTORS:
            site.start_node(home)
        site.distributor = site.nodes["distributor"]
        yield disk
        move("pg_default")
        sql(f"DROP TABLESPACE {name}")
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def on_a_full_disk_of_the_database_reads_go_on(bench):
    """promises, store: a full disk neither loses an entry nor freezes reads."""
    with bench.site() as site:
        site.seal()
        with small_disk(site, "64m") as disk:
            if not disk:
                print("        (nobody may mount a disk here: the full one was not tried)", file=sys.stderr)
                return
            load = Load(site)
            connection = load.connect()

            def put():
                name = f"load-{len(load.acknowledged)}"
                status, text, _ = load.request(connection, "PUT", f"/v1/orders/{name}", {"device": "phone-2", "notAfter": 4_000_000_000})
                check(status in (201, 507), f"{name}: {status} {text}")
                if status == 201:
                    load.acknowledged.append(name)
                return status

            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
                while True:
                    out.write(bytes(65536))

            def fill():  # autovacuum may find room for one more
                end = time.monotonic() + BOUND
                while put() == 201:
                    check(time.monotonic() < end, f"{len(load.acknowledged)} orders, and the disk is not full")

            fill()
            for _ in range(3):
                for path in ("/v1/orders/order-1", "/v1/orders?after=0", "/v1/orders/order-1/attempts/1/enrolment", "/readyz", "/healthz"):
                    check(load.request(connection, "GET", path)[0] == 200, f"GET {path} is not answered")
                fill()
                time.sleep(1.1)  # a tick, which finds the disk full, too
            run("audit", "verify", site.store, "--key", site.home("distributor") / "log.vkey").expect(OK)
            check(all(node.code is None for node in site.nodes.values()), "a distributor ended with its disk")
            filler.unlink()
            check(put() == 201, "no order is taken")
            site.agent().expect(OK)
            check(site.follow().expect(OK).results[-1]["state"] == "confirmed", "the delivery does not go on")
            check(site.relay.installs == 1, f"{site.relay.installs} installs")
            the_log_has_all(site, load)
            connection.close()


def a_distributor_killed_around_its_commits_loses_nothing(bench):
    for point in ("order.after_commit", "work.before_commit", "receipt.after_commit", "audit.before_commit", "audit.after_commit"):
        with bench.site() as site:
            site.nodes["distributor"].stop()
            site.start_distributor(crash=f"distributor.{point}")
            with site.only("distributor"):
                site.order().expect(OK, TRY_AGAIN)
            check(point[:5] != "order" or site.distributor.done().code == KILLED, "the distributor did not end")
            if site.distributor.code is not None:
                site.start_distributor()
            site.order().expect(OK)
            with site.only("distributor") if site.distributor.code is None else contextlib.nullcontext():
                site.agent().expect(OK, TRY_AGAIN)  # at the crash point of work, if that is the one
            site.finish(owner="distributor")
            site.confirmed()


def limits_and_kept_answers_hold_at_either(bench):
    """Each request goes to the next distributor: what one has spent or answered, the other knows."""
    with bench.site() as site:
        order = {"device": "phone-2", "notAfter": 4_000_000_000}

        def limits(*what):
            return run("distributor", "tenant", "set", SPID, *what, "--store", site.store, "--home", site.home("distributor")).expect(OK).results[-1]
        before = limits("--max-open", "none")["open"]
        limits("--max-open", before + 3)
        said = [request(site, "provider", "PUT", f"/v1/orders/limited-{i}", order)[0] for i in range(8)]
        check(said == [201] * 3 + [429] * 5, f"three orders were allowed: {said}")
        check(limits("--max-open", "none", "--orders-per-minute", "1", "--burst", "2")["open"] == before + 3, "orders are miscounted")
        said = [request(site, "provider", "PUT", f"/v1/orders/fast-{i}", order)[0] for i in range(6)]
        check(said == [201] * 2 + [429] * 4, f"two at once were allowed: {said}")
        limits("--orders-per-minute", "none")
        first, *more = [request(site, "provider", "PUT", "/v1/orders/once", order, fields='Idempotency-Key: "one"\r\n') for _ in range(4)]
        check(first[0] == 201 and all(one == first for one in more), f"answers differ: {first} {more}")
        check(request(site, "provider", "PUT", "/v1/orders/other", order, fields='Idempotency-Key: "one"\r\n')[0] == 422, "another request")
        run("store", "backup", site.store, site.folder / "limits").expect(OK)
        said = digests(run("store", "verify", site.folder / "limits").expect(OK))
        check(said["tenants"][0] == 1 and said["answers"][0] == 1, f"a backup carries limits and answers: {said}")


def a_move_is_whole_or_nothing_and_repeats(bench):
    with bench.site() as site:
        # The file that was moved is refused from now on, and named.
        moved = site.home("distributor") / "orders.sqlite3"
        run("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor")).expect(FAILED, REFUSED).says(
            "moved to a database server", "--store", "orders.sqlite3")
        run("store", "migrate", moved, "--to", site.store).expect(FAILED, REFUSED).says("moved")
        # The base folder's file holds the same: a run whose end was not heard.
        again = site.folder / "again.sqlite3"
        for part in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{bench.folder / 'base' / 'distributor' / 'orders.sqlite3'}{part}", f"{again}{part}")
        said = run("store", "migrate", again, "--to", site.store).expect(OK).results
        check(said[-1] == {"moved": True, "before": True}, f"{said}")
        check(any(one.get("table") == "invitations" and one["rows"] == 6 for one in said), f"{said}")
        # Another file into the same database.
        other = site.folder / "other.sqlite3"
        for part in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{bench.folder / 'base' / 'distributor' / 'orders.sqlite3'}{part}", f"{other}{part}")
        with contextlib.closing(sqlite3.connect(other)) as file, file:
            file.execute("UPDATE invitations SET subject = 'device:other'")
        run("store", "migrate", other, "--to", site.store).expect(FAILED, REFUSED).says("holds orders already", "empty")
        with contextlib.closing(sqlite3.connect(other)) as file:
            check(file.execute("PRAGMA application_id").fetchone() == (0x4B424F31,), "a refused file was marked")
        run("store", "migrate", site.folder / "nothing", "--to", site.store).expect(FAILED, USAGE)
        run("store", "migrate", other, "--to", "postgresql://u:secret@127.0.0.1/d").expect(USAGE).says("password", "pgpass")
        run("store", "migrate", other, "--to", "postgresql:///d?host=/nowhere").expect(TRY_AGAIN).says("reach")


def digests(done):
    return {line["table"]: (line["rows"], line["sha256"]) for line in done.results if "table" in line}


def a_backup_of_the_database_is_restored_to_either_kind_of_store(bench):
    """promises, I6: one moment of a database under load, restored to a file and to another database, where deliveries go on."""
    with bench.site() as site:
        site.seal()
        file = site.folder / "backup"
        # Rolled back transactions leave gaps: an entry's number is not its place.
        site.query("SELECT nextval('audit_arrivals') FROM generate_series(1, 7)")
        with Load(site) as load:
            load.wait_for(50)
            before = set(load.acknowledged)
            connection = load.connect()
            terms = {"notAfter": 4_000_000_000, "rollout": {"kind": "constant", "perMinute": 1}}
            check(load.request(connection, "PUT", "/v1/campaigns/rollout", terms)[0] == 201, "no campaign was made")
            held = {"device": "phone-2", "notAfter": 4_000_000_000, "campaign": "rollout"}
            check(load.request(connection, "PUT", "/v1/orders/held", held)[0] == 201, "the campaign has no order")
            connection.close()
            run("store", "backup", site.store, file).expect(OK)
            load.wait_for(20)
        said = digests(run("store", "verify", file).expect(OK))
        with contextlib.closing(sqlite3.connect(file)) as opened:
            inside = {row[0] for row in opened.execute("SELECT id FROM orders")}
            check(opened.execute("PRAGMA journal_mode").fetchone() == ("delete",), "a backup has a log beside it")
        check(before <= inside, f"{len(before - inside)} acknowledged orders are not in the backup")
        check(said["orders"][0] == len(inside) and said["order_counts"][0] >= 2 and said["campaigns"][0] == 1, f"{said}")
        run("audit", "verify", file, "--key", site.home("distributor") / "log.vkey", "--from",
            site.folder / "before" / "checkpoint").expect(OK)
        for node in site.nodes.values():
            node.stop()
        # Whoever signed more than the backup knows signs nothing beside it: the older state is meant.
        (site.home("distributor") / "log.checkpoint").unlink()

        other = site.store.replace("/case_", "/restored_")
        subprocess.run(["psql", "-X", "-q", site.cluster.address, "-c", f"CREATE DATABASE restored_{site.database[5:]}"], check=True)
        check(digests(run("store", "restore", file, "--to", other).expect(OK)) == said, "the database has other rows")
        check(digests(run("store", "verify", other).expect(OK)) == said, "the database has other rows")
        again = run("store", "restore", file, "--to", other).expect(OK)  # its end was not heard
        check(digests(again)["orders"] == said["orders"], "an earlier run restored something else")
        run("store", "restore", file, "--to", site.store).expect(FAILED, REFUSED).says("holds orders already")
        # And back: what a database holds is what the file held.
        run("store", "backup", other, site.folder / "again").expect(OK)
        check(digests(run("store", "verify", site.folder / "again").expect(OK)) == said, "the way back changed rows")

        home = site.home("distributor")
        (home / "orders.sqlite3").rename(site.folder / "moved.sqlite3")
        for part in home.glob("orders.sqlite3-*"):
            part.unlink()
        run("store", "restore", file, "--to", home / "orders.sqlite3").expect(OK)
        for store in ([], ["--store", other]):
            site.distributor = site.start("distributor", "serve", "--listen", "127.0.0.1:0", "--home", home, *store)
            site.via = f"127.0.0.1:{site.distributor.port}"
            connection = load.connect()
            check(load.request(connection, "GET", "/v1/orders/order-1")[1]["state"] in ("sealed", "confirmed"), "the order is gone")
            check(load.request(connection, "PUT", "/v1/orders/afterwards", {"device": "phone-2", "notAfter": 4_000_000_000})[0] == 201,
                  "no order is taken")
            status, campaign, _ = load.request(connection, "GET", "/v1/campaigns/rollout")
            check(status == 200 and campaign["terms"]["rollout"] == terms["rollout"] and campaign["groups"][0]["held"] == 1, f"{status} {campaign}")
            check(load.request(connection, "GET", "/v1/orders/held")[1]["campaign"] == "rollout", "the order left its campaign")
            # Its cursors stay good: what is new is behind all that was.
            listed = load.request(connection, "GET", "/v1/orders?after=0&limit=1000")[1]
            check({one["order"] for one in listed["attempts"]} == {"order-1"}, f"{listed}")
            if not store:
                site.agent().expect(OK)
                check(site.follow().expect(OK).results[-1]["state"] == "confirmed", "the delivery does not go on")
            connection.close()
            site.distributor.stop()
            run("audit", "verify", store[1] if store else home / "orders.sqlite3", "--key", home / "log.vkey", "--from",
                site.folder / "before" / "checkpoint").expect(OK)
            (home / "log.checkpoint").unlink(missing_ok=True)  # where it had time to sign
        check(site.relay.installs == 1, f"{site.relay.installs} installs")


def what_cannot_be_a_store_is_refused_by_name(bench):
    with bench.site() as site:
        serve = ("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor"), "--store")
        run(*serve, "postgresql://u:secret@127.0.0.1/d").expect(USAGE).says("password", "pgpass")
        run(*serve, "mysql://127.0.0.1/d").expect(USAGE).says("postgresql://")
        run(*serve, "postgresql:///d?host=/nowhere").expect(TRY_AGAIN).says("cannot be reached", "/nowhere")
        run(*serve, site.store.replace("case_", "no_such_")).expect(FAILED).says("does not let this user in")


CASES = (a_delivery_over_two_distributors_installs_once, who_waits_at_one_distributor_hears_of_the_other,
         an_invitation_is_redeemed_once_at_either, limits_and_kept_answers_hold_at_either,
         one_of_two_distributors_is_killed_under_load, distributors_are_restarted_one_after_the_other_under_load,
         the_database_server_is_killed_under_load, readiness_follows_the_database_server, on_a_full_disk_of_the_database_reads_go_on, a_distributor_killed_around_its_commits_loses_nothing,
         a_move_is_whole_or_nothing_and_repeats, a_backup_of_the_database_is_restored_to_either_kind_of_store,
         what_cannot_be_a_store_is_refused_by_name)

if __name__ == "__main__":
    run_cases(__doc__, SharedBench, CASES)
