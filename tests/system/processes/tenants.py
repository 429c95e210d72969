# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: who may do what at the distributor."""
from process_site import KILLED, OK, ORDER, REFUSED, SPID, TRY_AGAIN, check, run
from raw_request import request


def get(site, home, path):
    return run("distributor", "get", path, "--home", site.home(home), "--via", site.via)


def the_operators_own_people_see_states_and_no_message(bench):
    with bench.site("sealed") as site:
        orders = f"/v1/providers/{SPID}/orders"
        for who in ("operator", "auditor"):
            get(site, who, orders).expect(OK).says(ORDER)
            get(site, who, f"{orders}/{ORDER}").expect(OK).says("sealed")
            for path in (f"{orders}/{ORDER}/attempts/1/enrolment", f"{orders}/nothing"):
                get(site, who, path).expect(1)
            get(site, who, f"/v1/orders/{ORDER}/attempts/1/enrolment").expect(REFUSED).says("role submit or audit")
            for method, path, body in (("PUT", "/v1/orders/mine", {"device": "phone-1", "notAfter": 4102444800}),
                                       ("POST", "/v1/orders", {"orders": []}),
                                       ("PUT", f"/v1/orders/{ORDER}/attempts/1/verdict", {"verdict": "confirmed", "reason": ""})):
                status, text = request(site, who, method, path, body)
                check(status == 403 and "role submit" in text, f"{method} {path} by the {who}: {status} {text}")
        status, text = request(site, "provider", "GET", f"{orders}/{ORDER}")
        check(status == 403 and "operator or auditor" in text, f"a provider at the operator's path: {status} {text}")
        site.finish()
        site.confirmed()


def a_limited_invitation_makes_a_limited_certificate(bench):
    with bench.site("sealed") as site:
        home = site.home("reader")
        invitation = site.folder / "reader.invitation"
        run("distributor", "invite", "--provider", SPID, "--role", "audit", "--server", "127.0.0.1:1", "--out", invitation,
            "--home", site.home("distributor")).expect(OK).says(f"provider:{SPID};audit")
        run("provider", "join", invitation, "--via", site.via, "--home", home).expect(OK).says("audit")
        check(request(site, "reader", "GET", f"/v1/orders/{ORDER}")[0] == 200, "it does not read its tenant's order")
        check(request(site, "reader", "GET", f"/v1/orders/{ORDER}/attempts/1/enrolment")[0] == 200, "it reads no enrolment")
        status, text = request(site, "reader", "PUT", f"/v1/orders/{ORDER}/attempts/1/withdrawal", {"reason": "mine"})
        check(status == 403 and "submit or operate" in text, f"it withdraws: {status} {text}")
        site.finish()
        site.confirmed()


def an_order_over_a_tenants_limit_is_told_so_and_done_later(bench):
    with bench.site() as site:
        def limits(*what):
            return run("distributor", "tenant", "set", SPID, *what, "--home", site.home("distributor"))
        limits("--max-open", "0", "--orders-per-minute", "60", "--burst", "5").expect(OK).says('"maxOpen":0,"ordersPerMinute":60,"burst":5')
        site.order().expect(OK, TRY_AGAIN)
        waits = site.provider_run().expect(TRY_AGAIN).says("1 of them or of their further attempts for the distributor's limit")
        check({"over_limit": 1} in waits.results, f"it does not say how many orders wait for the limit: {waits.out}")
        status, text = request(site, "provider", "PUT", "/v1/orders/one-more", {"device": "phone-1", "notAfter": 4102444800})
        check(status == 429 and "ask the operator" in text, f"an order over the limit: {status} {text}")
        check(request(site, "provider", "GET", f"/v1/orders/{ORDER}")[0] == 404, "the order stands over the limit")
        limits("--max-open", "none").expect(OK)  # the distributor goes on as it is
        site.order().expect(OK)
        site.finish()
        site.confirmed()
        said = run("distributor", "tenant", "list", "--json", "--home", site.home("distributor")).expect(OK)
        check([(one["spid"], one["open"], one["maxOpen"], one["burst"]) for one in said.results] == [(SPID, 0, None, 5)],
              f"the list of tenants: {said.out}")


def an_answer_that_was_lost_comes_again(bench):
    """The distributor dies behind its commit; whoever asks again with the same key is told what he was not told."""
    order = {"device": "phone-1", "notAfter": 4102444800}
    key = 'Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"\r\n'

    def put(site, name, body):
        return request(site, "provider", "PUT", f"/v1/orders/{name}", body, fields=key)
    with bench.site(start=False) as site:
        site.start_distributor(crash="distributor.order.after_commit")
        check(put(site, "once", order)[0] == 0, "the distributor answered, and was to die")
        check(site.distributor.done().code == KILLED, "the distributor did not end")
        site.start_distributor()
        first = put(site, "once", order)
        check(first[0] == 201 and '"ordered"' in first[1], f"the first answer: {first}")
        check(put(site, "once", order) == first, "the same answer does not come twice")
        check(put(site, "twice", order)[0] == 422, "the key was good for another order")
        check(request(site, "provider", "PUT", "/v1/orders/once", order)[0] == 200, "without the key it is another answer")


def a_provider_with_the_role_submit_alone_delivers(bench):
    """All that the provider's program does is submitting; it renews its certificate into the same roles."""
    with bench.site() as site:
        invitation = site.folder / "submitter.invitation"
        run("distributor", "invite", "--provider", SPID, "--role", "submit", "--server", "127.0.0.1:1", "--out", invitation,
            "--home", site.home("distributor")).expect(OK)
        run("provider", "join", invitation, "--again", "--via", site.via, "--home", site.home("provider")).expect(OK).says(f"{SPID};submit")
        site.order().expect(OK)
        site.finish()
        site.confirmed()
