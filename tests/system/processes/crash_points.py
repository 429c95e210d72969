# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: kill -9 at every KB_CRASH_POINT of the sources, in the roles whose process reaches it."""
import contextlib
import pathlib
import re
import sqlite3
import tempfile
import time

from campaigns import kill_at_a_campaign
from order_lists import kill_at_a_list
from process_site import BOUND, FAILED, KILLED, OK, ORDER, SPID, Service, Site, TRY_AGAIN, check, run
from raw_request import request
from rotations import kill_at_a_renewal, kill_in_a_rotation
from second_orders import kill_at_a_second_order

SOURCE = pathlib.Path(__file__).resolve().parents[3]


# Whose processes reach a crash point, by how its name begins; the longest beginning counts.
OWNERS = {"provider.": ["provider"], "journal.": ["provider"], "agent.": ["agent"], "agent_store.": ["agent"],
          "distributor.": ["distributor"], "net.client.": ["provider", "agent"], "net.server.": ["distributor"],
          "store.migration.": ["provider", "agent", "distributor"], "transport.": ["agent"]}
# Killed by other tests: of a program or a home that no delivery here has.
ELSEWHERE = {"store.whole_file.": "tests/system/operations/backups.py",
             "provider.key_block.": "tests/system/confidential_setup_test.py",
             "provider.kem_key.": "tests/system/kem_keys_test.py"}


def routes_of_the_distributor():
    """Names of its routes by what is done with them: answered in a transaction, read behind it, or told at once."""
    folder = SOURCE / "kagibin/roles/key_distribution_operator"
    names = dict(re.findall(r'Route\{RouteId::(k\w+),[^;]*?"([a-z_]+)"\}', (folder / "routes.cc").read_text()))
    code = (folder / "distributor.cc").read_text()

    def named_in(function):
        body = re.search(rf"^\S[^\n]*\b{function}\(.*?^}}", code, re.MULTILINE | re.DOTALL)
        found = {names[id_] for id_ in re.findall(r"RouteId::(k\w+)", body.group())} if body else set()
        check(found, f"no route was found in {function}")
        return found

    read, at_once = named_in("is_of_the_whole"), named_in("at_once")
    check(len(names) > len(read | at_once), "the names of the distributor's routes were not found in routes.cc")
    return {"commit": set(names.values()) - read - at_once, "read": read}


def names_in_the_sources():
    """Every KB_CRASH_POINT that is compiled in; those of the distributor's routes by the name of each."""
    found, routes = set(), routes_of_the_distributor()
    for path in (SOURCE / "kagibin").rglob("*"):
        if path.suffix not in (".cc", ".h") or path.name.endswith("_test.cc") or path.name == "crash_point.h":
            continue
        text = path.read_text()
        named = re.findall(r'KB_CRASH_POINT\("([^"]+)"\);', text)
        built = re.findall(r'KB_CRASH_POINT\("([^"]+)" \+ [^;]*"\.(\w+)_(\w+)"\);', text)
        check(len(named) + len(built) == text.count("KB_CRASH_POINT("), f"a crash point in {path} is not understood")
        found |= set(named) | {f"{head}{route}.{when}_{what}" for head, when, what in built for route in routes[what]}
    return found


def crash_points():
    """Every crash point of the sources with the roles whose process reaches it. Each is killed here or in another test, and
    each owner, other test and special case is of a crash point that there is."""
    names = names_in_the_sources()
    for heads, what in ((OWNERS, "owner"), (ELSEWHERE, "other test"), (SPECIAL, "case")):
        for head in heads:
            check(any(name.startswith(head) for name in names), f"there is no crash point {head}*, and it has an {what}")
    for route in QUESTIONS:
        check(any(name.startswith(f"distributor.{route}.") for name in names), f"nobody dies of the question {route}")
    out = []
    for name in sorted(names):
        if test := next((test for head, test in ELSEWHERE.items() if name.startswith(head)), None):
            text, (head, _, last) = (SOURCE / test).read_text(), name.rpartition(".")
            check(f'crash="{name}"' in text or (f'crash=f"{head}.' in text and f'"{last}"' in text), f"{test} does not kill at {name}")
            continue
        heads = [head for head in OWNERS if name.startswith(head)]
        check(heads, f"nobody is known to reach the crash point {name}: name its owner in this test")
        out += [(owner, name) for owner in OWNERS[max(heads, key=len)]]
    return out


def kill_at(bench, owner, point):
    """Whether the point was reached."""
    with bench.site(start=False) as site:
        site.start_element()
        if owner == "distributor":
            setup = Service("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor"), crash=point)
            site.services.append(setup)
            with contextlib.suppress(AssertionError):
                site.distributor, site.via = setup, f"127.0.0.1:{setup.port}"
            if setup.code == KILLED:  # dead before it served
                site.start_distributor()
                site.order().expect(OK)
                site.finish()
                site.confirmed()
                return True
        else:
            site.start_distributor()
        died = 0
        ordered = site.order(crash=point if owner == "provider" else None)
        ordered.expect(OK, *([KILLED] if owner == "provider" else [TRY_AGAIN] if owner == "distributor" else []))
        if ordered.code != OK:
            died += ordered.code == KILLED
            if owner == "distributor":
                check(site.distributor.done().code == KILLED, "the distributor ended by itself")
                died += 1
                site.start_distributor()
            site.order().expect(OK)
        ask = QUESTIONS.get(point.split(".")[1]) if owner == "distributor" else None
        if ask:
            ask(site)
            check(site.distributor.done().code == KILLED, "the distributor did not end")
            died += 1
            site.start_distributor()
            check(ask(site)[0] == 200, "the question is not answered afterwards")
        died += site.finish(owner, point)
        site.confirmed()
        return died > 0


def ask_for_a_tile(site):
    """Of entries that were signed: those of the order that stands."""
    end = time.monotonic() + BOUND
    while True:
        status, text = request(site, "auditor", "GET", "/v1/audit/checkpoint")
        size = int(text.splitlines()[1]) if status == 200 else 0
        if status == 0 or size:
            return request(site, "auditor", "GET", f"/v1/audit/tile/entries/000.p/{size}") if size else (status, text)
        check(time.monotonic() < end, f"nothing is signed: {status} {text}")
        time.sleep(0.2)


# Routes that no program asks for by itself.
QUESTIONS = {"metrics": lambda site: request(site, "operator", "GET", "/metrics"),
             "audit_checkpoint": lambda site: request(site, "auditor", "GET", "/v1/audit/checkpoint"),
             "audit_tile": ask_for_a_tile,
             "status": lambda site: request(site, "provider", "GET", f"/v1/orders/{ORDER}"),
             "list_provider": lambda site: request(site, "operator", "GET", f"/v1/providers/{SPID}/orders"),
             "provider_order": lambda site: request(site, "auditor", "GET", f"/v1/providers/{SPID}/orders/{ORDER}"),
             "roots": lambda site: request(site, "agent", "GET", "/v1/transport/roots"),
             "submission": lambda site: request(site, "provider", "POST", "/v1/orders", {"orders": [
                 {"order": "refused", "device": "phone-1", "notAfter": 4102444800, "request": "4AD/"}]})}


def kill_at_a_withdrawal(bench, owner, point):
    """Nobody fetched the order yet: taking it back is one request to the distributor, which dies of it."""
    with bench.site(start=False) as site:
        site.start_distributor(crash=point)
        site.start_element()
        site.order().expect(OK)
        site.provider("cancel", ORDER).expect(TRY_AGAIN).says("again")
        check(site.distributor.done().code == KILLED, f"the distributor did not end as {owner}")
        site.start_distributor()
        site.provider("cancel", ORDER).expect(OK)
        check(site.agent().expect(OK).results[0]["apdus"] == 0, "a cancelled order went to the element")
        check(site.show()[ORDER]["state"] == "cancelled", f"not cancelled: {site.show()}")
        check('"cancelled"' in request(site, "provider", "GET", f"/v1/orders/{ORDER}")[1], "the distributor keeps the order")
        site.check_keys(new=False)
        return True


def kill_at_a_first_start(bench, owner, point):
    """Of a home that is new, and so is its store."""
    if owner == "agent":
        return kill_at(bench, owner, point)
    with bench.site(start=False) as site:
        home = ["--home", site.folder / "new"]
        line = ["init", "--spid", SPID, *home, *site.passphrase]
        if owner == "distributor":
            run("distributor", "init", *home).expect(OK)
            line = ["invite", "--device", "phone-1", "--server", "127.0.0.1:1", "--out", site.folder / "new.invitation", *home]
        died = run(owner, *line, crash=point).expect(OK, KILLED).code == KILLED
        again = run(owner, *line).expect(OK, *([FAILED] if owner == "provider" else []))
        if owner == "provider":
            if again.code == FAILED:  # it died of a provider that was whole
                check(not died or point.endswith(".after_name"), f"half a provider stands in the way: {again.err}")
                again.says("holds a service provider already", "left as it is")
            run("provider", "show", *home, *site.passphrase).expect(OK)
            left = sorted(path.name for path in (site.folder / "new").iterdir())
            check([name for name in left if not name.startswith("journal.")] == ["exchange.pem", "keys", "request.kbq"], f"the new home: {left}")
        return died


def kill_at_the_end_of_an_old_job(bench, owner, point):
    """The agent keeps what it did for 90 days, and dies while it forgets it."""
    with bench.site("sealed") as site:
        site.finish()
        with contextlib.closing(sqlite3.connect(site.home(owner) / "agent.sqlite3")) as jobs:
            jobs.execute("UPDATE jobs SET updated_at = 1")
            jobs.commit()
        site.agent(crash=point).expect(KILLED)
        check(site.agent().expect(OK).results[0]["apdus"] == 0, "an old job went to the element again")
        with contextlib.closing(sqlite3.connect(site.home(owner) / "agent.sqlite3")) as jobs:
            left = jobs.execute("SELECT count(*) FROM jobs").fetchone()[0]
        check(left == 0, f"{left} old jobs are kept")
        site.confirmed()
        return True


SPECIAL = {"store.migration.": kill_at_a_first_start, "provider.init.": kill_at_a_first_start, "distributor.withdrawal.": kill_at_a_withdrawal, "agent_store.remove.": kill_at_the_end_of_an_old_job,
           "distributor.rotation.": kill_in_a_rotation, "distributor.renewal.": kill_at_a_renewal, "distributor.release.": kill_at_a_campaign, "distributor.cancel.": kill_at_a_campaign,
           "distributor.campaign": kill_at_a_campaign, "distributor.provider_campaign": kill_at_a_campaign,
           "distributor.history.": kill_at_a_campaign, "distributor.provider_history.": kill_at_a_campaign, "transport.": kill_in_a_rotation,
           "provider.submission.": kill_at_a_list, "journal.batch.": kill_at_a_list,
           "provider.announced.": kill_at_a_second_order, "provider.at_once.": kill_at_a_second_order}


def kill_case(point):
    """What to do for this crash point: a function of bench, owner and point that says whether it was reached."""
    return next((special for prefix, special in SPECIAL.items() if point.startswith(prefix)), kill_at)


def setup_of_a_distributor_survives_kill(bench):
    points = [name for owner, name in crash_points() if owner == "distributor" and
              name.startswith(("distributor.init.", "distributor.invite.", "distributor.invitation.", "distributor.server_key.",
                               "distributor.log_key.", "store."))]
    reached = set()
    for point in points:
        with tempfile.TemporaryDirectory(dir=bench.folder) as name:
            home = pathlib.Path(name) / "distributor"
            lines = [["init"], ["invite", "--device", "phone-1", "--server", "127.0.0.1:1", "--out", home / "invitation"],
                     ["renew-server"]]
            for line in lines:
                first = run("distributor", *line, "--home", home, crash=point).expect(OK, KILLED)
                if first.code == KILLED:
                    reached.add(point)
                    again = run("distributor", *line, "--home", home).expect(OK, FAILED)
                    if again.code == FAILED:
                        again.says("has a transport CA already", "complete")
            with Site(name, start=False) as site:
                site.start_distributor(crash=point if ".invitation." in point else None)
                join = ["join", home / "invitation", "--home", site.home("agent"), "--via"]
                if ".invitation." in point:
                    run("agent", *join, site.via).expect(TRY_AGAIN)
                    check(site.distributor.done().code == KILLED, "the distributor ended by itself")
                    reached.add(point)
                    site.start_distributor()
                run("agent", *join, site.via, crash="net.client.after_send").expect(KILLED)
                run("agent", *join, site.via).expect(OK)
    check(reached, "no point was reached")
    return f"{len(reached)} points; not reached: {sorted(set(points) - reached)}", reached
