#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package is built, installed on a booted machine, serves, comes back when it is killed, is upgraded and removed; what
it acknowledged stays. On this machine nothing is installed.

package_test.py BUILD_FOLDER (of the release preset); exit 77 where no machine can be made.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from machine import Machine, Refused

SKIPPED = 77
UNIT = "kagibin-distributor.service"
TIMER = "kagibin-audit-verify.timer"
HOME = "/var/lib/kagibin/distributor"
PROGRAMS = {"kagibin", "kagibin-audit", "kagibin-distributor", "kagibin-store"}
MUST_NOT_CONTAIN = (b"KAGIBIN_CRASH_AT",)  # the tests' hooks


def check(condition, sentence):
    if not condition:
        raise AssertionError(sentence)


def text_of(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, timeout=300).stdout


def built_twice(build, folder):
    """The package; the same octets come from building it again."""
    packages = []
    for name in ("first", "again"):
        text_of(build.parent.parent / "scripts/package", "--to", folder / name)
        packages += (folder / name).glob("*.deb")
    check(len(packages) == 2, f"packages: {packages}")
    check(packages[0].read_bytes() == packages[1].read_bytes(), "one commit gave two packages")
    return packages[0]


def look_inside(package, folder):
    """Only the operator's programs, each with its manual page, without the tests' hooks."""
    text_of("dpkg-deb", "-x", package, folder)
    programs = {path.name: path for path in (folder / "usr/bin").iterdir()}
    check(set(programs) == PROGRAMS, f"programs in the package: {sorted(programs)}")
    for name, path in programs.items():
        content = path.read_bytes()
        check(not any(hook in content for hook in MUST_NOT_CONTAIN), f"{name} has the tests' hooks")
        check((folder / f"usr/share/man/man1/{name}.1.gz").is_file(), f"{name} has no manual page")
    strays = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not re.match(
        r"usr/(bin|share/(man/man1|doc/kagibin-distributor)|lib/sysusers\.d)/|lib/systemd/system/kagibin-|etc/default/kagibin-",
        str(path.relative_to(folder)))]
    check(not strays, f"elsewhere: {strays}")
    control = text_of("dpkg-deb", "-I", package)
    check(re.search(r"^ Depends: .*libssl3.*", control, re.M) and "libpq5" in control, control)


def healthy(machine):
    machine.wait_for('{"status":"ok"}', "curl", "-s", "--cacert", f"{HOME}/ca.cert.pem", "https://localhost:8443/healthz")


def main_process(machine):
    return machine.run("systemctl", "show", "-P", "MainPID", UNIT).stdout.strip()


def limit(machine, process, what):
    return re.search(rf"^Max {what} +(\S+)", machine.run("cat", f"/proc/{process}/limits").stdout, re.M).group(1)


def as_user(machine, *command, **more):
    return machine.run("runuser", "-u", "kagibin", "--", *command, **more)


def invite(machine, device):
    out = f"{HOME}/{device}.invitation"
    done = as_user(machine, "kagibin", "distributor", "invite", "--home", HOME, "--device", device, "--server", "localhost:8443",
                   "--out", out, "--json", expect=0)
    check(json.loads(done.stdout)["subject"] == f"device:{device}", done.stdout)
    return out


def join(machine, agent, home, invitation):
    """An agent of this build, from outside the package, becomes a member by what the store knows of the invitation."""
    machine.run(agent, "join", "--home", home, invitation, expect=0)


def verify_units(machine):
    for unit in (UNIT, "kagibin-audit-verify.service", TIMER, "kagibin-backup.service", "kagibin-backup.timer"):
        machine.run("systemd-analyze", "verify", "--man=no", f"/lib/systemd/system/{unit}", expect=0)
    # systemd's own measure of what a unit may do, 0 (nothing) to 10.
    exposure = machine.run("systemd-analyze", "security", "--threshold=20", UNIT)
    check(exposure.returncode == 0, f"{UNIT} may do more than it needs: {exposure.stdout}")


def installs(machine, package):
    done = machine.run("dpkg", "-i", package, expect=0)
    check("There is no distributor on this machine yet" in done.stdout, done.stdout)
    check(machine.run("systemctl", "is-enabled", UNIT, TIMER).stdout.split() == ["enabled", "enabled"], "not enabled")
    check(machine.run("systemctl", "show", "-P", "ConditionResult", UNIT).stdout.strip() == "no", "started without a CA")
    check(machine.run("systemctl", "is-failed", UNIT).stdout.strip() == "inactive", "failed for want of a CA")
    check(machine.run("stat", "-c", "%U %a", "/var/lib/kagibin").stdout.strip() == "kagibin 700", "the state is open to others")


def serves(machine):
    as_user(machine, "kagibin", "distributor", "init", "--home", HOME, expect=0)
    machine.run("systemctl", "start", UNIT, expect=0)
    healthy(machine)
    main = main_process(machine)
    check(machine.run("stat", "-c", "%U", f"/proc/{main}").stdout.strip() == "kagibin", "does not run as its own user")
    check(machine.run("systemctl", "show", "-P", "Type", UNIT).stdout.strip() == "notify", "says nothing to systemd")
    check(limit(machine, main, "core file size") == "0", "may leave a core with keys in it")
    # Where systemd may not raise the limit, it is its own.
    check(limit(machine, main, "open files") in ("65536", limit(machine, 1, "open files")), "may have too few connections")
    check("CapEff:\t0000000000000000" in machine.run("cat", f"/proc/{main}/status").stdout, "has capabilities")


def comes_back(machine):
    before = main_process(machine)
    machine.run("systemctl", "kill", "-s", "KILL", UNIT, expect=0)
    machine.wait_for("active", "systemctl", "is-active", UNIT)
    healthy(machine)
    check(main_process(machine) != before, "was not killed")


def is_upgraded(machine, package, agent):
    """Installed over itself while it serves: an invitation of before is good after."""
    invitation = invite(machine, "before-the-upgrade")
    before = main_process(machine)
    machine.run("dpkg", "-i", package, expect=0)
    machine.wait_for("active", "systemctl", "is-active", UNIT)
    healthy(machine)
    check(main_process(machine) != before, "the program of before still runs")
    join(machine, agent, "/root/agent", invitation)


def audits(machine):
    machine.run("systemctl", "start", "kagibin-audit-verify.service", expect=0)
    check(machine.run("test", "-s", "/var/lib/kagibin/audit/checkpoint").returncode == 0, "no copy of the log")
    machine.run("sqlite3", f"{HOME}/orders.sqlite3",
                "UPDATE audit_entries SET entry = CAST(replace(CAST(entry AS TEXT), ' begin ', ' bEgin ') AS BLOB)", expect=0)
    check(machine.run("systemctl", "start", "kagibin-audit-verify.service").returncode != 0, "a changed entry was not seen")
    machine.run("sqlite3", f"{HOME}/orders.sqlite3",
                "UPDATE audit_entries SET entry = CAST(replace(CAST(entry AS TEXT), ' bEgin ', ' begin ') AS BLOB)", expect=0)
    machine.run("systemctl", "start", "kagibin-audit-verify.service", expect=0)


def backs_up(machine):
    """Off until somebody turns it on; a backup is whole, and old ones go behind a new one only."""
    check(machine.run("systemctl", "is-enabled", "kagibin-backup.timer").stdout.strip() == "disabled", "backs up unasked")
    machine.run("systemctl", "start", "kagibin-backup.service", expect=0)
    folder = "/var/lib/kagibin/backup"
    first = machine.run("ls", folder, expect=0).stdout.split()
    check(len(first) == 1, f"backups: {first}")
    as_user(machine, "kagibin", "store", "verify", f"{folder}/{first[0]}", expect=0)
    machine.run("touch", "-d", "10 days ago", f"{folder}/{first[0]}", expect=0)
    machine.run("touch", "-d", "10 days ago", f"{folder}/kept-by-hand", expect=0)
    time.sleep(1.1)  # names have seconds
    machine.run("systemctl", "start", "kagibin-backup.service", expect=0)
    then = machine.run("ls", folder, expect=0).stdout.split()
    check(len(then) == 2 and "kept-by-hand" in then and first[0] not in then, f"backups: {then}")
    machine.run("systemctl", "enable", "--now", "kagibin-backup.timer", expect=0)


def refuses_wrong_options_once(machine):
    """A usage error does not become right by trying again."""
    machine.run("sed", "-i.kept", "s/--listen/--lissten/", "/etc/default/kagibin-distributor", expect=0)
    machine.run("systemctl", "restart", UNIT)
    machine.wait_for("failed", "systemctl", "is-active", UNIT)
    machine.run("mv", "/etc/default/kagibin-distributor.kept", "/etc/default/kagibin-distributor", expect=0)
    machine.run("systemctl", "restart", UNIT, expect=0)
    healthy(machine)


def is_removed(machine, package, agent):
    invitation = invite(machine, "before-the-removal")
    machine.run("dpkg", "-r", "kagibin-distributor", expect=0)
    state = machine.run("systemctl", "is-active", UNIT).stdout.strip()
    check(state == "inactive", f"without its package the service is {state}")
    check(machine.run("test", "-e", "/usr/bin/kagibin-distributor").returncode != 0, "a program stayed")
    done = machine.run("dpkg", "-P", "kagibin-distributor", expect=0)
    check("/var/lib/kagibin stays" in done.stdout, done.stdout)
    check(machine.run("test", "-e", "/etc/default/kagibin-distributor").returncode != 0, "the options stayed")
    leftovers = machine.run("sh", "-c", "find /etc/systemd /lib/systemd /usr/lib/sysusers.d -name '*kagibin*'").stdout
    check(not leftovers, f"stayed: {leftovers}")
    # And again: what was acknowledged before is served.
    machine.run("dpkg", "-i", package, expect=0)
    machine.wait_for("active", "systemctl", "is-active", UNIT)
    healthy(machine)
    join(machine, agent, "/root/second", invitation)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    build = parser.parse_args().build.resolve()
    with tempfile.TemporaryDirectory(prefix="kagibin-package.") as name:
        folder = pathlib.Path(name)
        package = built_twice(build, folder)
        look_inside(package, folder / "content")
        inside = f"/tmp/shared/{package.relative_to(folder)}"
        shutil.copy(build / "bin/kagibin-agent", folder)
        try:
            with Machine(folder) as machine:
                try:
                    installs(machine, inside)
                    verify_units(machine)
                    serves(machine)
                    comes_back(machine)
                    is_upgraded(machine, inside, "/tmp/shared/kagibin-agent")
                    audits(machine)
                    backs_up(machine)
                    refuses_wrong_options_once(machine)
                    is_removed(machine, inside, "/tmp/shared/kagibin-agent")
                except AssertionError:
                    print(machine.run("journalctl", "--no-pager", "-n", "60").stdout, file=sys.stderr)
                    raise
        except Refused as why:
            print(f"skipped: {why}; the package itself was built and looked at")
            return SKIPPED
    print("built, installed, served, killed, upgraded, audited, backed up, removed, installed again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
