# SPDX-License-Identifier: Apache-2.0
"""Cases of operations_test.py: what an operator's Prometheus reads, and who else may."""
import pathlib
import re
import shutil
import subprocess
import sys
import time

from process_site import BOUND, OK, ORDER, REFUSED, SPID, check, run
from raw_request import request

SOURCE = pathlib.Path(__file__).resolve().parents[3]
RULES = SOURCE / "packaging" / "kagibin-distributor.rules.yml"


def page(site):
    """The samples by their name with labels, as `kagibin distributor get` prints them to an operator."""
    text = run("distributor", "get", "/metrics", "--via", site.via, "--home", site.home("ops")).expect(OK).out
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            check(name not in samples, f"{name} stands twice")
            samples[name] = float(value)
    return samples, text


def families(text):
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def documented():
    """Metrics of the table in doc/operations.md."""
    text = (SOURCE / "doc" / "operations.md").read_text()
    section = text[text.index("## Metrics"):]
    section = section[:section.index("\n## ")]
    return set(re.findall(r"`((?:kagibin|process)_[a-z_]+)", section))


def an_operator_reads_metrics_and_nobody_else_does(bench):
    with bench.site() as site:
        run("distributor", "invite", "--operator", "ops", "--server", "127.0.0.1:1", "--out", site.folder / "ops.invitation",
            "--home", site.home("distributor")).expect(OK)
        run("distributor", "join", site.folder / "ops.invitation", "--via", site.via, "--home", site.home("ops")).expect(OK)
        before, _ = page(site)
        check(before["kagibin_store_up"] == 1 and before['kagibin_orders{state="sealed"}'] == 0, f"{before}")
        site.seal()
        samples, _ = page(site)
        check(samples['kagibin_orders{state="sealed"}'] == 1, "the order is not counted")
        check(0 <= samples['kagibin_oldest_order_seconds{state="sealed"}'] < 60, "the order has no age")
        site.finish()
        site.confirmed()
        samples, text = page(site)
        check(samples['kagibin_orders{state="confirmed"}'] == 1 and samples['kagibin_orders{state="sealed"}'] == 0, f"{samples}")
        check(samples['kagibin_oldest_order_seconds{state="sealed"}'] == 0, "what is gone still waits")
        check(samples['kagibin_requests_total{route="verdict",status="201"}'] == 1, "the verdict is not counted")
        check(samples['kagibin_members_seen{party="device",within="1h"}'] == 1, "the device is not seen")
        check(samples['kagibin_members_seen{party="provider",within="1m"}'] == 1, "the provider is not seen")
        check(samples["kagibin_commit_seconds_count"] >= 5 and samples["kagibin_audit_log_entries"] >= 5, f"{samples}")
        check(samples["kagibin_handshakes_total{result=\"ok\"}"] >= 5 and samples["kagibin_connections"] >= 1, f"{samples}")
        for secret in (SPID, ORDER, "phone-"):
            check(secret not in text, f"{secret} is in the metrics")

        check(families(text) == documented(), f"the table of doc/operations.md: {families(text) ^ documented()}")
        asked = set(re.findall(r"\b((?:kagibin|process)_[a-z_]+)", "\n".join(
            line for line in RULES.read_text().splitlines() if "expr:" in line)))
        known = families(text) | {f"{name}_bucket" for name in families(text)}
        check(asked <= known | {"kagibin"}, f"alerts on what is not measured: {asked - known}")

        # Entries get their places about once a second: the two agree as soon as none does in between.
        until = time.monotonic() + BOUND
        while True:
            said = run("distributor", "status", "--home", site.home("distributor")).expect(OK).results
            entries = [line for line in said if "auditEntries" in line][0]["auditEntries"]
            if entries == page(site)[0]["kagibin_audit_log_entries"]:
                break
            check(time.monotonic() < until, f"the metrics count other entries than {said}")
        check({line["state"]: line["orders"] for line in said if "state" in line}["confirmed"] == 1, f"{said}")
        check({line["certificate"]: line["days"] >= 800 for line in said if "certificate" in line} == {"server": True, "ca": True}, f"{said}")
        run("distributor", "status", "--home", site.folder / "nothing").expect(1).says("init")
        check(not (site.folder / "nothing").exists(), "a status made something")

        for who in ("provider", "agent"):
            status, body = request(site, who, "GET", "/metrics")
            check(status == 403 and "kagibin_orders" not in body, f"{who}: {status}")
        check(request(site, "agent", "GET", "/metrics", certificate=False)[0] == 403, "nobody reads them")
        run("distributor", "get", "/nothing", "--via", site.via, "--home", site.home("ops")).expect(1, REFUSED)

        promtool = shutil.which("promtool")
        if not promtool:
            print("        (no promtool here: rules and format were not checked by Prometheus itself)", file=sys.stderr)
            return
        subprocess.run([promtool, "check", "rules", RULES], check=True, capture_output=True)
        said = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True)
        check(said.returncode == 0, said.stderr + said.stdout)
