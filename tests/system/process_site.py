# SPDX-License-Identifier: Apache-2.0
"""What tests between processes are made of: programs in the foreground and the background, and a deployment in a folder,
with a relay before its element. Standard library only.

  build_base(folder)
  with Site(copy_of_the_folder) as site:
      site.order().expect(OK)
      site.finish()      # everybody works until the order has ended
      site.confirmed()   # exactly one key, in the element and in the journal
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import traceback

from element_relay import Relay, ask_element

SPID = "53500000000000000000000000000001"
SEID = {1: "4B420000000000000000000000000001", 2: "4B420000000000000000000000000002"}
DOMAIN = "F0574C4B01"
IIN = "4204B00142"
ORDER = "order-1"
ENDED = ("confirmed", "refused", "expired", "cancelled")
BOUND = 60  # seconds in which a command, and a delivery after a fault, has to come to an end
OK, FAILED, USAGE, REFUSED, TRY_AGAIN, KILLED = 0, 1, 2, 3, 4, -signal.SIGKILL

options = argparse.Namespace(bin=pathlib.Path(), verbose=False)
messages = {}  # what programs said on a failure -> (case, exit code)
current = threading.local()


def check(condition, sentence):
    if not condition:
        raise AssertionError(sentence)


# ---- programs -------------------------------------------------------------------------------------------------------

class Done:
    """A program that ended."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err
        if code not in (OK, KILLED) and err.strip():
            key = re.sub(r"\d{3,5}(?=\b)|/\S+/", "..", err.strip())
            messages.setdefault(key, (getattr(current, "case", "setup"), code, " ".join(arguments[:2]), err.strip()))

    @property
    def results(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def expect(self, *codes):
        check(self.code in codes, f"{' '.join(self.arguments)}: exit code {self.code}, not {codes}: {self.err}{self.out}")
        if self.code not in (OK, KILLED):
            check(self.err.strip(), f"{' '.join(self.arguments)}: exit code {self.code} without a word")
        if self.code in (FAILED, REFUSED, TRY_AGAIN):  # every failure is one object of the same members, and the last result
            check(self.results and set(self.results[-1]) == {"error", "message", "advice"},
                  f"{' '.join(self.arguments)}: exit code {self.code} without its object: {self.out}")
        return self

    def says(self, *patterns):
        for pattern in patterns:
            check(re.search(pattern, self.err + self.out, re.IGNORECASE | re.DOTALL),
                  f"{' '.join(self.arguments)}: nothing like '{pattern}' in: {self.err}{self.out}")
        return self


# Debian's libfaketime: the wall clock of one program begins elsewhere. Timeouts keep the real one.
FAKE_CLOCK = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}/faketime/libfaketime.so.1"


def environment(crash=None, clock=None):
    out = {key: value for key, value in os.environ.items() if key != "KAGIBIN_CRASH_AT"}
    if crash:
        out["KAGIBIN_CRASH_AT"] = crash
    if clock:
        check(pathlib.Path(FAKE_CLOCK).exists(), f"there is no {FAKE_CLOCK}: run scripts/setup")
        out |= {"LD_PRELOAD": FAKE_CLOCK, "FAKETIME": f"@{clock}", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + out.get("ASAN_OPTIONS", "")}
    return out


# Ends writing beyond so many octets with EFBIG, as a full disk does.
LIMITED = ("import os,resource,signal,sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
           "n=int(sys.argv[1]); resource.setrlimit(resource.RLIMIT_FSIZE,(n,n)); os.execv(sys.argv[2],sys.argv[2:])")


def command(role, arguments, file_limit=None):
    line = [str(options.bin / f"kagibin-{role}"), "--json", *map(str, arguments)]
    return line if file_limit is None else ["/usr/bin/python3", "-c", LIMITED, str(file_limit), *line]


def run(role, *arguments, crash=None, file_limit=None, cwd=None, clock=None):
    process = subprocess.Popen(command(role, arguments, file_limit), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment(crash, clock), cwd=cwd)
    try:
        out, err = process.communicate(timeout=BOUND)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"kagibin-{role} {arguments} hung for {BOUND} s: {err.decode()}") from None
    return Done([role, *map(str, arguments)], process.returncode, out.decode(), err.decode())


class Service:
    """A program in the background. Its output is read by a thread, so that it never waits for us."""

    def __init__(self, role, *arguments, crash=None, file_limit=None, stdin=subprocess.DEVNULL):
        self.role, self.arguments = role, [role, *map(str, arguments)]
        self.process = subprocess.Popen(command(role, arguments, file_limit), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(crash))
        self.lines, self.errors = [], []
        self.readers = [threading.Thread(target=self.read, args=(pipe, into), daemon=True)
                        for pipe, into in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(pipe, into):
        for line in pipe:
            into.append(line.decode())

    @property
    def port(self):
        end = time.monotonic() + BOUND
        while time.monotonic() < end and not self.lines and self.process.poll() is None:
            time.sleep(0.01)
        said = json.loads(self.lines[0]) if self.lines else {}
        check("port" in said, f"{' '.join(self.arguments)} does not listen: {said} {''.join(self.errors)}")
        return said["port"]

    @property
    def code(self):
        return self.process.poll()

    @property
    def computed(self):
        """Its processor time in ticks, or None while it computes or waits for a processor."""
        try:
            state, *numbers = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return None
        return None if state == "R" else int(numbers[10]) + int(numbers[11])

    def done(self):
        self.process.wait(BOUND)
        for reader in self.readers:
            reader.join(BOUND)
        return Done(self.arguments, self.process.returncode, "".join(self.lines), "".join(self.errors))

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"kagibin-{self.role} does not end on signal {number}") from None
        for reader in self.readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


def run_cases(about, bench_of, cases):
    """The cases in order on one bench in a temporary folder; what fails is told, and the rest still runs. Ends the program."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", nargs="?", default="build/asan/bin", type=pathlib.Path, help="folder of programs")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    options.bin, options.verbose = arguments.bin.resolve(), arguments.verbose
    failed = []
    with tempfile.TemporaryDirectory() as folder, bench_of(folder) as bench:
        for case in cases:
            try:
                case(bench)
                print(f"ok      {case.__name__}")
            except Exception:  # noqa: BLE001: the rest shall still run
                failed.append(case.__name__)
                print(f"FAILED  {case.__name__}\n{traceback.format_exc()}")
    print(f"{len(cases) - len(failed)} of {len(cases)} cases passed")
    sys.exit(1 if failed else 0)


# ---- a deployment ---------------------------------------------------------------------------------------------------

PUT_THREE = [{"derive": {"master": "fleet", "size": 16}}] * 3


def payload(keys=None):
    return {"target": DOMAIN, "channel": {"security_domain": DOMAIN, "key_version": "30"},
            "actions": [{"put_key": {"replace": "30", "key_version": "31", "key_identifier": "01", "keys": keys or PUT_THREE}}]}


class Site:
    """One copy of everybody's folders, with the distributor and the element running."""

    def __init__(self, folder, element=1, start=True):
        self.folder, self.element = pathlib.Path(folder), element
        self.services, self.relay, self.distributor, self.se = [], None, None, None
        self.passphrase = ["--passphrase-file", str(self.folder / "passphrase")]
        if start:
            self.start_distributor()
            self.start_element()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.relay:
            self.relay.close()
        for service in self.services:
            service.stop(signal.SIGKILL)

    def start(self, *arguments, **more):
        service = Service(*arguments, **more)
        self.services.append(service)
        return service

    def start_distributor(self, **more):
        self.distributor = self.start("distributor", "serve", "--listen", "127.0.0.1:0", "--home", self.home("distributor"),
                                      **more)
        self.via = f"127.0.0.1:{self.distributor.port}"

    def start_element(self):
        state = self.folder / "elements" / f"{SEID[self.element]}.nvm"
        self.se = self.start("se", "run", "--single", "--no-sync", "--state", state, "--listen", "127.0.0.1:0")
        self.element_port = self.se.port
        if not self.relay:
            self.relay = Relay(lambda: self.element_port)

    def home(self, role):
        return self.folder / role

    def provider(self, name, *arguments, way=True, **more):
        line = [name, *arguments, "--home", self.home("provider"), *self.passphrase]
        return run("provider", *line, *(["--via", self.via] if way else []), **more)

    def order(self, id_=ORDER, file="payload.json", device="phone-1", validity=None, **more):
        extra = ["--validity", validity] if validity else []
        return self.provider("order", self.folder / file, "--device", device, "--id", id_, *extra, **more)

    def agent(self, *arguments, home="agent", **more):
        return run("agent", "run", "--once", "--reader", f"tcp:127.0.0.1:{self.relay.port}", "--via", self.via, "--home",
                   self.home(home), *arguments, **more)

    def waiting(self, role, wait=60, terminal=None):
        """kagibin agent run or kagibin provider run in the background, until somebody ends it. `terminal`: where the provider
        asks for its passphrase."""
        reader = ["--reader", f"tcp:127.0.0.1:{self.relay.port}"] if role == "agent" else [] if terminal else self.passphrase
        return self.start(role, "run", "--wait", wait, "--via", self.via, "--home", self.home(role), *reader,
                          **({"stdin": terminal} if terminal else {}))

    def provider_run(self, timeout=1, **more):
        return self.provider("run", "--until-done", "--timeout", timeout, **more)

    def seal(self):
        """Orders, enrols, seals: what stands before the device is the envelope."""
        self.order().expect(OK)
        self.agent().expect(OK)
        check(self.follow().expect(OK).results[0]["state"] == "sealed", "the envelope was not sealed")

    def show(self):
        return {order["order"]: order for order in self.provider("show", way=False).expect(OK).results}

    def write_policy(self, **changes):
        path = self.home("provider") / "policy.json"
        policy = json.loads(path.read_text())
        policy.update(changes)
        path.write_text(json.dumps({key: value for key, value in policy.items() if value is not None}))

    def finish(self, owner=None, crash=None):
        """Everybody works until the order is done. The owner's processes run with the crash point until one has died of it,
        and are then started again. How often they died."""
        died, spared = 0, {"provider": False, "agent": False}
        end = time.monotonic() + BOUND
        while True:
            check(time.monotonic() < end, f"the order is not done after {BOUND} s: {self.show()}")
            agent = self.agent(crash=crash if owner == "agent" and not spared["agent"] else None)
            agent.expect(OK, TRY_AGAIN, *([KILLED] if owner == "agent" else []))
            spared["agent"] = agent.code == KILLED
            provider = self.follow(crash if owner == "provider" and not spared["provider"] else None)
            provider.expect(OK, TRY_AGAIN, *([KILLED] if owner == "provider" else []))
            spared["provider"] = provider.code == KILLED
            died += spared["agent"] + spared["provider"]
            if self.distributor.code is not None:
                check(self.distributor.code == KILLED and owner == "distributor",
                      f"the distributor ended: {self.distributor.done().err}")
                died += 1
                self.start_distributor()
            if self.se.code is not None:
                check(self.se.code == KILLED, f"the element ended: {self.se.done().err}")
                died += owner == "se"
                self.start_element()
            if provider.code == OK and all(order["state"] in ENDED for order in self.show().values()):
                return died

    def follow(self, crash=None):
        """kagibin provider run until the order is done or has nothing more to do for now."""
        provider = self.start("provider", "run", "--until-done", "--timeout", BOUND, "--home", self.home("provider"),
                              *self.passphrase, "--via", self.via, crash=crash)
        # What there is to do is done at once; afterwards it waits as the distributor asks, and computes nothing.
        computed, still_since, end = None, time.monotonic(), time.monotonic() + BOUND / 3
        while provider.code is None and time.monotonic() < min(still_since + 1, end) and not any(
                '"sealed"' in line for line in provider.lines):
            time.sleep(0.02)
            if (now := provider.computed) is None or now != computed:
                computed, still_since = now, time.monotonic()
        if provider.code is None:
            time.sleep(0.2)  # for what follows the line
            provider.process.send_signal(signal.SIGTERM)
        return provider.done()

    def confirmed(self, id_=ORDER, installs=1):
        shown = self.show()
        check(set(shown) == {id_}, f"there are other orders than {id_}: {shown}")
        check(shown[id_]["state"] == "confirmed", f"the order is not confirmed: {shown[id_]}")
        check(shown[id_]["seq"] == 1, f"the order has another SEQ than 1: {shown[id_]}")
        check(self.relay.installs == installs, f"{self.relay.installs} PUT KEY were answered 9000, not {installs}")
        self.check_keys(new=True)
        self.verify_log()

    def log(self):
        """What kagibin audit reads."""
        return self.home("distributor") / "orders.sqlite3"

    def verify_log(self):
        """The distributor's audit log is what was signed, and its store agrees with it."""
        return run("audit", "verify", self.log(), "--key", self.home("distributor") / "log.vkey").expect(OK)

    def check_keys(self, new):
        select_domain = f"00A40400{len(DOMAIN) // 2:02X}{DOMAIN}00"
        update = "8050{}0008000102030405060700"
        _, info, with_new, with_old = ask_element(self.element_port, select_domain, "80CA00E000", update.format("31"),
                                                  update.format("30"))
        check(info.endswith("9000"), f"GET DATA 00E0: {info}")
        versions = set(re.findall(r"C004..(..)8810", info))
        check(versions == {"31" if new else "30"}, f"the domain's key sets are {versions}: {info}")
        check(with_new.endswith("9000") == new and with_old.endswith("9000") != new,
              f"INITIALIZE UPDATE with 31: {with_new}, with 30: {with_old}")


def build_base(folder):
    """doc/walkthrough.md, sections 1 to 5, for two elements and two devices."""
    folder.mkdir()
    (folder / "passphrase").touch(mode=0o600)
    (folder / "passphrase").write_text("for this test alone\n")
    site = Site(folder, start=False)
    secret = site.passphrase

    def role(name, *arguments, with_passphrase=True):
        return run(name, *arguments, "--home", site.home(name), *(secret if with_passphrase else []), cwd=folder).expect(OK)

    role("authority", "init")
    role("maker", "init", "--name", "ACME")
    role("authority", "certify-maker", "maker/request.kbq", "--out", "maker.cert")
    role("maker", "install", "--certificate", "maker.cert", "--roots", "authority/roots.pem")
    role("manager", "init")
    role("provider", "init", "--spid", SPID)
    role("authority", "certify-provider", "provider/request.kbq", "--aid-prefix", DOMAIN, "--out", "provider.cert")
    role("provider", "install", "--certificate", "provider.cert", "--roots", "authority/roots.pem")
    made = role("maker", "make", "--count", "2", "--out", "elements", "--seid", SEID[1], "--shipment", "shipment.json",
                "--issuer-keys", "issuer-keys.cms", "--manager", "manager/exchange.pem")
    role("manager", "import-issuer-keys", "issuer-keys.cms", "--maker", "maker/maker.pem")
    role("provider", "accept-shipment", "shipment.json")
    for number in SEID:
        with Site(folder, element=number, start=False) as running:
            running.start_element()
            role("manager", "create-domain", "--reader", f"tcp:127.0.0.1:{running.element_port}", "--aid", DOMAIN)
            running.se.stop()
    role("manager", "export-keys", "--to", "provider/exchange.pem", "--aid", DOMAIN, "--card", f"{IIN}:{SEID[1][12:]}",
         "--card", f"{IIN}:{SEID[2][12:]}", "--out", "keys.cms")
    role("provider", "import-keys", "keys.cms", "--manager", "manager/signing.pem")
    role("distributor", "init", with_passphrase=False)
    for who in (["--provider", SPID], ["--device", "phone-1"], ["--device", "phone-2"], ["--device", "phone-3"],
                ["--operator", "ops"], ["--auditor", "eve"]):
        role("distributor", "invite", *who, "--server", "127.0.0.1:1", "--out", f"{who[1]}.invitation",
             with_passphrase=False)
    with site:
        site.start_distributor()
        for joining, home, who in (("provider", "provider", SPID), ("agent", "agent", "phone-1"), ("agent", "agent-2", "phone-2"),
                                   ("distributor", "operator", "ops"), ("distributor", "auditor", "eve")):
            run(joining, "join", folder / f"{who}.invitation", "--via", site.via, "--home", site.home(home)).expect(OK)
        site.distributor.stop()
    role("provider", "master-key", "create", "fleet")
    (folder / "payload.json").write_text(json.dumps(payload()))
    (folder / "provider" / "policy.json").write_text(json.dumps({
        "minimum_level": "RL1", "accept_rl1": "a test on one machine", "issuer_is_carrier": False, "suites": ["01"],
        "attestation_profiles": ["ATT-1"], "kda_code_hashes": [made.results[0]["kda_code_hash"]],
        "elements": [{"device": "phone-1", "seid": SEID[1]}, {"device": "phone-2", "seid": SEID[2]}],
        "maximum_validity_minutes": 1440}))


class Bench:
    """Where copies come from: everybody enrolled ("base"), and with the envelope waiting at the distributor ("sealed")."""

    def __init__(self, folder):
        self.folder, self.lock, self.number = folder, threading.Lock(), 0

    def prepare(self):
        build_base(self.folder / "base")
        shutil.copytree(self.folder / "base", self.folder / "sealed")
        with Site(self.folder / "sealed") as site:
            site.seal()
            site.se.stop()
            site.distributor.stop()

    @contextlib.contextmanager
    def site(self, stage="base", **more):
        with self.lock:
            self.number += 1
            folder = self.folder / str(self.number)
        shutil.copytree(self.folder / stage, folder)
        try:
            with Site(folder, **more) as site:
                yield site
        finally:
            shutil.rmtree(folder, ignore_errors=True)
