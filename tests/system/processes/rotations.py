# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: one transport CA takes another's place while a distributor and an agent die of it."""
from process_site import KILLED, OK, TRY_AGAIN, check, run


def kill_in_a_rotation(bench, owner, point):
    """Three steps with a restart each; the agent asks for its roots between them. Whoever died does it again."""
    with bench.site() as site:
        died = []

        def again(attempt, who):
            if attempt(point if owner == who else None).expect(OK, KILLED).code == KILLED:
                died.append(who)
                attempt(None).expect(OK)

        def step(name):
            again(lambda crash: run("distributor", "rotate-ca", name, "--home", site.home("distributor"), crash=crash),
                  "distributor")
            site.distributor.stop()
            site.start_distributor()

        def ask():
            for home in ("agent", "provider"):
                (site.home(home) / "transport.checked").write_text("0")
            again(lambda crash: site.agent(crash=crash), "agent")

        for name in ("start", "switch"):
            step(name)
            ask()
        site.order().expect(OK)  # the provider hears of the new root by this
        step("finish")
        ask()
        site.finish()
        site.confirmed()
        return bool(died)


def kill_at_a_renewal(bench, owner, point):
    """The CA that comes next issues: the agent's certificate is renewed by a distributor that dies of it, and again."""
    with bench.site() as site:
        def step(name, **more):
            run("distributor", "rotate-ca", name, "--home", site.home("distributor")).expect(OK)
            site.distributor.stop()
            site.start_distributor(**more)

        def ask(*codes):
            (site.home("agent") / "transport.checked").write_text("0")
            site.agent().expect(*codes)

        certificate = site.home("agent") / "transport.cert.pem"
        before = certificate.read_text()
        step("start")
        ask(OK)
        step("switch", crash=point)
        ask(OK, TRY_AGAIN)
        check(site.distributor.done().code == KILLED, f"the {owner} did not end at {point}")
        check(certificate.read_text() == before, "an answer that never came was used")
        site.start_distributor()
        ask(OK)
        check(certificate.read_text() != before, "the certificate was not renewed")
        site.order().expect(OK)
        site.finish()
        site.confirmed()
        return True
