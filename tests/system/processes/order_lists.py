# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: kagibin provider order --list, refused, limited, cut off, killed, and gone on with."""
import json
import signal
import time

from process_site import BOUND, FAILED, KILLED, OK, ORDER, REFUSED, SPID, TRY_AGAIN, USAGE, check, run
from raw_request import request


def write_list(site, lines, name="orders.jsonl"):
    path = site.folder / name
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def orders(count, device="phone-2"):
    return [{"order": f"list-{number}", "device": device} for number in range(1, count + 1)]


def order_list(site, path, *arguments, **more):
    return site.provider("order", site.folder / "payload.json", "--list", path, *arguments, **more)


def all_are_there(site, names):
    for name in names:
        status, text = request(site, "provider", "GET", f"/v1/orders/{name}")
        check(status == 200 and json.loads(text)["state"] == "ordered" and len(json.loads(text)["attempts"]) == 1,
              f"{name} at the distributor: {status} {text}")


def limits(site, *what):
    return run("distributor", "tenant", "set", SPID, *what, "--home", site.home("distributor")).expect(OK)


def a_list_of_orders_is_ordered_once_however_often(bench):
    with bench.site() as site:
        lines = orders(150)
        first = order_list(site, write_list(site, lines)).expect(OK).says("150 of 150 orders are sent")
        check([(one["order"], one["seq"]) for one in first.results] == [(f"list-{n}", n) for n in range(1, 151)],
              f"the list: {first.out}")
        again = order_list(site, write_list(site, lines)).expect(OK)
        check(again.results == [dict(one, attempt=1) for one in first.results], f"the list again: {again.out}")
        all_are_there(site, ("list-1", "list-64", "list-65", "list-150"))
        longer = order_list(site, write_list(site, orders(160))).expect(OK)
        check([one["seq"] for one in longer.results] == list(range(1, 161)), f"a longer list: {longer.out}")
        one = order_list(site, write_list(site, [{"order": "alone", "device": "phone-2"}])).expect(OK)
        check([order["seq"] for order in one.results] == [161], f"a list of one: {one.out}")


def a_list_with_a_mistake_orders_nothing_and_names_its_line(bench):
    with bench.site() as site:
        site.provider("order", site.folder / "payload.json").expect(USAGE).says("--device or --list")
        good = orders(80)
        for last, says in (("no JSON\n", "line 81 is not valid JSON"),
                           ({"order": "list-7", "device": "phone-1"}, "line 81 names order list-7, as line 7 does"),
                           ({"order": "new", "device": "nobody"}, "line 81: .*nobody"),
                           ({"order": "new", "device": "phone-1", "attributes": {"site": "lab"}}, "line 81: .*--campaign"),
                           ({"order": "new", "device": "phone-1", "seid": "00"}, "line 81.seid is not known")):
            refused = order_list(site, write_list(site, [*good, last]))
            check(refused.code not in (OK, TRY_AGAIN), f"{last} was ordered")
            refused.says("no order was opened", "orders.jsonl|line 81", says)
        check(site.show() == {}, f"something was ordered: {site.show()}")
        site.order("list-80").expect(OK)
        order_list(site, write_list(site, good)).expect(FAILED).says("line 80: Order list-80 exists already for another device")
        check(set(site.show()) == {"list-80"}, f"something was ordered: {site.show()}")


def a_list_waits_for_the_tenants_limit_and_goes_on(bench):
    with bench.site() as site:
        limits(site, "--orders-per-minute", "1200", "--burst", "20")
        order_list(site, write_list(site, orders(60))).expect(OK).says("limits how many", "60 of 60 orders are sent")
        all_are_there(site, ("list-1", "list-60"))
        limits(site, "--max-open", "60")
        path = write_list(site, orders(70))
        order_list(site, path, "--timeout", "1").expect(TRY_AGAIN).says("--timeout", "kagibin provider run")
        check(site.show()["list-70"]["attempt"] == 1, "it is not in the journal")
        check(request(site, "provider", "GET", "/v1/orders/list-70")[0] == 404, "it was taken over the limit")
        waiting = site.start("provider", "order", site.folder / "payload.json", "--list", path, "--home", site.home("provider"),
                             *site.passphrase, "--via", site.via)
        end = time.monotonic() + BOUND
        while not any("Going on in" in line for line in waiting.errors):
            check(time.monotonic() < end and waiting.code is None, f"it does not wait: {waiting.errors}")
            time.sleep(0.05)
        waiting.process.send_signal(signal.SIGINT)
        waiting.done().expect(TRY_AGAIN).says("same command again")
        limits(site, "--max-open", "none")
        site.provider_run().expect(TRY_AGAIN)  # nobody fetches them
        all_are_there(site, ("list-61", "list-70"))


def a_run_says_how_many_orders_wait_for_the_limit(bench):
    with bench.site() as site:
        site.distributor.stop()
        order_list(site, write_list(site, orders(60))).expect(TRY_AGAIN)
        site.start_distributor()
        limits(site, "--orders-per-minute", "1200", "--burst", "20")
        run_ = site.waiting("provider", wait=1)
        end = time.monotonic() + BOUND
        while not any('"over_limit":0' in line for line in run_.lines):
            check(time.monotonic() < end and run_.code is None, f"it does not say that nothing waits any more: {run_.lines} {run_.errors}")
            time.sleep(0.05)
        said = [json.loads(line)["over_limit"] for line in run_.lines]
        check(len(said) == 2 and 0 < said[0] <= 40 and said[1] == 0, f"how many wait for the limit: {said}")
        all_are_there(site, ("list-1", "list-60"))
        limits(site, "--orders-per-minute", "none")


def a_list_with_an_order_that_is_turned_down_fails_however_often(bench):
    with bench.site() as site:
        taken = {"device": "phone-2", "notAfter": 4102444800}
        status, text = request(site, "provider", "PUT", "/v1/orders/list-2", taken)
        check(status in (200, 201), f"the other order: {status} {text}")
        path = write_list(site, orders(70))
        for _ in range(3):
            failed = order_list(site, path).expect(FAILED).says("order list-2: .*turned our order down .conflict.", "69 of 70 orders are sent")
            check("70 of 70 orders are sent" not in failed.out + failed.err, f"it counts what was turned down: {failed.err}")
        all_are_there(site, ("list-1", "list-70"))
        site.provider("show", "list-71", way=False).expect(FAILED).says("journal has no order list-71", '"error":"not_found"')
        shown = site.provider("show", "list-70", way=False).expect(OK).results
        check([order["order"] for order in shown] == ["list-70"], f"one order: {shown}")


def a_list_sends_nothing_that_ended_before_it_went(bench):
    """Taken back while the distributor was away; expired while it took no more orders."""
    with bench.site() as site:
        path = write_list(site, orders(3))
        site.distributor.stop()
        order_list(site, path).expect(TRY_AGAIN)
        site.provider("cancel", "list-2").expect(TRY_AGAIN)
        site.start_distributor()
        limits(site, "--max-open", "0")
        order_list(site, path, "--timeout", "1").expect(TRY_AGAIN).says("order list-2: It was taken back before the distributor confirmed it")
        later = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 2 * 86_400))
        site.provider_run(clock=later).expect(FAILED)
        limits(site, "--max-open", "none")
        for _ in range(2):
            failed = order_list(site, path).expect(FAILED).says("0 of 3 orders are sent", "order list-2: It was taken back before the distributor confirmed it")
            failed.says(*(f"order list-{number}: It expired before the distributor confirmed it" for number in (1, 3)), "2 orders of the list are not on their way")
        check([request(site, "provider", "GET", f"/v1/orders/list-{number}")[0] for number in (1, 2, 3)] == [404] * 3, "one was sent")


def a_list_that_the_certificate_may_not_submit_waits_for_another(bench):
    with bench.site() as site:
        for role, code in (("audit", REFUSED), ("submit", OK)):
            invitation = site.folder / f"{role}.invitation"
            run("distributor", "invite", "--provider", SPID, "--role", role, "--server", "127.0.0.1:1", "--out", invitation,
                "--home", site.home("distributor")).expect(OK)
            run("provider", "join", invitation, "--again", "--via", site.via, "--home", site.home("provider")).expect(OK)
            order_list(site, write_list(site, orders(3))).expect(code)
        all_are_there(site, ("list-1", "list-3"))


def a_list_for_a_campaign_that_takes_none_orders_nothing(bench):
    with bench.site() as site:
        path = write_list(site, orders(3))
        for name in ("spring", "summer"):
            site.provider("campaign", "create", name, "--per-minute", "60").expect(OK)
        site.provider("campaign", "cancel", "spring").expect(OK)
        order_list(site, path, "--campaign", "sprnig").expect(FAILED).says("Campaign sprnig", "no order was opened")
        order_list(site, path, "--campaign", "spring").expect(FAILED).says("Campaign spring has ended", "no order was opened")
        site.distributor.stop()
        order_list(site, path, "--campaign", "summer").expect(TRY_AGAIN).says("Campaign summer", "no order was opened")
        check(site.show() == {}, f"something was ordered: {site.show()}")
        site.start_distributor()
        order_list(site, path, "--campaign", "summer").expect(OK).says("3 of 3 orders are sent")
        site.provider("campaign", "cancel", "summer").expect(OK)
        order_list(site, path, "--campaign", "summer").expect(OK).says("3 of 3 orders are sent")


def a_list_that_finds_nobody_is_in_the_journal(bench):
    with bench.site() as site:
        site.distributor.stop()
        path = write_list(site, orders(70))
        order_list(site, path).expect(TRY_AGAIN).says("70 of 70 orders are in the journal", "kagibin provider run")
        check(len(site.show()) == 70, f"not everything is in the journal: {len(site.show())}")
        site.start_distributor()
        site.provider_run().expect(TRY_AGAIN)
        all_are_there(site, ("list-1", "list-70"))


def kill_at_a_list(bench, owner, point):
    """The provider dies while it orders a list; the same command, or the run, goes on."""
    with bench.site() as site:
        path = write_list(site, [{"order": ORDER, "device": "phone-1"}, *orders(2)])
        if order_list(site, path, crash=point).expect(OK, KILLED).code != KILLED:
            return False
        if point.startswith("provider.submission."):
            site.provider_run().expect(TRY_AGAIN)
            all_are_there(site, (ORDER, "list-1", "list-2"))
        again = order_list(site, path).expect(OK).results
        check([(one["order"], one["seq"]) for one in again] == [(ORDER, 1), ("list-1", 1), ("list-2", 2)], f"the list: {again}")
        all_are_there(site, (ORDER, "list-1", "list-2"))
        for name in ("list-1", "list-2"):
            site.provider("cancel", name).expect(OK)
        site.finish()
        shown = {name: order["state"] for name, order in site.show().items()}
        check(shown == {ORDER: "confirmed", "list-1": "cancelled", "list-2": "cancelled"}, f"the orders: {shown}")
        check(site.relay.installs == 1, f"{site.relay.installs} PUT KEY were answered 9000, not 1")
        site.check_keys(new=True)
        site.verify_log()
        return True
