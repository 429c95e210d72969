#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A delivery at RL2 under policy.token_only, typed: the provider's signing, exchange and KEM keys and the delivered keys are in NSS softokn,
which seals the envelope itself. NSS is reached through the tests' module, which gives it its parameters. The key that was put into the token
from a file is then in no file of the provider. Skipped (exit code 77) where NSS is not installed.

  sealing_in_token_test.py FOLDER_OF_PROGRAMS MODULE
"""
import base64
import json
import os
import pathlib
import re
import secrets
import subprocess
import sys
import tempfile

import process_site
from process_site import FAILED, OK, Service, check, run

NSS = "/usr/lib/x86_64-linux-gnu/libsoftokn3.so"
SPID = "53500000000000000000000000000001"
SEID = "4B420000000000000000000000000002"
DOMAIN = "F0574C4B0101"

# A user PIN in a token that has none, as its keeper would set it: PKCS#11 v2.40, 5.5 and 5.6, by the places of the functions in the list.
SET_PIN = """
import ctypes, sys
class Call:
    def __init__(self, table): self.table = table
    def __call__(self, place, *arguments):
        function = ctypes.CFUNCTYPE(ctypes.c_ulong, *[type(one) for one in arguments])(self.table[place + 1])
        rv = function(*arguments)
        assert rv == 0, f"function {place} answers {rv:X}"
module = ctypes.CDLL(sys.argv[1])
table = ctypes.POINTER(ctypes.c_void_p)()
assert module.C_GetFunctionList(ctypes.byref(table)) == 0
call = Call(table)
null = ctypes.c_void_p(None)
word = ctypes.c_ulong
# C_Initialize of NSS: four locks, flags (the system's locks), its parameters, nothing.
parameters = ctypes.create_string_buffer(sys.argv[3].encode())
start = (ctypes.c_void_p * 7)(None, None, None, None, 2, ctypes.addressof(parameters), None)
call(0, ctypes.cast(start, ctypes.c_void_p))
slots, count = (word * 8)(), word(8)
call(4, ctypes.c_ubyte(1), ctypes.cast(slots, ctypes.c_void_p), ctypes.cast(ctypes.byref(count), ctypes.c_void_p))
for slot in slots[:count.value]:
    info = ctypes.create_string_buffer(512)
    call(6, word(slot), ctypes.cast(info, ctypes.c_void_p))  # C_GetTokenInfo
    if info.raw.startswith(b"acme "):
        session = word(0)
        call(12, word(slot), word(6), null, null, ctypes.cast(ctypes.byref(session), ctypes.c_void_p))
        call(18, session, word(0), ctypes.c_char_p(b""), word(0))        # C_Login as security officer, who has no PIN
        call(10, session, ctypes.c_char_p(sys.argv[2].encode()), word(len(sys.argv[2])))  # C_InitPIN
        call(1, null)
        sys.exit(0)
sys.exit("NSS has no token of this name")
"""


class Walk:
    def __init__(self, folder, module):
        self.folder, self.module = folder, module
        self.services = []
        for name, content in (("passphrase", "a passphrase"), ("pin", "27182818")):
            (folder / name).write_text(content + "\n")
            (folder / name).chmod(0o600)
        (folder / "nss").mkdir()
        parameters = f"configdir='sql:{folder}/nss' dbTokenDescription='acme' flags= "
        os.environ |= {"KAGIBIN_TOKEN_MODULE": NSS, "LSAN_OPTIONS": "detect_leaks=0", "KAGIBIN_TOKEN_PARAMETERS": parameters}
        subprocess.run([sys.executable, "-c", SET_PIN, NSS, "27182818", parameters], check=True, timeout=60)

    def uri(self, key=None):
        return f"pkcs11:token=acme{f';object={key}' if key else ''}?module-path={self.module}"

    def role(self, role, *arguments, expect=OK):
        home = ["--home", role, "--passphrase-file", "passphrase"]
        pin = ["--pin-file", "pin"] if role == "provider" else []
        return run(role, *arguments, *home, *pin, cwd=self.folder).expect(expect)

    def serve(self, *arguments):
        self.services.append(Service(*arguments))
        return f"127.0.0.1:{self.services[-1].port}"

    def found(self):
        """Everybody but the provider, and an element with a domain of the provider's that the maker made (doc/relay_levels.md)."""
        self.role("authority", "init")
        self.role("maker", "init", "--name", "ACME")
        self.role("authority", "certify-maker", "maker/request.kbq", "--out", "maker.cert")
        self.role("maker", "install", "--certificate", "maker.cert", "--roots", "authority/roots.pem")
        self.role("manager", "init")
        made = self.role("maker", "make", "--out", "elements", "--seid", SEID, "--shipment", "shipment.json", "--issuer-keys", "issuer-keys.cms",
                  "--manager", "manager/exchange.pem", "--domain", DOMAIN, "--domain-owner", SPID, "--domain-requests", "requests")
        self.code_hash = re.search(r"\b[0-9A-F]{64}\b", made.out).group()  # of the key delivery application
        self.role("authority", "certify-domain", f"requests/{SEID}.kbq", "--out", "domain.cert")
        self.element = self.serve("se", "run", "--state", self.folder / "elements" / f"{SEID}.nvm", "--listen", "127.0.0.1:0")
        self.role("maker", "store-domain", "domain.cert", "--reader", f"tcp:{self.element}")

    def found_provider(self):
        self.role("provider", "init", "--spid", SPID, "--signing-key", self.uri("signing"), "--exchange-key", self.uri("exchange"),
                  "--generate")
        self.role("authority", "certify-provider", "provider/request.kbq", "--aid-prefix", "F0574C4B01", "--out", "provider.cert")
        self.role("provider", "install", "--certificate", "provider.cert", "--roots", "authority/roots.pem")
        self.role("provider", "accept-shipment", "shipment.json")
        self.role("provider", "kem-keys", "--token", self.uri())
        run("distributor", "init", "--home", self.folder / "distributor").expect(OK)
        server = self.serve("distributor", "serve", "--listen", "127.0.0.1:0", "--home", self.folder / "distributor")
        for peer, name in (("--provider", SPID), ("--device", "phone-1")):
            run("distributor", "invite", peer, name, "--server", server, "--out", self.folder / f"{peer[2:]}.invitation",
                "--home", self.folder / "distributor").expect(OK)
        run("provider", "join", "provider.invitation", "--home", "provider", cwd=self.folder).expect(OK)
        run("agent", "join", "device.invitation", "--home", "agent", cwd=self.folder).expect(OK)
        self.policy = {"minimum_level": "RL2", "suites": ["01", "02"], "attestation_profiles": ["ATT-1"], "token_only": True,
                       "kda_code_hashes": [self.code_hash], "elements": [{"device": "phone-1", "seid": SEID}], "maximum_validity_minutes": 1440}

    def write_policy(self):
        (self.folder / "provider" / "policy.json").write_text(json.dumps(self.policy))

    def write_payload(self, keys, channel="03"):
        part = {"security_domain": DOMAIN, "key_version": "30"} | ({"agreement_key_version": channel} if channel else {})
        (self.folder / "payload.json").write_text(json.dumps({
            "target": DOMAIN, "channel": part,
            "actions": [{"put_key": {"replace": "30", "key_version": "31", "key_identifier": "01", "keys": keys}}]}))


def literals(*names):
    return [{"literal": name} for name in names]


def files_with(folder, needles):
    out = []
    for path in folder.rglob("*"):
        if path.is_file() and any(needle in path.read_bytes() for needle in needles):
            out.append(path.name)
    return out


def main():
    process_site.options.bin = pathlib.Path(sys.argv[1]).resolve()
    if not pathlib.Path(NSS).exists():
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="kagibin-sealing-") as name:
        walk = Walk(pathlib.Path(name), str(pathlib.Path(sys.argv[2]).resolve()))
        try:
            deliver(walk)
        finally:
            for service in walk.services:
                service.stop()
    print("the token sealed the envelope, and the element has the keys")


def deliver(walk):
    walk.found()
    walk.found_provider()
    key = secrets.token_bytes(16)
    needles = [key, key.hex().encode(), key.hex().upper().encode(), base64.b64encode(key).rstrip(b"=")]
    (walk.folder / "k0.hex").write_text(key.hex() + "\n")
    check(files_with(walk.folder, needles) == ["k0.hex"], "the search does not find what is there")
    place = ["--seid", SEID, "--target", DOMAIN]
    taken = walk.role("provider", "element-key", "import", "k0", "--file", "k0.hex", "--token", walk.uri("k0"), *place).results[-1]
    check(taken["bits"] == 128 and re.fullmatch("[0-9A-F]{6}", taken["kcv"]), f"not what was put in: {taken}")
    for slot in ("1", "2"):
        walk.role("provider", "element-key", "create", f"k{slot}", "--token", walk.uri(f"k{slot}"), "--generate", "--size", "16", *place,
                  "--key-version", "31", "--key-identifier", f"0{int(slot) + 1}")
    walk.role("provider", "element-key", "create", "k1", "--token", walk.uri("again"), "--generate", *place, expect=FAILED)
    walk.role("provider", "master-key", "create", "fleet", "--token", walk.uri("fleet"), "--generate", "--size", "32")
    walk.role("provider", "master-key", "create", "wide", "--token", walk.uri("wide"), "--generate", "--wrappable", "--size", "32")
    walk.write_policy()

    # What has a key that would be here is refused when it is ordered; what stays in the token is not.
    for keys, channel, words in ((literals("k0", "k2", "k1"), "03", "key version 31, key identifier 02"),
                                 ([*literals("k0"), {"random": 16}, {"random": 16}], "03", "policy.token_only is set"),
                                 ([{"derive": {"master": "fleet", "size": 16}}] * 3, "03", "CKM_SP800_108_COUNTER_KDF"),
                                 (literals("k0", "k1", "k2"), None, "policy.token_only is set")):
        walk.write_payload(keys, channel)
        refused = run("provider", "check", "payload.json", "--home", "provider", "--passphrase-file", "passphrase", "--pin-file", "pin",
                      cwd=walk.folder)
        check(refused.code != OK and words in refused.err + refused.out, f"{keys}: {refused.code} {refused.err}{refused.out}")
    walk.write_payload([{"derive": {"master": "wide", "size": 16}}] * 3)
    walk.role("provider", "check", "payload.json")
    walk.write_payload(literals("k0", "k1", "k2"))
    walk.role("provider", "check", "payload.json")

    (walk.folder / "k0.hex").unlink()
    for order, suite, keys in (("inside-1", "01", literals("k0", "k1", "k2")),
                               ("inside-2", "02", [{"derive": {"master": "wide", "size": 16}}] * 3)):
        walk.write_payload(keys)
        if order == "inside-2":
            text = (walk.folder / "payload.json").read_text()
            (walk.folder / "payload.json").write_text(text.replace('"replace": "30"', '"replace": "31"')
                                                      .replace('"key_version": "31"', '"key_version": "32"'))
        walk.role("provider", "order", "payload.json", "--device", "phone-1", "--id", order, "--suite", suite)
        agent = ("agent", "run", "--once", "--reader", f"tcp:{walk.element}", "--home", "agent")
        run(*agent, cwd=walk.folder).expect(OK)
        run("provider", "run", "--timeout", "2", "--home", "provider", "--passphrase-file", "passphrase", "--pin-file", "pin", cwd=walk.folder)
        run(*agent, cwd=walk.folder).expect(OK)
        walk.role("provider", "run", "--until-done", "--timeout", "30")
        shown = walk.role("provider", "show", order).out
        check('"state":"confirmed"' in shown.replace(" ", ""), f"{order} is not confirmed: {shown}")
    for role in ("provider", "distributor", "agent", "nss"):
        check(not files_with(walk.folder / role, needles), f"the key is in files of {role}")


if __name__ == "__main__":
    main()
