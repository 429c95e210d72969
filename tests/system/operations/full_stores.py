# SPDX-License-Identifier: Apache-2.0
"""Cases of operations_test.py: a distributor whose disk is full."""
import contextlib
import json
import sqlite3
import time

from process_site import BOUND, OK, ORDER, check, run
from raw_request import request

LIMIT = 600_000  # octets that any of its files may have


def reads_go_on_while_a_full_disk_refuses_writes(bench):
    """promises, store: a full disk neither loses an entry nor freezes reads. Nobody does anything at the distributor."""
    with bench.site() as site:
        site.seal()
        site.distributor.stop()
        site.start_distributor(file_limit=LIMIT)
        body = {"device": "phone-2", "notAfter": 4_000_000_000}
        acknowledged = []

        def put():
            name = f"load-{len(acknowledged)}"
            status, text = request(site, "provider", "PUT", f"/v1/orders/{name}", body)
            check(status in (201, 507), f"{name}: {status} {text}")
            if status == 201:
                acknowledged.append(name)
            else:
                problem = json.loads(text)
                check(problem["status"] == 507 and "nothing was" in problem["detail"], f"{problem}")
            return status

        end = time.monotonic() + 4 * BOUND
        while put() == 201:
            check(time.monotonic() < end, f"{len(acknowledged)} orders, and the disk is not full")
        for _ in range(3):
            for who, path in (("provider", f"/v1/orders/{ORDER}"), ("provider", "/v1/orders?after=0"), ("provider", "/v1/orders/load-0"),
                              ("provider", f"/v1/orders/{ORDER}/attempts/1/enrolment"), ("agent", "/v1/transport/roots"),
                              ("agent", "/readyz"), ("agent", "/healthz")):
                check(request(site, who, "GET", path)[0] == 200, f"GET {path} is not answered")
            check(request(site, "agent-2", "GET", "/v1/devices/self/work")[0] == 204, "who has no work is not told so")
            check(request(site, "agent", "GET", "/v1/devices/self/work")[0] in (200, 507), "work is neither handed over nor refused")
            check(put() == 507, "the disk is full no more")
            time.sleep(1.1)  # a tick, which finds the disk full, too
        copy = site.folder / "copy"
        run("audit", "verify", site.log(), "--key", site.home("distributor") / "log.vkey").expect(OK)
        run("audit", "export", site.log(), copy).expect(OK)
        site.distributor.process.terminate()
        done = site.distributor.done().expect(OK)
        check('commits_failed code=no_space' in done.err and "refused status=507" in done.err, done.err)

        # With room again: the deliveries go on, and the log has what was acknowledged, once.
        site.start_distributor()
        check(put() == 201, "no order is taken")
        site.agent().expect(OK)
        check(site.follow().expect(OK).results[-1]["state"] == "confirmed", "the delivery does not go on")
        check(site.relay.installs == 1, f"{site.relay.installs} installs")
        end = time.monotonic() + BOUND
        while run("store", "verify", site.log()).expect(OK).results[-1]["withoutPlace"]:
            check(time.monotonic() < end, "entries wait for their place for ever")
            time.sleep(0.2)
        with contextlib.closing(sqlite3.connect(f"file:{site.log()}?mode=ro", uri=True)) as file:
            made = [row[0].decode().split() for row in file.execute("SELECT entry FROM audit_entries")]
        names = sorted(entry[4] for entry in made if entry[2] == "order" and entry[4].startswith("load-"))
        check(names == sorted(acknowledged), f"{len(names)} orders in the log, {len(acknowledged)} acknowledged")
        run("audit", "verify", site.log(), "--key", site.home("distributor") / "log.vkey", "--from", copy / "checkpoint").expect(OK)
