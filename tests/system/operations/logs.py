# SPDX-License-Identifier: Apache-2.0
"""Cases of operations_test.py: what a distributor writes on standard error."""
import base64
import json
import os
import re
import signal
import sqlite3
import subprocess

from process_site import BOUND, OK, ORDER, SPID, check, command, environment, run
from raw_request import request

SERVE = ("serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "debug", "--log-access")


def forms(octets):
    """As somebody may write it: raw, hexadecimal in both cases, base64 in three alignments."""
    whole = [base64.b64encode(b"\0" * shift + octets).decode()[(shift * 8 + 5) // 6:] for shift in range(3)]
    return [octets.decode("latin-1"), octets.hex(), octets.hex().upper(), *[text.rstrip("=")[:-1] for text in whole]]


def secrets(site):
    """What must never be in a log, by name: relayed messages, keys, tokens, passphrases."""
    found = {}
    with sqlite3.connect(site.home("distributor") / "orders.sqlite3") as file:
        for order, *columns in file.execute("SELECT order_id, opening, answer, envelope FROM attempts"):
            for number, octets in enumerate(columns):
                if octets:
                    found[f"message {number} of {order}"] = octets[16:48]
        for order, receipt in file.execute("SELECT order_id, receipt FROM receipts"):
            found[f"receipt of {order}"] = receipt[16:48]
        for token, certificate in file.execute("SELECT token_hash, certificate FROM invitations"):
            found[f"hash of a token {token.hex()[:4]}"] = token
            if certificate:
                found[f"certificate of {token.hex()[:4]}"] = certificate.splitlines()[2].encode()
    for path in site.folder.rglob("*.pem"):
        lines = path.read_text().splitlines()
        if "PRIVATE" in lines[0]:
            found[str(path)] = lines[1].encode()
            found[f"{path}, decoded"] = base64.b64decode("".join(lines[1:-1]))[-40:]
    found["passphrase"] = (site.folder / "passphrase").read_bytes().strip()
    for path in site.folder.glob("*.invitation"):
        found[str(path)] = path.read_bytes()[-200:-168]
    return found


def what_happens_is_logged_once_and_no_secret_is(bench):
    with bench.site(start=False) as site:
        site.distributor = site.start("distributor", *SERVE, "--home", site.home("distributor"))
        site.via = f"127.0.0.1:{site.distributor.port}"
        site.start_element()
        site.order().expect(OK)
        site.finish()
        site.confirmed()
        run("agent", "join", site.folder / "phone-3.invitation", "--via", site.via, "--home", site.home("third")).expect(OK)
        for path in ("/v1/orders/no%0Asuch", "/v1/orders/" + "x" * 255, "/v1/orders/a\tb", "/nothing?order=" + ORDER, "/v1/orders/..",
                     "/v1/orders/\x1b[2J"):
            check(request(site, "provider", "GET", path)[0] in (400, 404), f"{path!r} is answered")
        site.distributor.process.send_signal(signal.SIGTERM)
        done = site.distributor.done().expect(OK)
        lines = done.err.splitlines()
        events = [json.loads(line) for line in lines]  # every line is one object
        for event in events:
            check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]), f"{event}")
        named = [event["event"] for event in events]
        for once in ("start", "drain", "stop"):
            check(named.count(once) == 1, f"{once}: {named.count(once)} times")
        check(named[0] == "start" and named[-1] == "stop", f"{named[0]} to {named[-1]}")
        access = [event for event in events if event["event"] == "access"]
        seen = {(event["subject"], event["route"]) for event in access}
        for expected in (("provider", "order"), ("device", "enrolment"), ("provider", "delivery"), ("device", "receipt"),
                         ("provider", "verdict"), ("device", "work"), ("invitation", "invitation"), ("provider", "none")):
            check(expected in seen, f"{expected} is not in {sorted(seen)}")
        check(any(event.get("order") == ORDER for event in access), "at debug, orders have names")
        check(all(event.get("order", ORDER) == ORDER or re.fullmatch(r"[A-Za-z0-9._-]{1,64}", event["order"]) for event in access), "a name that is none")
        text = done.err + done.out
        for name, octets in secrets(site).items():
            for form in forms(octets):
                check(form not in text, f"{name} is in the log")
        check(SPID not in text and "phone-" not in text, "somebody's name is in the log")
        # The same search finds what is there: it is no search for nothing.
        check(any(form in f"...{base64.b64encode(b'0123456789abcdef' * 3).decode()}..." for form in forms(b"abcdef0123456789")), "it finds nothing")

        # At info there is no order's name; without --log-access there is no line for an answer; text has one line an event.
        for more, expected in ((("--log-access",), True), ((), False)):
            quiet = site.start("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor"), *more)
            site.via = f"127.0.0.1:{quiet.port}"
            check(request(site, "provider", "GET", f"/v1/orders/{ORDER}")[0] == 200, "the order is not there")
            quiet.process.send_signal(signal.SIGTERM)
            err = quiet.done().expect(OK).err
            check(("route=status status=200" in err) == expected and ORDER not in err, err)
            check(all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (info|warning) [a-z_]+( |$)", line) for line in err.splitlines()), err)


def a_log_that_nobody_reads_ends_nothing(bench):
    with bench.site(start=False) as site:
        process = subprocess.Popen(command("distributor", [*SERVE, "--home", site.home("distributor")]), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        try:
            site.via = f"127.0.0.1:{json.loads(process.stdout.readline())['port']}"
            process.stderr.close()
            for _ in range(3):
                check(request(site, "agent", "GET", "/readyz", certificate=False)[0] == 200, "it does not answer")
            check(process.poll() is None, f"it ended: {process.returncode}")
            process.send_signal(signal.SIGTERM)
            check(process.wait(BOUND) == OK, f"exit code {process.returncode}")
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.stdout.close()
