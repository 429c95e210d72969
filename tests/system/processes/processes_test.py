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
import json
import os
import pathlib
import resource
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))  # process_site, element_relay

from crash_points import SOURCE, crash_points, kill_case, setup_of_a_distributor_survives_kill
from element_faults import count_apdus, forging, killing_the_element, pulling_the_card
from full_disks import (a_damaged_store, a_full_disk_of_the_agent, a_full_disk_of_the_distributor, a_full_disk_of_the_provider,
                        a_store_that_somebody_holds)
from order_lists import (a_list_of_orders_is_ordered_once_however_often, a_list_that_finds_nobody_is_in_the_journal,
                         a_list_for_a_campaign_that_takes_none_orders_nothing, a_list_that_the_certificate_may_not_submit_waits_for_another,
                         a_list_waits_for_the_tenants_limit_and_goes_on, a_list_with_a_mistake_orders_nothing_and_names_its_line,
                         a_list_sends_nothing_that_ended_before_it_went, a_list_with_an_order_that_is_turned_down_fails_however_often,
                         a_run_says_how_many_orders_wait_for_the_limit)
from process_site import (Bench, FAILED, OK, ORDER, REFUSED, SEID, SPID, TRY_AGAIN, USAGE, check, current, messages, options,
                          payload, run)
from raw_request import request
from second_orders import a_second_order_takes_one_visit
from tenants import (a_limited_invitation_makes_a_limited_certificate, a_provider_with_the_role_submit_alone_delivers,
                     an_answer_that_was_lost_comes_again, an_order_over_a_tenants_limit_is_told_so_and_done_later,
                     the_operators_own_people_see_states_and_no_message)
from waiting_programs import (a_policy_that_changes_counts_at_once,
                              a_policy_that_changes_while_the_passphrase_is_asked_for_counts, a_signal_ends_a_wait_at_once,
                              a_waiting_provider_hears_of_news_at_once)

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


def a_device_clock_of_1970(bench):
    with bench.site() as site:
        site.order().expect(OK)
        for expected in ({"enrolled": 1}, {"delivered": 1}):
            said = site.agent(clock="1970-01-02 00:00:00").expect(OK).says("clock is before .* Set the clock")
            check(expected.items() <= said.results[-1].items(), f"not {expected}: {said.out}")
            check(said.err.count("Set the clock") == 1, f"it was not said once: {said.err}")
            site.follow().expect(OK)
        site.confirmed()


def a_device_cannot_touch_the_work_of_another(bench):
    with bench.site("sealed") as site:
        status, text = request(site, "agent-2", "GET", "/v1/devices/self/work")
        check(status == 204 and not text, f"another device is given work: {status} {text}")
        base = f"/v1/orders/{ORDER}/attempts/1"
        for method, path, body in (("GET", f"{base}/enrolment", None), ("GET", f"{base}/receipt", None),
                                   ("GET", f"/v1/orders/{ORDER}", None), ("GET", "/v1/orders", None),
                                   ("PUT", f"/v1/providers/{SPID}{base[3:]}/enrolment", {"answer": "AAAA"}),
                                   ("PUT", f"/v1/providers/{SPID}{base[3:]}/receipt", {"receipt": "AAAA"}),
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


def an_install_without_the_privilege_says_what_to_do(bench):
    with bench.site() as site:
        element = ["--reader", f"tcp:127.0.0.1:{site.element_port}"]
        manager = ["--home", site.home("manager"), *site.passphrase]
        run("manager", "create-domain", *element, "--aid", "F0574C4B0A", *manager).expect(OK)
        run("manager", "install", *element, "--load-file", KDA_LOAD_FILE, "--module", KDA.hex().upper(), "--aid",
            "F0574B4B444101", "--domain", "F0574C4B0A", *manager).expect(FAILED).says("create-domain --installs")


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
        said.says("Make a new order", "Read the element back")
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


def what_the_device_would_see_is_refused_by_name(bench):
    with bench.site(start=False) as site:
        own = {"command": {"header": "80520100", "data": [{"key": {"random": 16}}, {"kcv": True}]}}
        for name, change, mask, said in (
                ("open.json", {"channel": None}, "60", ["80520100", "random key of 16 octets", "not deliverable"]),
                ("answer.json", {}, "20", ["80520100", "required_i_mask 20", "the device would see"]),
                ("good.json", {}, "60", None)):
            text = {key: value for key, value in {**payload(), "actions": [own], **change}.items() if value is not None}
            (site.folder / name).write_text(json.dumps(text))
            site.write_policy(required_i_mask=mask)
            done = site.provider("check", site.folder / name, way=False)
            if said is None:
                done.expect(OK)
            else:
                done.expect(REFUSED).says(*said)


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
        self.died_at = set()  # pairs of owner and crash point

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


def kill(bench, score, owner, point):
    def act():
        if not kill_case(point)(bench, owner, point):
            raise Skipped("not reached in this flow")
        with score.lock:
            score.died_at.add((owner, point))
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
                 happy_path_is_confirmed_and_repeating_changes_nothing, a_second_order_takes_one_visit, an_order_id_with_another_payload_is_refused,
                 a_device_clock_of_1970, a_device_cannot_touch_the_work_of_another, an_invitation_works_once,
                 the_operators_own_people_see_states_and_no_message, a_limited_invitation_makes_a_limited_certificate,
                 an_order_over_a_tenants_limit_is_told_so_and_done_later, an_answer_that_was_lost_comes_again,
                 a_provider_with_the_role_submit_alone_delivers, a_list_of_orders_is_ordered_once_however_often,
                 a_list_with_a_mistake_orders_nothing_and_names_its_line, a_list_waits_for_the_tenants_limit_and_goes_on,
                 a_list_that_finds_nobody_is_in_the_journal, a_list_with_an_order_that_is_turned_down_fails_however_often,
                 a_list_sends_nothing_that_ended_before_it_went, a_run_says_how_many_orders_wait_for_the_limit,
                 a_list_that_the_certificate_may_not_submit_waits_for_another, a_list_for_a_campaign_that_takes_none_orders_nothing,
                 an_answer_of_another_element_is_refused, a_kda_installed_by_the_manager_is_refused, policy_refusals,
                 what_the_device_would_see_is_refused_by_name,
                 a_build_that_the_policy_does_not_name_is_refused, a_literal_key_is_for_one_element,
                 an_install_without_the_privilege_says_what_to_do, a_signal_ends_a_wait_at_once,
                 a_waiting_provider_hears_of_news_at_once, a_policy_that_changes_counts_at_once,
                 a_policy_that_changes_while_the_passphrase_is_asked_for_counts,
                 a_full_disk_of_the_provider, a_full_disk_of_the_distributor, a_full_disk_of_the_agent, a_store_that_somebody_holds, a_damaged_store, nobody_is_there]
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
        setup_only = ("distributor.init.", "distributor.invite.", "distributor.invitation.", "distributor.server_key.", "distributor.log_key.")
        cases += [(f"kill_{owner}_at_{point}", kill(bench, score, owner, point)) for owner, point in crash_points()
                  if not point.startswith(setup_only)]
        cases = [case for case in cases if options.part in case[0]]
        with concurrent.futures.ThreadPoolExecutor(max(2, options.jobs)) as pool:
            list(pool.map(lambda case: score.attempt(*case), cases))
    everything = not options.part
    missed = [f"{point} ({owner})" for owner, point in crash_points()
              if everything and (owner, point) not in score.died_at and not (owner == "distributor" and point in setup_reached)]
    if missed:
        print("FAIL nobody died at: " + ", ".join(missed))
        score.failed += len(missed)
    print(f"killed at {len({point for _, point in score.died_at} | setup_reached)} crash points")
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
