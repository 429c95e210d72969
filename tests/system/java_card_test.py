#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The key delivery application in Java Card between the real programs: two implementations, two languages, one delivery.

  java_card_test.py FOLDER OF PROGRAMS [-v]

The applet runs in jCardSim, behind a port (javacard/simulation). It delivers once into a security domain of kagibin-se
through an agent with two readers, once into such a domain at RL2, whose SCP11a key the authority certified, and once into
an applet beside it through an agent with one; and to a few thousand commands that are wrong, among them CERT.SD with any
octet changed, and to some that are right, it answers as the native application does. Once nobody certifies it: a CASD that stands in
for a card's attests it (ATT-2), and the provider believes that where its policy says so. Needs Maven and a JDK, and
builds javacard/ where that has not been done. Standard library only.
"""
import fcntl
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from element_relay import Relay, ask_element, read_frame, write_frame
from process_site import DOMAIN, FAILED, IIN, OK, SPID, TRY_AGAIN, Service, check, options, payload, run

JAVACARD = pathlib.Path(__file__).resolve().parent.parent.parent / "javacard"
TARGET_CARD = "4B420000000000000000000000000001"
CARD = "4B424A43000000000000000000000001"
CODE_HASH = "5A" * 32  # as of a load file that the maker loaded
SELECT = f"00A40400{len(DOMAIN) // 2:02X}{DOMAIN}00"
UPDATE = "8050{}0008000102030405060700"


def build():
    """Maven, once; another process may be at it."""
    with open(JAVACARD / "pom.xml", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (JAVACARD / "target" / "lib").is_dir() or not (JAVACARD / "target" / "classes").is_dir():
            subprocess.run(["mvn", "-q", "-B", "-f", str(JAVACARD / "pom.xml"), "-DskipTests", "test"], check=True)


class JavaCard:
    """A simulated card with the applet, and a target beside it."""

    def __init__(self, folder, target_keys=None, card_data=None, casd=None):
        """Without keys and card data there is nothing beside the applet. `casd`: the hash that a CASD says it has."""
        keys = folder / "domain.keys"
        keys.touch(mode=0o600)
        lines = ["kvn 01", *(f"{name} {secrets.token_hex(16)}" for name in ("enc", "mac", "dek"))]
        keys.write_text("\n".join(lines) + "\n")
        classes = f"{JAVACARD / 'target' / 'classes'}{os.pathsep}{JAVACARD / 'target' / 'lib'}/*"
        beside = ["--target", f"{DOMAIN}={target_keys}", "--card-data", card_data] if target_keys else []
        beside += ["--casd", f"{folder / 'authority' / 'roots.pem'}={casd}"] if casd else []
        self.process = subprocess.Popen(
            ["java", "-Xmx256m", "-cp", classes, "kagibin.simulation.CardServer", "--domain-keys", str(keys), *beside],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.reader = f"tcp:127.0.0.1:{self.port}"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Site:
    def __init__(self, folder):
        self.folder, self.services, self.cards = folder, [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for service in self.services:
            service.stop(signal.SIGKILL)
        for card in self.cards:
            card.stop()

    def role(self, name, *arguments, secret=True):
        extra = ["--passphrase-file", "passphrase"] if secret else []
        return run(name, *arguments, "--home", name, *extra, cwd=self.folder).expect(OK)

    def start(self, *arguments):
        self.services.append(Service(*arguments))
        return self.services[-1]

    def start_element(self):
        state = self.folder / "elements" / f"{TARGET_CARD}.nvm"
        self.element = self.start("se", "run", "--single", "--no-sync", "--state", state, "--listen", "127.0.0.1:0")
        return self.element.port

    def prepare(self, *of_elements):
        """Everybody but the card and the provider's domain, and an element that is made with these options."""
        (self.folder / "passphrase").touch(mode=0o600)
        (self.folder / "passphrase").write_text("for this test alone\n")
        self.role("authority", "init")
        self.role("maker", "init", "--name", "ACME")
        self.role("authority", "certify-maker", "maker/request.kbq", "--out", "maker.cert")
        self.role("maker", "install", "--certificate", "maker.cert", "--roots", "authority/roots.pem")
        self.role("manager", "init")
        self.role("provider", "init", "--spid", SPID)
        self.role("authority", "certify-provider", "provider/request.kbq", "--aid-prefix", DOMAIN, "--out", "provider.cert")
        self.role("provider", "install", "--certificate", "provider.cert", "--roots", "authority/roots.pem")
        self.role("maker", "make", "--out", "elements", "--seid", TARGET_CARD, "--shipment", "elements.json", "--issuer-keys",
                  "issuer-keys.cms", "--manager", "manager/exchange.pem", *of_elements)
        self.role("manager", "import-issuer-keys", "issuer-keys.cms", "--maker", "maker/maker.pem")
        self.role("distributor", "init", secret=False)
        for who in (["--provider", SPID], ["--device", "phone-1"]):
            self.role("distributor", "invite", *who, "--server", "127.0.0.1:1", "--out", f"{who[1]}.invitation", secret=False)
        self.role("provider", "master-key", "create", "fleet")

    def write_order(self, policy, channel):
        """What the provider orders, and what it accepts."""
        (self.folder / "payload.json").write_text(json.dumps(payload() | {"channel": channel}))
        (self.folder / "provider" / "policy.json").write_text(json.dumps(policy | {
            "suites": ["01"], "attestation_profiles": ["ATT-1"], "kda_code_hashes": [CODE_HASH],
            "maximum_validity_minutes": 1440}))

    def prepare_by_keys(self):
        """The provider's domain is in an element of kagibin-se, its first keys in a file as well."""
        self.prepare()
        port = self.start_element()
        self.role("manager", "create-domain", "--reader", f"tcp:127.0.0.1:{port}", "--aid", DOMAIN)
        card_data, = ask_element(port, "80CA006600")  # whoever installs the applet reads them from the card
        (self.folder / "card-data").write_text(card_data[:-4])
        self.element.stop()
        card = f"{IIN}:{TARGET_CARD[12:]}"
        self.role("manager", "export-keys", "--to", "provider/exchange.pem", "--aid", DOMAIN, "--card", card, "--out",
                  "keys.cms")
        self.role("manager", "key-file", "--card", card, "--aid", DOMAIN, "--out", "target.keys")
        self.write_order({"minimum_level": "RL1", "accept_rl1": "a test on one machine", "issuer_is_carrier": False,
                          "elements": [{"device": "phone-1", "seid": CARD}]}, payload()["channel"])

    def prepare_by_certificates(self):
        """The maker makes the provider's domain, whose SCP11a key the authority certifies; nobody exports a key."""
        self.prepare("--domain", DOMAIN, "--domain-owner", SPID, "--domain-requests", "requests")
        self.role("authority", "certify-domain", f"requests/{TARGET_CARD}.kbq", "--out", "domain.cert")
        port = self.start_element()
        self.role("maker", "store-domain", "domain.cert", "--reader", f"tcp:127.0.0.1:{port}")
        self.element.stop()
        self.write_order({"minimum_level": "RL2", "elements": [{"device": "phone-1", "seid": TARGET_CARD}]},
                         {"key_version": "30", "agreement_key_version": "03"})

    def certify(self, card, seid, *more):
        self.role("maker", "certify", "--reader", card.reader, "--domain-keys", "domain.keys", "--seid", seid, "--cin",
                  TARGET_CARD[12:], "--code-hash", CODE_HASH, "--shipment", "card.json", *more)
        self.role("provider", "accept-shipment", "card.json")

    def begin(self):
        """The maker certifies the applet in the card; the distributor runs, and provider and agent know it."""
        self.cards.append(JavaCard(self.folder, self.folder / "target.keys", (self.folder / "card-data").read_text()))
        card = self.cards[-1]
        self.certify(card, CARD)
        again = run("maker", "certify", "--reader", card.reader, "--domain-keys", "domain.keys", "--seid", CARD, "--cin",
                    TARGET_CARD[12:], "--code-hash", CODE_HASH, "--shipment", "again.json", "--home", "maker",
                    "--passphrase-file", "passphrase", cwd=self.folder)
        check(again.code not in (OK, None) and "6985" in again.err + again.out, f"certified twice: {again.err}{again.out}")
        self.role("provider", "import-keys", "keys.cms", "--manager", "manager/signing.pem")
        self.join()
        return card

    def begin_attested(self, code_hash):
        """No maker's session: the authority certifies the CASD's key, and the maker's list names it."""
        self.cards.append(JavaCard(self.folder, self.folder / "target.keys", (self.folder / "card-data").read_text(), code_hash))
        card = self.cards[-1]
        self.role("maker", "casd-requests", "--reader", card.reader, "--seid", CARD, "--out", "casd", "--cin", TARGET_CARD[12:],
                  "--shipment", "card.json")
        self.role("authority", "certify-casd", "casd/signature.kbq", "--out", "casd/signature.cert")
        self.role("maker", "store-casd", "casd/signature.cert", "--reader", card.reader)
        self.role("provider", "accept-shipment", "card.json")
        self.role("provider", "import-keys", "keys.cms", "--manager", "manager/signing.pem")
        self.join()
        return card

    def accept(self, *profiles):
        policy = self.folder / "provider" / "policy.json"
        policy.write_text(json.dumps(json.loads(policy.read_text()) | {"attestation_profiles": profiles}))

    def begin_by_certificates(self):
        """The same with CERT.OCE, and as the element whose domain CERT.SD names."""
        self.cards.append(JavaCard(self.folder))
        card = self.cards[-1]
        self.certify(card, TARGET_CARD, "--host-certificate")
        self.join()
        return card

    def join(self):
        distributor = self.start("distributor", "serve", "--listen", "127.0.0.1:0", "--home", self.folder / "distributor")
        self.via = f"127.0.0.1:{distributor.port}"
        for role, who in (("provider", SPID), ("agent", "phone-1")):
            run(role, "join", self.folder / f"{who}.invitation", "--via", self.via, "--home", self.folder / role).expect(OK)

    def provider(self, *arguments):
        return run("provider", *arguments, "--via", self.via, "--home", "provider", "--passphrase-file", "passphrase",
                   cwd=self.folder)

    def deliver(self, *readers, end_state="confirmed"):
        self.provider("order", "payload.json", "--device", "phone-1", "--id", "order-1").expect(OK)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            run("agent", "run", "--once", *readers, "--via", self.via, "--home", self.folder / "agent").expect(OK, TRY_AGAIN)
            done = self.provider("run", "--until-done", "--timeout", "1").expect(OK, FAILED, TRY_AGAIN)
            if done.code != TRY_AGAIN:
                break
        shown = run("provider", "show", "--home", "provider", "--passphrase-file", "passphrase", cwd=self.folder).expect(OK)
        check([order["state"] for order in shown.results] == [end_state], f"the order is not {end_state}: {shown.out}")


def into_an_element(folder):
    """From the applet in jCardSim into a security domain of kagibin-se, two readers at one agent."""
    with Site(folder) as site:
        card = site.begin()
        port = site.start_element()
        site.deliver("--kda-reader", card.reader, "--target-reader", f"tcp:127.0.0.1:{port}")
        _, with_new, with_old = ask_element(port, SELECT, UPDATE.format("31"), UPDATE.format("30"))
        check(with_new.endswith("9000") and not with_old.endswith("9000"), f"31: {with_new}, 30: {with_old}")


def into_an_element_by_certificates(folder):
    """At RL2: the applet is certified as that element's, so that CERT.SD names them both. Two readers at one agent."""
    commands, with_new, with_old = deliver_by_certificates(folder, lambda command, answer: answer, "confirmed")
    check(with_new.endswith("9000") and not with_old.endswith("9000"), f"31: {with_new}, 30: {with_old}")
    check(0x50 not in commands, "a static key set opened a channel")
    check([commands.count(one) for one in (0x2A, 0x82, 0xD8)] == [1, 1, 1], f"the domain was sent {commands}")


def sends_nothing_behind_a_wrong_receipt(folder):
    """The same, and the device changes one octet of what the domain answers to MUTUAL AUTHENTICATE."""
    def lie(command, answer):
        return answer[:-3] + bytes([answer[-3] ^ 1]) + answer[-2:] if command[1] == 0x82 else answer

    commands, with_new, with_old = deliver_by_certificates(folder, lie, "refused")
    check(with_old.endswith("9000") and not with_new.endswith("9000"), f"31: {with_new}, 30: {with_old}")
    check(0x82 in commands and 0xD8 not in commands, f"the domain was sent {commands}")


def deliver_by_certificates(folder, after_answer, end_state):
    """The instructions that went to the domain, and what it says afterwards to the new version and to the old one."""
    with Site(folder) as site:
        card = site.begin_by_certificates()
        port = site.start_element()
        commands = []
        relay = Relay(lambda: port)
        relay.after_answer = lambda _, command, answer: commands.append(command[1]) or after_answer(command, answer)
        site.deliver("--kda-reader", card.reader, "--target-reader", f"tcp:127.0.0.1:{relay.port}", end_state=end_state)
        relay.close()
        return commands, *ask_element(port, SELECT, UPDATE.format("31"), UPDATE.format("30"))[1:]


def attested_by_a_casd(folder):
    """ATT-2: nobody certified the applet; the card's CASD states which code it is."""
    with Site(folder) as site:
        card = site.begin_attested(CODE_HASH)
        site.accept("ATT-2")
        site.deliver("--reader", card.reader)
        _, with_new, with_old = ask_element(card.port, SELECT, UPDATE.format("31"), UPDATE.format("30"))
        check(with_new.endswith("9000") and not with_old.endswith("9000"), f"31: {with_new}, 30: {with_old}")


def attested_where_the_policy_wants_a_maker(folder):
    """The same under a policy of ATT-1 alone: nothing is sealed."""
    with Site(folder) as site:
        card = site.begin_attested(CODE_HASH)
        site.deliver("--reader", card.reader, end_state="refused")


def attested_as_other_code(folder):
    """The same, and the CASD states another hash than the provider knows."""
    with Site(folder) as site:
        card = site.begin_attested("5B" * 32)
        site.accept("ATT-1", "ATT-2")
        site.deliver("--reader", card.reader, end_state="refused")


def into_an_applet_beside_it(folder):
    """Both applications in one simulated card, one reader, two logical channels."""
    with Site(folder) as site:
        card = site.begin()
        site.deliver("--reader", card.reader)
        _, with_new, with_old = ask_element(card.port, SELECT, UPDATE.format("31"), UPDATE.format("30"))
        check(with_new.endswith("9000") and not with_old.endswith("9000"), f"31: {with_new}, 30: {with_old}")


class Card:
    """A card with the application selected on its basic channel."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.settimeout(30)
        write_frame(self.socket, b"\x01")
        check(self.ask(bytes.fromhex("00A4040009F04B41474942494E0100"))[-2:] == b"\x90\0", "no application")

    def ask(self, command):
        write_frame(self.socket, command)
        return read_frame(self.socket)


def blocks(instruction, message):
    parts = [message[at:at + 255] for at in range(0, len(message), 255)] or [b""]
    for number, part in enumerate(parts):
        last = number + 1 == len(parts)
        yield bytes([0x80 if last else 0x90, instruction, 0, number]) + (bytes([len(part)]) + part if part else b"")


APPLET_SUITES = bytes.fromhex("8001018101")  # the beginning of its CAPABILITIES: version 1, one suite


class Pair:
    """The applet and the native application, asked the same."""

    def __init__(self, applet, native):
        self.applet, self.native = Card(applet), Card(native)

    def compare(self, command):
        """The status word; what they draw at random is not compared, nor the suites that the native one has beside the applet's."""
        ours, theirs = self.applet.ask(command), self.native.ask(command)
        if ours[:5] == APPLET_SUITES and theirs[:4] == ours[:3] + b"\x81":
            end = 5 + theirs[4]
            check(ours[5] == 0x01 and 0x01 in theirs[5:end], f"CAPABILITIES: {ours.hex()}, {theirs.hex()}")
            ours, theirs = ours[6:], theirs[end:]
        check(ours[-2:] == theirs[-2:] and (len(ours) > 20 or ours == theirs),
              f"{command.hex()}: the applet answers {ours.hex()}, the native one {theirs.hex()}")
        return ours[-2:]

    def refusal(self, instruction, message):
        """Of the first block that is refused; none when the whole is taken."""
        for command in blocks(instruction, message):
            if (word := self.compare(command)) != b"\x90\0":
                return word.hex()
        return None


def hear_request(site, card, *target):
    """What an agent hands to ENROL in that card."""
    relay = Relay(lambda: card.port)
    heard = bytearray()

    def listen(_, command):
        if command[0] & 0x80 and command[1] == 0x10:
            heard.extend(command[5:5 + command[4]])
        return command

    relay.before_send = listen
    site.provider("order", "payload.json", "--device", "phone-1", "--id", "order-1").expect(OK)
    run("agent", "run", "--once", "--kda-reader", f"tcp:127.0.0.1:{relay.port}", "--target-reader",
        *(target or [f"tcp:127.0.0.1:{relay.port}"]), "--via", site.via, "--home", site.folder / "agent").expect(OK, TRY_AGAIN)
    relay.close()
    check(heard[:1] == b"\xe0", f"no request was heard: {heard.hex()}")
    return bytes(heard)


def changed(message, at):
    damaged = bytearray(message)
    damaged[at] ^= 1 << at % 8
    return bytes(damaged)


def some_command(draw):
    """One command of no meaning, near to those that have one; none for the card manager, which is not the applet."""
    cla = draw.choice([0x80] * 8 + [0x90, 0x90, 0x84, 0x00, 0x94, 0xA0, 0x88, 0xFF, 0x60 | draw.randrange(32)])
    instruction = draw.choice([0x10, 0x12, 0x14, 0x16, 0x18, 0x1A, 0x1C, 0x1E, 0x20, 0x22, 0x50, 0x82, 0xC0, draw.randrange(256)])
    if instruction in (0x70, 0xA4, 0xCA):  # MANAGE CHANNEL, SELECT, GET DATA
        instruction = 0x1E
    p1, p2 = draw.choice([0, 0, 0, 0, 1, 0xFF]), draw.choice([0, 0, 0, 1, 2, draw.randrange(256)])
    handle = b"\x83\x10" + draw.randbytes(16)
    data = draw.choice([b"", handle, handle, handle + b"\xd3\x02\x90\x00\xd4\x00", handle[:draw.randrange(18)],
                        b"\x80\x01" + draw.randbytes(1) + b"\x81\x04" + draw.randbytes(4) + b"\x9e\x08" + draw.randbytes(8),
                        b"\x80\x01\x01\x81\x04\0\0\0\x01\x9e\x08" + bytes.fromhex("3006020101020101"),
                        draw.randbytes(draw.randrange(1, 60))])
    return bytes([cla, instruction, p1, p2]) + (bytes([len(data)]) + data if data else b"")


def answers_as_the_native_one(folder):
    """Commands without meaning, and requests and envelopes with one octet changed, to both applications."""
    with Site(folder) as site:
        card = site.begin()
        port = site.start_element()
        request = hear_request(site, card)
        pair = Pair(card.port, port)
        words = {pair.refusal(0x10, changed(request, at)) for at in range(len(request))}
        check(words == {"6982", "6a80", "6a81"}, f"changed requests are answered {words}")
        for command in ("80CA006600", "00CA006600", "80CA0066", "80CA00660A", "84CA006600", "90CA006600", "80CA016600", "80CA006700"):
            ours, theirs = pair.applet.ask(bytes.fromhex(command)), pair.native.ask(bytes.fromhex(command))
            check(ours == theirs, f"{command}: the applet answers {ours.hex()}, the native one {theirs.hex()}")
        draw = random.Random(20)
        seen = {pair.compare(some_command(draw)).hex() for _ in range(4000)}
        check(len(seen) > 10, f"the commands were too much alike: {seen}")
        check(pair.refusal(0x10, request)[:2] == "61", "the request itself is refused")


def takes_certificates_as_the_native_one(folder):
    """The two applications are certified as one element's: whatever befalls CERT.SD, they say the same."""
    with Site(folder) as site:
        card = site.begin_by_certificates()
        port = site.start_element()
        message = hear_request(site, card, f"tcp:127.0.0.1:{port}")
        begin = 4 + int.from_bytes(message[2:4], "big")
        check(message[1] == 0x82 and message[begin:begin + 2] == b"\x7f\x21", f"no CERT.SD was heard: {message.hex()}")
        pair = Pair(card.port, port)
        check(pair.applet.ask(bytes.fromhex("801E000000")).hex() == "800101810101820107830204009000", "CAPABILITIES")
        pair.compare(bytes.fromhex("801E000000"))
        words = {pair.refusal(0x10, changed(message, at)) for at in range(begin, len(message))}
        check(words == {"6982", "6a80", "6a81"}, f"changed certificates are answered {words}")
        words = {pair.refusal(0x10, other) for other in [message[:size] for size in range(begin + 1, len(message), 7)] +
                 [message + b"\0", message + message[begin:]]}
        check(words == {"6a80"}, f"certificates of another length are answered {words}")
        check(pair.refusal(0x10, message)[:2] == "61", "the request itself is refused")


def main():
    options.bin = pathlib.Path(sys.argv[1]).resolve()
    build()
    with tempfile.TemporaryDirectory(prefix="kagibin-javacard-") as name:
        cases = {Site.prepare_by_keys: (into_an_element, into_an_applet_beside_it, answers_as_the_native_one,
                                        attested_by_a_casd, attested_where_the_policy_wants_a_maker, attested_as_other_code),
                 Site.prepare_by_certificates: (into_an_element_by_certificates, sends_nothing_behind_a_wrong_receipt,
                                                takes_certificates_as_the_native_one)}
        for prepare, case in ((prepare, case) for prepare, several in cases.items() for case in several):
            base = pathlib.Path(name) / prepare.__name__
            if not base.exists():
                base.mkdir()
                with Site(base) as site:
                    prepare(site)
            folder = pathlib.Path(name) / case.__name__
            shutil.copytree(base, folder)
            begin = time.monotonic()
            case(folder)
            print(f"{case.__name__}: {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main()
