# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: kill -9 of the distributor while it releases and cancels orders of campaigns."""
import json
import time

from process_site import BOUND, KILLED, OK, ORDER, SPID, TRY_AGAIN, check
from raw_request import request


def campaign(site, *arguments):
    return site.provider("campaign", *arguments)


def ask_provider(site, path):
    """Status 0 and no text when the distributor died of it."""
    try:
        return request(site, "provider", "GET", path)
    except OSError:
        return 0, ""


def until(site, name, wanted):
    """Asks for the campaign until it is what it should be; it always comes to that."""
    end = time.monotonic() + BOUND
    while True:
        status, text = ask_provider(site, f"/v1/campaigns/{name}")
        if status == 200 and wanted(json.loads(text)):
            return json.loads(text)
        check(time.monotonic() < end, f"the campaign does not get there: {text}")
        time.sleep(0.2)


def events(site, order):
    """Empty when the distributor died of the question."""
    status, text = ask_provider(site, f"/v1/orders/{order}/history")
    check(status in (0, 200), f"no history: {status} {text}")
    return [event["event"] for event in json.loads(text)["events"]] if status else []


def kill_at_a_campaign(bench, owner, point):
    """One campaign delivers its order, another takes its order back; the distributor dies once on the way."""
    died = 0
    of_provider = f"/v1/providers/{SPID}"
    with bench.site(start=False) as site:
        site.start_distributor(crash=point)
        site.start_element()

        def again_if_killed():
            nonlocal died
            if site.distributor.process.poll() is not None:
                check(site.distributor.done().code == KILLED, "the distributor ended by itself")
                died += 1
                site.start_distributor()
                return True
            return False

        def command(act):
            if act().expect(OK, TRY_AGAIN).code == TRY_AGAIN:
                time.sleep(0.3)
                check(again_if_killed(), "nobody answered")
                act().expect(OK)

        def ask(who, method, path, body=None):
            try:
                status = request(site, who, method, path, body)[0]
            except OSError:
                status = 0
            if status == 0:
                time.sleep(0.3)
                check(again_if_killed(), "nobody answered")
                status = request(site, who, method, path, body)[0]
            check(status == 200, f"{method} {path} by the {who}: {status}")

        command(lambda: campaign(site, "create", "spring", "--per-minute", 60, "--orders", 1))
        command(lambda: site.provider("order", site.folder / "payload.json", "--device", "phone-1", "--id", ORDER,
                                      "--campaign", "spring"))
        end = time.monotonic() + BOUND
        while time.monotonic() < end and not again_if_killed():
            status, text = ask_provider(site, "/v1/campaigns/spring")
            if status == 200 and json.loads(text)["released"] == 1:
                break
            time.sleep(0.2)
        time.sleep(0.2)
        again_if_killed()
        until(site, "spring", lambda one: one["released"] == 1)
        command(lambda: site.provider("history", ORDER))
        command(lambda: campaign(site, "show", "spring"))
        command(lambda: campaign(site, "list"))
        ask("auditor", "GET", f"{of_provider}/orders/{ORDER}/history")
        ask("operator", "GET", f"{of_provider}/campaigns")
        ask("operator", "GET", f"{of_provider}/campaigns/spring")
        ask("operator", "PUT", f"{of_provider}/campaigns/spring/state", {"state": "running", "reason": ""})
        site.finish()
        site.confirmed()
        again_if_killed()
        until(site, "spring", lambda one: one["state"] == "completed" and one["released"] == 1)
        check(events(site, ORDER).count("release") == 1, f"not released once: {events(site, ORDER)}")
        command(lambda: campaign(site, "create", "summer", "--per-minute", 60))
        command(lambda: campaign(site, "pause", "summer"))
        again_if_killed()
        status, text = request(site, "provider", "PUT", "/v1/orders/late",
                               {"device": "phone-1", "notAfter": 4102444800, "campaign": "summer"})
        check(status == 201, f"the order did not join: {status} {text}")
        command(lambda: campaign(site, "cancel", "summer", "--reason", "a mistake"))
        end = time.monotonic() + BOUND
        while time.monotonic() < end and not again_if_killed():
            if "cancel" in events(site, "late"):
                break
            time.sleep(0.2)
        time.sleep(0.2)
        again_if_killed()
        until(site, "summer", lambda one: one["groups"][0]["orders"] == {"cancelled": 1})
        check(events(site, "late") == ["order", "cancel"], f"not cancelled once: {events(site, 'late')}")
        check(until(site, "summer", lambda one: True)["state"] == "cancelling", "half a minute is not over")
        return died > 0
