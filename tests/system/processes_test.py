#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whole deliveries between real processes on loopback, and their bad days: kill -9 at every crash point, cards pulled out,
answers forged, disks full, people who order what they may not.

  processes_test.py [FOLDER OF PROGRAMS] [-v] [-k PART OF A NAME] [--jobs N]

Everybody is enrolled once; each case works on a copy of the folders. The agent reaches the element through a small relay
that counts APDUs and does the harm. Invariants of every case that ends in `confirmed`: exactly one key-bearing command
was answered 9000, the domain has the new key set and not the old one, no order is left open, and all of it in bounded time.
-v prints every message that a program gave with an exit code other than 0. Standard library only.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import resource
import socket
import ssl
import sys
import tempfile
import threading
import time
import traceback

from process_site import (Bench, Cut, FAILED, KILLED, OK, ORDER, REFUSED, SEID, Service, Site, TRY_AGAIN, USAGE, check, current,
                          is_put_key, messages, options, payload, run)

SOURCE = pathlib.Path(__file__).resolve().parents[2]
KDA = bytes.fromhex("F04B41474942494E01")
KDA_LOAD_FILE = "F04B41474942494E"


class Skipped(Exception):
    pass


# ---- cases ----------------------------------------------------------------------------------------------------------

def happy_path_is_confirmed_and_repeating_changes_nothing(bench):
    with bench.site() as site:
        carrier = site.start("carrier", "run", "--listen", "127.0.0.1:0", "--to", site.via, "--capture",
                             site.folder / "capture")
        site.via = f"127.0.0.1:{carrier.port}"
        site.provider("check", site.folder / "payload.json", way=False).expect(OK)
        first, again = site.order().expect(OK).results, site.order().expect(OK).results
        check(first[0]["seq"] == again[0]["seq"] == 1, f"the order twice: {first}, {again}")
        site.finish()
        site.confirmed()
        for _ in range(2):  # everything again
            site.order().expect(OK)
            check(site.agent().expect(OK).results[0]["apdus"] == 0, "the agent went to the element again")
            site.provider_run().expect(OK)
            site.confirmed()
        check((site.folder / "capture").stat().st_size > 1000, "the carrier captured nothing")


def an_order_id_with_another_payload_is_refused(bench):
    with bench.site() as site:
        site.order().expect(OK)
        (site.folder / "other.json").write_text(json.dumps(payload([{"random": 16}] * 3)))
        site.order(file="other.json").expect(FAILED, USAGE, REFUSED).says("order-1|id")
        site.finish()
        site.confirmed()


def crash_points():
    """Every KB_CRASH_POINT of the sources with the roles whose process reaches it."""
    literal, built = set(), set()
    for path in (SOURCE / "kagibin").rglob("*.cc"):
        if path.name.endswith("_test.cc"):
            continue
        for match in re.finditer(r'KB_CRASH_POINT\((?:std::string\()?"([^"]+)"([^;]*)\);', path.read_text()):
            (built if "+" in match.group(2) else literal).add(match.group(1) + (
                "*" + re.search(r'"(\.[^"]+)"', match.group(2)).group(1) if "+" in match.group(2) else ""))
    table = (SOURCE / "kagibin/roles/key_distribution_operator/routes.cc").read_text()
    routes = re.findall(r'Route\{RouteId::k\w+,[^;]*?"([a-z_]+)"\}', table)
    check(routes or not built, "the names of the distributor's routes were not found in routes.cc")
    for name in built:
        literal |= {name.replace("*", route) for route in routes}
    owners = {"provider": ["provider"], "journal": ["provider"], "agent": ["agent"], "agent_store": ["agent"],
              "distributor": ["distributor"], "net.client": ["provider", "agent"], "net.server": ["distributor"],
              "store": ["provider", "agent", "distributor"]}
    out = []
    for name in sorted(literal):
        parts = name.split(".")
        found = owners.get(".".join(parts[:2])) or owners.get(parts[0])
        check(found, f"nobody is known to reach the crash point {name}: name its owner in this test")
        out += [(owner, name) for owner in found]
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
        died += site.finish(owner, point)
        site.confirmed()
        return died > 0


def killing_the_element(bench, number, when):
    with bench.site("sealed") as site:
        site.relay.apdus = 0

        def kill(n, _):
            if n == number:
                site.se.process.kill()
                site.se.process.wait()

        def before(n, apdu):
            kill(n, when == "before")
            return apdu

        def after(n, _, answer):
            kill(n, True)
            return answer

        if when == "before":
            site.relay.before_send = before
        else:
            site.relay.after_answer = after
        first = site.agent().expect(OK, TRY_AGAIN)
        if first.code == TRY_AGAIN:
            first.says("card|element", "run it again")
        reached = site.se.code is not None
        site.finish("se")
        site.confirmed()
        return reached


def pulling_the_card(bench, stage, number, when, last):
    with bench.site(stage) as site:
        if stage == "base":
            site.order().expect(OK)
        site.relay.apdus = 0
        hit = []

        def cut(n):
            if n == number and not hit:
                hit.append(n)
                raise Cut

        def before(n, apdu):
            cut(n)
            return apdu

        def after(n, _, answer):
            cut(n)
            return answer

        if when == "before":
            site.relay.before_send = before
        else:
            site.relay.after_answer = after
        first = site.agent()
        check(hit, "so many APDUs did not pass")
        if number <= last - CLOSING:
            first.expect(TRY_AGAIN).says("card", "run it again")
        else:
            first.expect(OK)
        site.finish()
        site.confirmed()


def forging(bench, status_word):
    with bench.site("sealed") as site:
        forged = []

        def after(_, apdu, answer):
            if is_put_key(apdu) and answer[-2:] == b"\x90\x00" and not forged:
                forged.append(apdu)
                return bytes.fromhex(status_word)
            return answer

        site.relay.after_answer = after
        site.finish()
        check(forged, "no PUT KEY passed")
        site.confirmed()


CLOSING = 2  # the last APDUs of a run close two channels: nothing is lost with them


def count_apdus(bench, stage):
    with bench.site(stage) as site:
        if stage == "base":
            site.order().expect(OK)
        site.relay.apdus = 0
        site.agent().expect(OK)
        return site.relay.apdus


def setup_of_a_distributor_survives_kill(bench):
    points = [name for owner, name in crash_points() if owner == "distributor" and
              name.startswith(("distributor.init.", "distributor.invite.", "distributor.server_key.", "store."))]
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


def a_device_clock_of_1970(bench):
    raise Skipped("the agent takes its clock from the system, and libfaketime is not installed (unit tests: device_time)")


def transport(site, home):
    context = ssl.create_default_context(cafile=str(site.home(home) / "transport.ca.pem"))
    context.load_cert_chain(site.home(home) / "transport.cert.pem", site.home(home) / "transport.key.pem")
    return context


def request(site, home, method, path, body=None):
    """What the distributor answers to somebody who writes HTTP by himself."""
    host, port = site.via.split(":")
    octets = json.dumps(body).encode() if body is not None else b""
    with socket.create_connection((host, int(port)), 10) as tcp, \
            transport(site, home).wrap_socket(tcp, server_hostname="127.0.0.1") as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(octets)}\r\n\r\n".encode() + octets)
        answer = b""
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            while part := connection.recv(65536):
                answer += part
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), text.decode()


def a_device_cannot_touch_the_work_of_another(bench):
    with bench.site("sealed") as site:
        status, text = request(site, "agent-2", "GET", "/v1/devices/self/work")
        check(status == 204 and not text, f"another device is given work: {status} {text}")
        base = f"/v1/orders/{ORDER}/attempts/1"
        for method, path, body in (("GET", f"{base}/enrolment", None), ("GET", f"{base}/receipt", None),
                                   ("GET", f"/v1/orders/{ORDER}", None), ("GET", "/v1/orders", None),
                                   ("PUT", f"{base}/enrolment", {"answer": "AAAA"}),
                                   ("PUT", f"{base}/receipt", {"receipt": "AAAA"}),
                                   ("PUT", f"{base}/verdict", {"verdict": "confirmed", "reason": "I say so"})):
            status, text = request(site, "agent-2", method, path, body)
            check(status in (400, 403, 404), f"{method} {path} by another device: {status} {text}")
            check("message" in text or "detail" in text or "title" in text, f"{status} without a word: {text}")
        check(site.agent(home="agent-2").expect(OK).results[0]["apdus"] == 0, "another device went to the element")
        site.finish()
        site.confirmed()


def an_invitation_works_once(bench):
    with bench.site() as site:
        invitation = site.folder / "phone-3.invitation"
        run("agent", "join", invitation, "--via", site.via, "--home", site.home("first")).expect(OK)
        (site.home("first") / "transport.cert.pem").unlink()  # the answer was lost: the same key is given the same
        run("agent", "join", invitation, "--via", site.via, "--home", site.home("first")).expect(OK)
        thief = run("agent", "join", invitation, "--via", site.via, "--home", site.home("second"))
        thief.expect(FAILED, REFUSED).says("invitation")
        check(not (site.home("second") / "transport.cert.pem").exists(), "the thief has a certificate")


def an_answer_of_another_element_is_refused(bench):
    with bench.site() as site:
        site.write_policy(elements=[{"device": "phone-1", "seid": SEID[2]}])
        site.order().expect(OK)
        site.agent().expect(OK)
        said = site.provider_run().expect(FAILED)  # the run is done, and not confirmed
        said.says("element|SEID")
        check(site.show()[ORDER]["state"] == "refused", f"not refused: {site.show()}")
        messages.setdefault(said.out.strip(), ("another element", said.code, "provider run", said.out.strip()))
        check(site.agent().expect(OK).results[0]["delivered"] == 0, "something was delivered")
        site.check_keys(new=False)


def a_kda_installed_by_the_manager_is_refused(bench):
    other = bytes.fromhex("F0574C4B4B444101")
    with bench.site() as site:
        element = ["--reader", f"tcp:127.0.0.1:{site.element_port}"]
        manager = ["--home", site.home("manager"), *site.passphrase]
        run("manager", "create-domain", *element, "--installs", "--aid", "F0574C4B0A", *manager).expect(OK)
        run("manager", "install", *element, "--load-file", KDA_LOAD_FILE, "--module", KDA.hex().upper(), "--aid",
            other.hex().upper(), "--domain", "F0574C4B0A", *manager).expect(OK)

        def to_the_other(_, apdu):
            return apdu.replace(bytes([len(KDA)]) + KDA, bytes([len(other)]) + other) if apdu[1] == 0xA4 else apdu

        site.relay.before_send = to_the_other
        site.order().expect(OK)
        refused = site.agent().expect(OK)
        refused.says("never certified by its maker", "nothing was changed", "use an element")
        messages.setdefault(refused.err.strip(), ("manager's KDA", refused.code, "agent run", refused.err.strip()))
        check(refused.results[0]["enrolled"] == 0, "it enrolled")
        site.relay.before_send = lambda n, apdu: apdu  # the maker's own is not disturbed by it
        site.finish()
        site.confirmed()


def an_expired_order_installs_nothing(bench):
    with bench.site() as site:
        site.order(id_="early", validity=1).expect(OK)
        site.order(id_="late", device="phone-2", validity=1).expect(OK)
        begin = time.monotonic()
        site.agent().expect(OK)
        check(site.provider_run().results[0]["state"] == "sealed", "not sealed")
        time.sleep(max(0.0, 66 - (time.monotonic() - begin)))
        after = site.agent().expect(OK)
        check(after.results[0]["delivered"] == 0, "an expired envelope was delivered")
        said = site.provider_run(timeout=30).expect(FAILED)  # nothing is open any more: the run ends by itself
        messages.setdefault(said.out.strip(), ("expired", said.code, "provider run", said.out.strip()))
        shown = {id_: order["state"] for id_, order in site.show().items()}
        check(shown == {"early": "unknown", "late": "expired"}, f"the states are {shown}: {said.out}")
        site.check_keys(new=False)
        check(site.relay.installs == 0, "something was installed")


def policy_refusals(bench):
    with bench.site(start=False) as site:
        original = (site.home("provider") / "policy.json").read_text()
        for changes, pattern in (({"accept_rl1": None}, "accept_rl1"), ({"issuer_is_carrier": True}, "issuer_is_carrier"),
                                 ({"minimum_level": "RL2", "accept_rl1": None}, "RL2|RL1")):
            site.write_policy(**changes)
            site.provider("check", site.folder / "payload.json", way=False).expect(USAGE, REFUSED).says(pattern)
            (site.home("provider") / "policy.json").write_text(original)


def a_build_that_the_policy_does_not_name_is_refused(bench):
    with bench.site() as site:
        site.write_policy(kda_code_hashes=["00" * 32])
        site.order().expect(OK)
        site.agent().expect(OK)
        said = site.provider_run().expect(FAILED).says("code hash|kda_code_hashes|build")
        messages.setdefault(said.out.strip(), ("wrong code hash", said.code, "provider run", said.out.strip()))
        check(site.show()[ORDER]["state"] == "refused", f"not refused: {site.show()}")
        site.check_keys(new=False)


def a_literal_key_is_for_one_element(bench):
    with bench.site() as site:
        (site.folder / "key.hex").write_text("00112233445566778899AABBCCDDEEFF\n")
        site.provider("literal-key", "one", "--file", site.folder / "key.hex", way=False).expect(OK)
        (site.folder / "literal.json").write_text(json.dumps(payload([{"literal": "one"}] * 3)))
        both = site.provider("order", site.folder / "literal.json", "--device", "phone-1", "--device", "phone-2")
        both.expect(FAILED, REFUSED).says("literal", "one")
        check(not site.show(), f"something was ordered: {site.show()}")
        site.order(file="literal.json").expect(OK)
        site.finish()
        site.order(id_="second", file="literal.json", device="phone-2").expect(FAILED, REFUSED).says("literal|element")
        site.confirmed()


FULL = (2048, 32768)  # no room to open the store; room for a few commits


def a_full_disk_of_the_provider(bench):
    with bench.site() as site:
        site.order(file_limit=FULL[0]).expect(TRY_AGAIN).says("store", "room", "again")
        site.order(file_limit=FULL[1]).expect(OK, TRY_AGAIN)
        site.order().expect(OK)
        site.agent().expect(OK)
        for limit in FULL:
            site.provider_run(file_limit=limit).expect(TRY_AGAIN)
        site.finish()
        site.confirmed()


def a_full_disk_of_the_distributor(bench):
    with bench.site(start=False) as site:
        site.start_element()
        refused = Service("distributor", "serve", "--listen", "127.0.0.1:0", "--home", site.home("distributor"),
                          file_limit=FULL[0])
        refused.done().expect(TRY_AGAIN).says("store", "start it again")
        site.start_distributor(file_limit=FULL[1])
        said = []
        for step in (site.order, site.order, site.agent, site.follow, site.agent, site.follow):
            said.append(step().expect(OK, TRY_AGAIN))
        check(any(done.code == TRY_AGAIN for done in said) or any("disk" in done.err for done in said),
              "the distributor never ran out of room")
        site.distributor.stop()
        site.start_distributor()
        site.order().expect(OK)
        site.finish()
        site.confirmed()


def a_full_disk_of_the_agent(bench):
    with bench.site() as site:
        site.order().expect(OK)
        site.agent(file_limit=FULL[0]).expect(TRY_AGAIN).says("store|database|disk|space", "again")
        site.agent(file_limit=FULL[1]).expect(OK, TRY_AGAIN)
        site.finish()
        site.confirmed()


def nobody_is_there(bench):
    with bench.site() as site:
        site.order().expect(OK)
        site.se.stop()
        site.agent().expect(TRY_AGAIN).says("card", "again")
        site.start_element()
        site.distributor.stop()
        site.agent().expect(TRY_AGAIN).says("again")
        site.provider("run", "--timeout", "1").expect(TRY_AGAIN).says("again")
        site.start_distributor()
        site.finish()
        site.confirmed()


# ---- running them ---------------------------------------------------------------------------------------------------

class Score:
    def __init__(self):
        self.passed, self.failed, self.lock = 0, 0, threading.Lock()
        self.not_reached = []

    def attempt(self, name, act):
        """act() answers None, or a sentence for the line."""
        current.case = name
        begin = time.monotonic()
        try:
            note, mark = act() or "", "ok"
        except Skipped as skipped:
            note, mark = str(skipped), "SKIP"
        except Exception as error:  # noqa: BLE001 - whatever it is, the case failed
            note, mark = f"{error}" if isinstance(error, AssertionError) else traceback.format_exc(), "FAIL"
        with self.lock:
            self.passed += mark == "ok"
            self.failed += mark == "FAIL"
            print(f"{mark:4} {name} [{time.monotonic() - begin:.1f} s]{': ' if note else ''}{note}", flush=True)


def kill_case(bench, score, owner, point):
    def act():
        if not kill_at(bench, owner, point):
            with score.lock:
                score.not_reached.append(f"{point} ({owner})")
            raise Skipped("not reached in this flow")
    return act


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", nargs="?", default=str(SOURCE / "build/dev/bin"))
    parser.add_argument("-v", dest="verbose", action="store_true", help="print every message of a failure")
    parser.add_argument("-k", dest="part", default="", help="only cases whose name has this in it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.parse_args(namespace=options)
    options.bin = pathlib.Path(options.bin).resolve()
    score = Score()
    begin = time.monotonic()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # kill -9 does not need a disk that survives it
    with tempfile.TemporaryDirectory(prefix="kagibin-processes-", dir=memory) as name:
        bench = Bench(pathlib.Path(name))
        bench.prepare()
        print(f"everybody is enrolled [{time.monotonic() - begin:.1f} s]", flush=True)
        enrolment, delivery = count_apdus(bench, "base"), count_apdus(bench, "sealed")
        setup_reached = set()

        def setup():
            note, reached = setup_of_a_distributor_survives_kill(bench)
            setup_reached.update(reached)
            return note

        plain = [an_expired_order_installs_nothing,  # first: it waits for a minute
                 happy_path_is_confirmed_and_repeating_changes_nothing, an_order_id_with_another_payload_is_refused,
                 a_device_clock_of_1970, a_device_cannot_touch_the_work_of_another, an_invitation_works_once,
                 an_answer_of_another_element_is_refused, a_kda_installed_by_the_manager_is_refused, policy_refusals,
                 a_build_that_the_policy_does_not_name_is_refused, a_literal_key_is_for_one_element,
                 a_full_disk_of_the_provider, a_full_disk_of_the_distributor, a_full_disk_of_the_agent, nobody_is_there]
        cases = [(case.__name__, lambda case=case: case(bench)) for case in plain]
        cases.append(("setup_of_a_distributor_survives_kill", setup))
        cases += [(f"forged_{sw}_is_proved_by_a_probe", lambda sw=sw: forging(bench, sw)) for sw in ("6A80", "6985", "6F00")]
        for when in ("before", "after"):
            cases += [(f"card_pulled_{when}_apdu_{n}_of_the_delivery",
                       lambda n=n, when=when: pulling_the_card(bench, "sealed", n, when, delivery))
                      for n in range(1, delivery + 1)]
            cases += [(f"element_killed_{when}_apdu_{n}_of_the_delivery",
                       lambda n=n, when=when: check(killing_the_element(bench, n, when), "it was not killed"))
                      for n in range(1, delivery + 1, 2 if when == "before" else 1)]
        cases += [(f"card_pulled_after_apdu_{n}_of_the_enrolment",
                   lambda n=n: pulling_the_card(bench, "base", n, "after", enrolment)) for n in range(1, enrolment + 1)]
        setup_only = ("distributor.init.", "distributor.invite.", "distributor.invitation.", "distributor.server_key.")
        cases += [(f"kill_{owner}_at_{point}", kill_case(bench, score, owner, point)) for owner, point in crash_points()
                  if not point.startswith(setup_only)]
        cases = [case for case in cases if options.part in case[0]]
        with concurrent.futures.ThreadPoolExecutor(max(2, options.jobs)) as pool:
            list(pool.map(lambda case: score.attempt(*case), cases))
    if score.not_reached:
        missed = [point for point in score.not_reached
                  if not (point.endswith("(distributor)") and point.split()[0] in setup_reached)]
        print("not reached by any case: " + (", ".join(missed) or "none"))
    if options.verbose:
        print("\nWhat the programs said:")
        for case, code, what, said in messages.values():
            print(f"- {case} ({what}, exit code {code}):\n    " + said.replace("\n", "\n    "))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - begin:.0f} s, of which the programs computed {used.ru_utime + used.ru_stime:.0f} s")
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
