# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: a second order for the same element and target takes one visit of the device, also when the
provider dies on the way (doc/one_visit.md)."""
import json

from process_site import DOMAIN, KILLED, OK, ORDER, check

SECOND = "order-2"
PUT_THREE = [{"random": 16}] * 3


def rotation(old, new):
    return {"target": DOMAIN, "channel": {"security_domain": DOMAIN, "key_version": old},
            "actions": [{"put_key": {"replace": old, "key_version": new, "key_identifier": "01", "keys": PUT_THREE}}]}


def prepare(site):
    site.write_policy(keep_enrolment_minutes=60)
    (site.folder / "second.json").write_text(json.dumps(rotation("31", "32")))


def second_order(site, crash=None):
    """Ordered, delivered in one visit, confirmed. How often the provider died."""
    died = 0
    if crash:
        died += site.order(id_=SECOND, file="second.json", crash=crash).expect(OK, KILLED).code == KILLED
    site.order(id_=SECOND, file="second.json").expect(OK)
    said = site.agent().expect(OK).results[0]
    check(said["enrolled"] == 0 and said["delivered"] == 1, f"it took more than one visit: {said}")
    site.finish()
    check(site.agent().expect(OK).results[0]["apdus"] == 0, "the agent went to the element again")
    shown = site.show()
    check({name: order["state"] for name, order in shown.items()} == {ORDER: "confirmed", SECOND: "confirmed"},
          f"not confirmed: {shown}")
    check(shown[SECOND]["seq"] == 2, f"the second order has another SEQ than 2: {shown}")
    check(site.relay.installs == 2, f"{site.relay.installs} PUT KEY were answered 9000, not 2")
    return died


def a_second_order_takes_one_visit(bench):
    with bench.site() as site:
        prepare(site)
        site.order().expect(OK)
        site.finish()
        site.confirmed()
        second_order(site)


def kill_at_a_second_order(bench, owner, point):
    """The provider dies while it keeps the announced enrolment, or while it seals at once."""
    with bench.site() as site:
        prepare(site)
        site.order().expect(OK)
        died = site.finish(owner, point)
        site.confirmed()
        return died + second_order(site, point) > 0
