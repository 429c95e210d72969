# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: stores that cannot be written, are held by somebody else, or are damaged. Each says which
file it is and what to do, and nothing that was acknowledged is lost."""
import sqlite3

from process_site import FAILED, OK, Service, TRY_AGAIN, check

FULL = (2048, 32768)  # no room to open the store; room for a few commits


def a_full_disk_of_the_provider(bench):
    with bench.site() as site:
        site.order(file_limit=FULL[0]).expect(TRY_AGAIN).says("journal.sqlite3", "room", "again")
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
        refused.done().expect(TRY_AGAIN).says("store", "orders.sqlite3", "limit", "again")
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
        site.agent(file_limit=FULL[0]).expect(TRY_AGAIN).says("agent.sqlite3", "room", "again")
        site.agent(file_limit=FULL[1]).expect(OK, TRY_AGAIN)
        site.finish()
        site.confirmed()


def a_store_that_somebody_holds(bench):
    with bench.site() as site:
        holder = sqlite3.connect(site.home("provider") / "journal.sqlite3")
        holder.execute("BEGIN IMMEDIATE")
        site.order().expect(TRY_AGAIN).says("another process", "journal.sqlite3", "again")
        holder.close()
        site.order().expect(OK)
        site.finish()
        site.confirmed()


def a_damaged_store(bench):
    with bench.site() as site:
        site.order().expect(OK)
        site.distributor.stop()
        for name, ask in (("provider/journal.sqlite3", lambda: site.provider("show", way=False)),
                          ("agent/agent.sqlite3", site.agent),
                          ("distributor/orders.sqlite3",
                           lambda: Service("distributor", "serve", "--listen", "127.0.0.1:0", "--home",
                                           site.home("distributor")).done())):
            file = site.folder / name
            if not file.exists():
                site.agent().expect(TRY_AGAIN)  # nobody serves, but it has made its store
            whole = file.read_bytes()
            file.write_bytes(b"damaged " * (len(whole) // 8))
            ask().expect(FAILED).says("damaged", str(file), "backup")
            file.write_bytes(whole)
        site.start_distributor()
        site.finish()
        site.confirmed()
