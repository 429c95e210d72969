# SPDX-License-Identifier: Apache-2.0
"""Cases of processes_test.py: programs that wait at the distributor for news. They wait without computing, hear of news at
once, and end at once when they are asked to."""
import os
import pathlib
import pty
import signal
import time

from process_site import BOUND, FAILED, OK, ORDER, REFUSED, USAGE, check

SETTLED = 1.5  # seconds until a program that was started waits
SOON = 2.0  # one second, and some for a machine that is busy with other cases; the wait itself is of a minute


def computed(process):
    """Seconds of processor time so far (proc(5))."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def a_signal_ends_a_wait_at_once(bench):
    with bench.site() as site:
        for number in (signal.SIGTERM, signal.SIGINT):
            waiting = [site.waiting("agent"), site.waiting("provider")]
            time.sleep(SETTLED)
            before = [computed(service.process) for service in waiting]
            time.sleep(1)
            for service, begun in zip(waiting, before):
                check(service.code is None, f"{service.role} does not wait: {''.join(service.errors)}")
                used = computed(service.process) - begun
                check(used < 0.2, f"{service.role} computed for {used} s in a second of waiting")
                begin = time.monotonic()
                service.process.send_signal(number)
                service.done().expect(OK)
                took = time.monotonic() - begin
                check(took < SOON, f"{service.role} took {took:.1f} s to end on signal {number}")
        site.order().expect(OK)
        site.finish()
        site.confirmed()


def a_waiting_provider_hears_of_news_at_once(bench):
    with bench.site() as site:
        site.order().expect(OK)
        provider = site.waiting("provider")
        time.sleep(SETTLED)
        for state in ("sealed", "confirmed"):
            site.agent().expect(OK)
            begin = time.monotonic()
            while time.monotonic() < begin + BOUND and not any(f'"{state}"' in line for line in provider.lines):
                time.sleep(0.02)
            took = time.monotonic() - begin
            check(took < SOON, f"{state} after {took:.1f} s: {''.join(provider.lines + provider.errors)}")
        provider.process.send_signal(signal.SIGTERM)
        provider.done().expect(OK)
        site.confirmed()


def a_policy_that_changes_counts_at_once(bench):
    with bench.site() as site:
        policy = site.home("provider") / "policy.json"
        good = policy.read_text()
        provider = site.waiting("provider")
        site.order().expect(OK)
        time.sleep(SETTLED)
        site.write_policy(kda_code_hashes=["00" * 32])
        site.agent().expect(OK)
        wait_until(lambda: any('"refused"' in line for line in provider.lines), provider)
        check(site.show()[ORDER]["state"] == "refused" and provider.code is None, f"{site.show()}")
        policy.write_text(good)
        site.order("second").expect(OK)
        policy.write_text("{")
        site.agent().expect(OK)
        wait_until(lambda: provider.code is not None, provider)
        provider.done().expect(FAILED, REFUSED, USAGE).says("nothing is lost")
        policy.write_text(good)
        check(site.show()["second"]["state"] == "ordered", f"{site.show()}")
        site.check_keys(new=False)


def a_policy_that_changes_while_the_passphrase_is_asked_for_counts(bench):
    with bench.site() as site:
        site.order().expect(OK)
        site.agent().expect(OK)
        ours, terminal = pty.openpty()
        provider = site.waiting("provider", terminal=terminal)
        time.sleep(SETTLED)
        check(provider.code is None, f"it does not ask: {provider.errors}")
        site.write_policy(kda_code_hashes=["00" * 32])
        os.write(ours, (site.folder / "passphrase").read_bytes())
        wait_until(lambda: any('"refused"' in line for line in provider.lines), provider)
        os.close(ours)
        os.close(terminal)
        site.check_keys(new=False)


def wait_until(happened, service):
    end = time.monotonic() + BOUND
    while not happened():
        check(time.monotonic() < end, f"it does not happen: {''.join(service.lines + service.errors)}")
        time.sleep(0.02)
