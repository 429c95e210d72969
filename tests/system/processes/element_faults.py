# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: what happens between the agent and the element. Cards pulled out at every APDU, the element
killed, its answers forged."""
from element_relay import Cut, is_put_key
from process_site import OK, TRY_AGAIN, check

CLOSING = 2  # the last APDUs of a run close two channels: nothing is lost with them


def count_apdus(bench, stage):
    with bench.site(stage) as site:
        if stage == "base":
            site.order().expect(OK)
        site.relay.apdus = 0
        site.agent().expect(OK)
        return site.relay.apdus


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
