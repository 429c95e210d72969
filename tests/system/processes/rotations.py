# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: one transport CA takes another's place while a distributor and an agent die of it."""
from process_site import KILLED, OK, run


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
