#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Confidential set-up between programs: a provider agrees with its domain on keys that the manager, who carries it, does
not know; and what goes wrong on the way.

  confidential_setup_test.py [FOLDER OF PROGRAMS] [-v]

Each case has an element of its own. Standard library only.
"""
import json
import pathlib
import re
import signal

from element_relay import Cut, Relay, ask_element
from process_site import DOMAIN, FAILED, IIN, OK, REFUSED, SPID, TRY_AGAIN, USAGE, Service, check, run, run_cases

OTHER_DOMAIN = "F0574C4B0202"  # ours by name, of no certificate
STORE_DATA = 0xE2
SELECT_DOMAIN = f"00A40400{len(DOMAIN) // 2:02X}{DOMAIN}00"
KEY_INFORMATION = "80CA00E000"


class Bench:
    def __init__(self, folder):
        self.folder, self.services, self.made = pathlib.Path(folder), [], 0
        secret = self.folder / "passphrase"
        secret.touch(mode=0o600)
        secret.write_text("for this test alone\n")
        self.role("authority", "init").expect(OK)
        self.certified_maker("maker", "ACME")
        self.role("manager", "init").expect(OK)
        self.role("provider", "init", "--spid", SPID).expect(OK)
        self.role("authority", "certify-provider", "provider/request.kbq", "--aid-prefix", DOMAIN, "--out", "provider.cert",
                  ).expect(OK)
        self.role("provider", "install", "--certificate", "provider.cert", "--roots", "authority/roots.pem").expect(OK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for service in self.services:
            service.stop(signal.SIGKILL)

    def certified_maker(self, home, name):
        self.role("maker", "init", "--name", name, home=home).expect(OK)
        self.role("authority", "certify-maker", f"{home}/request.kbq", "--out", f"{home}.cert").expect(OK)
        self.role("maker", "install", "--certificate", f"{home}.cert", "--roots", "authority/roots.pem", home=home).expect(OK)

    def role(self, name, *arguments, home=None, crash=None):
        return run(name, *arguments, "--home", home or name, "--passphrase-file", "passphrase", cwd=self.folder, crash=crash)

    def element(self, casd=True, certified=True, shipped=True, first="30", maker="maker", seid=None):
        """A new element that runs, with the provider's domain in it."""
        self.made += 1
        seid = seid or f"4B4200000000000000000000000001{self.made:02X}"
        out = pathlib.Path(f"element-{self.made}")
        self.role("maker", "make", "--out", out, "--seid", seid, "--shipment", out / "shipment.json", "--issuer-keys",
                  out / "issuer.cms", "--manager", "manager/exchange.pem", *(["--casd"] if casd else []), home=maker).expect(OK)
        self.role("manager", "import-issuer-keys", out / "issuer.cms", "--maker", f"{maker}/maker.pem").expect(OK)
        if shipped:
            self.role("provider", "accept-shipment", out / "shipment.json").expect(OK)
        self.services.append(Service("se", "run", "--single", "--no-sync", "--state", self.folder / out / f"{seid}.nvm",
                                     "--listen", "127.0.0.1:0"))
        self.port = self.services[-1].port
        self.reader, self.card = f"tcp:127.0.0.1:{self.port}", f"{IIN}:{seid[12:]}"
        if casd and certified:
            self.certify(out, seid)
        self.role("manager", "create-domain", "--reader", self.reader, "--aid", DOMAIN, "--key-version", first).expect(OK)
        return seid

    def certify(self, out, seid):
        requests = self.role("maker", "casd-requests", "--reader", self.reader, "--seid", seid, "--out", out).expect(OK)
        for kind, file in requests.results[0].items():
            self.role("authority", "certify-casd", file, "--out", out / f"{kind}.cert").expect(OK)
        self.role("maker", "store-casd", out / "agreement.cert", out / "signature.cert", "--reader", self.reader).expect(OK)

    def carry(self, *arguments, aid=DOMAIN):
        service = Service("manager", "carry", "--reader", self.reader, "--aid", aid, *arguments, "--home",
                          self.folder / "manager", "--passphrase-file", self.folder / "passphrase")
        self.services.append(service)
        return service

    def agree(self, *arguments, port=None, aid=DOMAIN):
        """The provider's answer, and the manager's."""
        carrier = None
        if port is None:
            carrier = self.carry()
            port = carrier.port
        done = self.role("provider", "agree-keys", "--reader", f"tcp:127.0.0.1:{port}", "--aid", aid, *arguments)
        return done, carrier.done() if carrier else None

    def versions(self):
        _, keys = ask_element(self.port, SELECT_DOMAIN, KEY_INFORMATION)
        return set(re.findall(r"C004..(..)88", keys))


def both_agree_and_the_manager_is_out(bench):
    bench.element()
    check(bench.versions() == {"30"}, f"the domain has {bench.versions()}")
    agreed, carried = bench.agree()
    result = agreed.expect(OK).results[0]
    check(not result["found"] and result["key_version"] == "31", f"{result}")
    check(carried.expect(OK).results[-1]["store_data"] == 2, f"{carried.out}")
    check(bench.versions() == {"31"}, f"the domain has {bench.versions()}")
    # What the manager knows opens the domain no more, nor do the issuer's keys.
    for domain in (["--aid", DOMAIN], []):
        bench.role("manager", "key-file", "--card", bench.card, *domain, "--out", "card.keys").expect(OK)
        run("gp", "info", "--sd", DOMAIN, "--reader", bench.reader, "--keys", bench.folder / "card.keys").expect(FAILED, REFUSED)
        (bench.folder / "card.keys").unlink()
    again, carried = bench.agree()
    check(again.expect(OK).results[0]["found"], f"{again.out}")
    check(carried.expect(OK).results[-1]["store_data"] == 0, f"{carried.out}")


def the_managers_keys_stay_on_request_and_sizes_are_chosen(bench):
    bench.element()
    bench.agree("--key-version", "30")[0].expect(FAILED, REFUSED).says("none that we agreed on")
    bench.agree("--keep-old-keys", "--key-size", "32", "--key-version", "33")[0].expect(OK)
    check(bench.versions() == {"30", "33"}, f"the domain has {bench.versions()}")


def an_answer_that_is_lost_loses_no_key(bench):
    bench.element()
    relay = Cutting(bench.carry(), before=False)
    bench.agree(port=relay.port)[0].expect(TRY_AGAIN).says("answer was lost", "same command again")
    relay.close()
    check(bench.versions() == {"31"}, "the card did not take the set-up")
    check(bench.agree()[0].expect(OK).results[0]["found"], "the keys were lost")


def a_certificate_longer_than_a_command_is_carried(bench):
    bench.element()
    prefixes = [argument for number in range(4) for argument in ("--aid-prefix", f"F0A0A1A2A3A4A5A6A7A8A9AAABACAD0{number}")]
    bench.role("authority", "certify-provider", "provider/request.kbq", "--aid-prefix", DOMAIN, *prefixes, "--out", "long.cert",
               ).expect(OK)
    bench.role("provider", "install", "--certificate", "long.cert", "--roots", "authority/roots.pem").expect(OK)
    agreed, carried = bench.agree()
    agreed.expect(OK)
    check(carried.expect(OK).results[-1]["store_data"] == 3, f"{carried.out}")
    check(bench.versions() == {"31"}, f"the domain has {bench.versions()}")


def a_set_that_others_may_know_is_exclusive_no_longer(bench):
    seid = bench.element()
    bench.agree()[0].expect(OK)
    policy = {"minimum_level": "RL3", "suites": ["01"], "attestation_profiles": ["ATT-1"], "kda_code_hashes": ["00" * 32],
              "elements": [{"device": "phone-1", "seid": seid}], "maximum_validity_minutes": 1440}
    (bench.folder / "provider" / "policy.json").write_text(json.dumps(policy))
    payload = {"target": DOMAIN, "channel": {"key_version": "31"},
               "actions": [{"put_key": {"key_version": "40", "key_identifier": "01", "keys": [{"random": 16}]}}]}
    (bench.folder / "payload.json").write_text(json.dumps(payload))
    check(bench.role("provider", "check", "payload.json").expect(OK).results[0]["level"] == "RL3", "it is not exclusive")
    named = ["--seid", seid, "--aid", DOMAIN, "--key-version"]
    bench.role("provider", "expose-keys", *named, "32").expect(FAILED).says("We hold no channel keys")
    marked = bench.role("provider", "expose-keys", *named, "31").expect(OK).results[0]
    check(marked["channel_keys"] and not marked["static_dek"], f"{marked}")
    bench.role("provider", "check", "payload.json").expect(REFUSED).says("RL3 needs a key set that we alone know")
    bench.role("provider", "expose-keys", *named, "31").expect(OK)  # again changes nothing


def an_export_that_is_cut_leaves_the_mark_and_no_block(bench):
    bench.role("provider", "master-key", "create", "fleet", "--exportability", "E").expect(OK)
    bench.role("provider", "ceremony", "start", "zone", "--for", "protection-key").expect(OK)
    for number in (1, 2):
        bench.role("provider", "ceremony", "draw", "--out", f"component-{number}").expect(OK)
        drawn = bench.folder / f"component-{number}"
        value = bench.role("provider", "ceremony", "component", "zone", str(number), "--check-value", "000000", "--file", drawn)
        value = re.search(r"has ([0-9A-F]{10}) by CMAC", value.expect(USAGE).err).group(1)
        bench.role("provider", "ceremony", "component", "zone", str(number), "--check-value", value, "--file", drawn).expect(OK)
    bench.role("provider", "ceremony", "finish", "zone").expect(OK)
    export = ["provider", "export-key-block", "fleet", "--kbpk", "zone", "--out", "fleet.block"]
    cut = bench.role(*export, crash="provider.key_block.after_mark")
    check(cut.code == -signal.SIGKILL, f"it was not cut: {cut.code}")
    check(not (bench.folder / "fleet.block").exists(), "the block is out")
    told = bench.role("provider", "expose-master-key", "fleet").expect(OK).results[0]
    check("went out as a key block" in told["before"], f"{told}")
    bench.role(*export).expect(OK)
    bench.role("provider", "expose-master-key", "none").expect(FAILED).says("There is no master key")


class Cutting(Relay):
    """Cuts before or behind the second STORE DATA, and keeps it."""

    def __init__(self, carrier, before):
        super().__init__(lambda: carrier.port)
        self.held, self.seen = None, 0
        if before:
            self.before_send = self.cut
        else:
            self.after_answer = lambda number, apdu, answer: (self.cut(number, apdu), answer)[1]

    def cut(self, _, apdu):
        self.seen += apdu[1] == STORE_DATA
        if self.seen == 2:
            self.held = apdu
            raise Cut
        return apdu


def keys_that_came_from_an_export_are_not_agreed_on(bench):
    bench.element(first="31")
    bench.role("manager", "export-keys", "--to", "provider/exchange.pem", "--aid", DOMAIN, "--card", bench.card,
               "--key-version", "31", "--out", "keys.cms").expect(OK)
    bench.role("provider", "import-keys", "keys.cms", "--manager", "manager/signing.pem").expect(OK)
    check(bench.versions() == {"31"}, f"the domain has {bench.versions()}")
    bench.agree()[0].expect(FAILED, REFUSED).says("none that we agreed on", "another --key-version")


def a_set_that_is_hidden_is_not_made_anew(bench):
    bench.element()
    bench.agree()[0].expect(OK)
    carrier = bench.carry()
    relay = Relay(lambda: carrier.port)
    relay.after_answer = lambda _, apdu, answer: bytes.fromhex("E0009000") if apdu[1] == 0xCA and apdu[3] == 0xE0 else answer
    bench.agree(port=relay.port)[0].expect(FAILED, REFUSED).says("hides it", "nothing was sent")
    relay.close()
    check(bench.agree()[0].expect(OK).results[0]["found"], "the agreed keys are gone")


def a_request_that_is_held_back_and_taken_later_loses_no_key(bench):
    bench.element()
    carrier = bench.carry()
    relay = Cutting(carrier, before=False)  # the card has taken the first one, and nobody is told
    bench.agree(port=relay.port)[0].expect(TRY_AGAIN)
    relay.close()
    carrier = bench.carry()
    second = Relay(lambda: carrier.port)  # and is said not to have
    second.before_send = lambda _, apdu: apdu
    second.after_answer = (lambda _, apdu, answer: bytes.fromhex("E0009000") if apdu[1] == 0xCA and apdu[3] == 0xE0
                           else bytes.fromhex("851000112233445566778899AABBCCDDEEFF9000") if apdu[1] == STORE_DATA else answer)
    bench.agree(port=second.port)[0].expect(FAILED, REFUSED, USAGE)
    second.close()
    check(bench.agree()[0].expect(OK).results[0]["found"], "the keys of the first request were lost")


def domains_with_long_challenges_and_other_domains_under_the_prefix(bench):
    bench.element()
    other = DOMAIN + "07"
    bench.role("manager", "create-domain", "--reader", bench.reader, "--aid", other, "--scp03-i", "71").expect(OK)
    agreed, carried = bench.agree(aid=other)
    agreed.expect(FAILED)
    carried.expect(FAILED, REFUSED, TRY_AGAIN).says("another domain")
    check(bench.versions() == {"30"}, "the domain that was not meant has other keys")
    carrier = bench.carry("--scp03-i", "71", aid=other)
    bench.agree(port=carrier.port, aid=other)[0].expect(OK)
    carrier.done().expect(OK)
    carrier = bench.carry()
    bench.agree("--seid", "00" * 16, port=carrier.port)[0].expect(REFUSED).says("nothing was sent")


def a_request_that_is_lost_is_made_anew(bench):
    bench.element()
    relay = Cutting(bench.carry(), before=True)
    bench.agree(port=relay.port)[0].expect(TRY_AGAIN)
    relay.close()
    check(bench.versions() == {"30"}, "the card took what was never sent")
    check(not bench.agree()[0].expect(OK).results[0]["found"], "nothing was there to be found")


def a_forged_receipt_and_a_forged_refusal_are_not_believed(bench):
    for forge, code, words in ((lambda answer: answer[:-3] + bytes([answer[-3] ^ 1]) + answer[-2:], REFUSED, "receipt is not"),
                               (lambda _: bytes.fromhex("6A80"), FAILED, "run the same command again")):
        bench.element()
        carrier = bench.carry()
        relay, seen = Relay(lambda: carrier.port), []

        def change(_, apdu, answer):
            seen.append(apdu[1])
            return forge(answer) if seen.count(STORE_DATA) == 2 and apdu[1] == STORE_DATA else answer

        relay.after_answer = change
        bench.agree(port=relay.port)[0].expect(code).says(words)
        relay.close()
        check(bench.agree()[0].expect(OK).results[0]["found"], "the keys were there, and kept")


def who_is_no_part_of_it_is_told_so(bench):
    bench.element(casd=False)
    bench.agree()[0].expect(FAILED).says("no domain of the controlling authority")
    bench.element(certified=False)
    bench.agree()[0].expect(FAILED).says("no certificates yet", "store-casd")
    bench.element(shipped=False)
    bench.agree()[0].expect(FAILED, REFUSED).says("no shipment list names", "accept-shipment")
    bench.agree(aid=OTHER_DOMAIN)[0].expect(REFUSED).says("certificate does not cover")
    bench.role("provider", "agree-keys", "--reader", "tcp:127.0.0.1:1", "--aid", DOMAIN).expect(TRY_AGAIN)
    bench.role("provider", "agree-keys", "--aid", DOMAIN).expect(USAGE).says("--reader")


def another_makers_casd_under_an_honest_seid_is_not_believed(bench):
    """The authority certified it, and the manager has a domain with it that would take the set-up."""
    honest = bench.element()
    bench.certified_maker("second", "OTHER")
    bench.element(shipped=False, maker="second", seid=honest)
    agreed, carried = bench.agree()
    agreed.expect(REFUSED).says("pins the element to another CASD", "Nothing was sent", "is an attack")
    check(carried.expect(OK).results[-1]["store_data"] == 0, f"{carried.out}")
    bench.role("provider", "accept-shipment", f"element-{bench.made}/shipment.json").expect(FAILED).says("another maker")
    bench.agree()[0].expect(REFUSED).says("pins the element to another CASD")


def a_manager_with_other_keys_carries_nothing(bench):
    bench.element()
    carrier = bench.carry("--key-version", "30", "--key-size", "24")
    agreed, _ = bench.agree(port=carrier.port)
    agreed.expect(FAILED).says("manager could not open it", "6982")
    carrier.done().expect(REFUSED).says("not set up")
    check(bench.versions() == {"30"}, "something was changed")
    idle = bench.carry()
    check(idle.port, "it does not listen")
    idle.process.send_signal(signal.SIGTERM)
    idle.done().expect(FAILED, TRY_AGAIN)


def certificates_of_another_element_are_refused(bench):
    bench.element(certified=False)
    first = bench.reader
    bench.element()
    bench.role("maker", "store-casd", f"element-{bench.made}/agreement.cert", "--reader", first).expect(FAILED).says("6A80")


CASES = [both_agree_and_the_manager_is_out, the_managers_keys_stay_on_request_and_sizes_are_chosen,
         an_answer_that_is_lost_loses_no_key, a_request_that_is_lost_is_made_anew,
         a_forged_receipt_and_a_forged_refusal_are_not_believed, keys_that_came_from_an_export_are_not_agreed_on,
         a_set_that_is_hidden_is_not_made_anew, a_request_that_is_held_back_and_taken_later_loses_no_key,
         domains_with_long_challenges_and_other_domains_under_the_prefix, who_is_no_part_of_it_is_told_so,
         another_makers_casd_under_an_honest_seid_is_not_believed,
         a_manager_with_other_keys_carries_nothing, a_certificate_longer_than_a_command_is_carried,
         a_set_that_others_may_know_is_exclusive_no_longer, an_export_that_is_cut_leaves_the_mark_and_no_block, certificates_of_another_element_are_refused]


if __name__ == "__main__":
    run_cases(__doc__, Bench, CASES)
