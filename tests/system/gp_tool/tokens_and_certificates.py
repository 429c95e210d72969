# SPDX-License-Identifier: Apache-2.0
"""kagibin gp with tokens and receipts of delegated management (GPCS 9.2, C.4, C.5), and with the certificates of SCP11
(Amendment F 7.5 to 7.8)."""
import subprocess

from gp_bench import APPLET, DELETE, NEW, PACKAGE, WRONG, key_set, openssl
from process_site import FAILED, IIN, OK, REFUSED, SEID, USAGE, check, run

DELEGATE, OTHER = "F0574C4B0201", "F0574C4B0202"


def token_keys(bench):
    """(private key for --token-key, arguments that put its other half as 70/01), of every kind that signs tokens."""
    made = []
    for name, how in (("rsa-1024", ["genrsa", "1024"]), ("rsa-2048", ["genrsa", "-traditional", "2048"]),
                      ("p-256", ["ecparam", "-name", "prime256v1", "-genkey", "-noout"]),
                      ("p-384", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])):
        private, public = bench.write_keys(f"token-{name}.pem"), bench.folder / f"token-{name}.pub"
        done = subprocess.run(["openssl", *how], check=True, capture_output=True, timeout=60)
        private.write_bytes(done.stdout)
        openssl("pkey", "-in", private, "-pubout", "-out", public)
        made.append((private, ["--pem", public, "--kvn", "70", "--kid", "01"]))
    aes = bench.write_keys("token-aes.keys", f"kvn 70\nkid 01\nkey {NEW[0] * 2}\n")
    return [*made, (aes, [aes])]


def delegated_management_signs_tokens_and_checks_receipts(bench):
    receipt = bench.write_keys("receipt.keys", f"kvn 71\nkid 01\nkey {NEW[1]}\n")
    domain = bench.write_keys("delegate.keys", key_set("31", NEW))
    bench.gp("install", "--ssd", DELEGATE, "--privileges", "security-domain,delegated-management", keys=bench.keys).expect(OK)
    bench.gp("install", "--ssd", OTHER, keys=bench.keys).expect(OK)
    bench.gp("put-key", domain, "--sd", DELEGATE, keys=bench.keys).expect(OK)
    bench.gp("put-key", receipt, keys=bench.keys).expect(OK)
    cap, counter = bench.folder / "applet.cap", 0
    for number, (private, put) in enumerate(token_keys(bench)):
        bench.gp("put-key", *put, *(["--replace", "70"] if number else []), keys=bench.keys).expect(OK)
        signed = ["--sd", DELEGATE, "--token-key", private, "--receipt-key", receipt]
        steps = [("install", [cap, "--load-only"], "INSTALL [for load]"),
                 ("install", ["--package", PACKAGE, "--applet", APPLET, "--not-selectable"], "INSTALL [for install]"),
                 ("make-selectable", [APPLET], "INSTALL [for make selectable]"),
                 ("update-registry", [APPLET, "--privileges", "trusted-path"], "INSTALL [for registry update]"),
                 ("extradite", [APPLET, "--to", OTHER], "INSTALL [for extradition]")]
        for verb, words, _ in steps:
            done = bench.gp(verb, *words, *signed, keys=domain).expect(OK)
            proof = done.results[-1]
            check(proof["receipt"] == "right" and proof["counter"] == counter, f"{private.name}, {verb}: {done.results}")
            counter += 1
        entry = bench.listed()[APPLET]
        check(entry["privileges"] == ["trusted-path"] and entry["security_domain"] == OTHER, f"{private.name}: {entry}")
        bench.gp("delete", APPLET, keys=bench.keys).expect(OK)
        proof = bench.gp("delete", PACKAGE, *signed, keys=domain).expect(OK).results[-1]
        check(proof["receipt"] == "right" and proof["of"].startswith("DELETE"), f"{private.name}: {proof}")
        counter += 1
        check(PACKAGE not in bench.listed(), "the load file is still there")
    # A receipt whose counter does not count on may be an old one.
    again = ["install", cap, "--load-only", *signed]
    old = bench.gp(*again, "--receipt-after", counter, keys=domain).expect(REFUSED)
    old.says("card's word for it is old", f"counter is {counter}, not above {counter}")
    counter += 1
    check(PACKAGE in bench.listed(), "the load file is not there")
    bench.gp("delete", PACKAGE, *signed, "--receipt-after", counter - 1, keys=domain).expect(OK)
    bench.gp("delete", PACKAGE, *signed, "--receipt-after", "65536", keys=domain).expect(USAGE)
    bench.gp("delete", PACKAGE, "--receipt-after", "1", keys=domain).expect(USAGE)
    # Without a token, and under another key, nothing is done.
    bench.gp("install", cap, "--load-only", "--sd", DELEGATE, keys=domain).expect(FAILED).says("INSTALL", "token")
    other = bench.folder / "token-p-256.pem"
    bench.gp("install", cap, "--load-only", "--sd", DELEGATE, "--token-key", other, keys=domain).expect(FAILED)
    check(PACKAGE not in bench.listed(), "a load file came without a token")


def tokens_are_for_one_card_and_one_use(bench):
    key, domain, cap = bench.folder / "token-aes.keys", bench.folder / "delegate.keys", bench.folder / "applet.cap"
    signed = ["--load-only", "--sd", DELEGATE, "--token-key", key]
    bench.gp("install", cap, *signed, "--token-card", f"{IIN}:0102", keys=domain).expect(FAILED)
    card = ["--token-card", f"{IIN}:{SEID[1][12:]}", "--token-number", "0A01"]
    unchecked = bench.gp("install", cap, *signed, *card, keys=domain).expect(OK).results[-1]
    check(unchecked["receipt"] == "unchecked" and unchecked["token_number"] == "0A01", f"{unchecked}")
    remove = ["delete", PACKAGE, "--sd", DELEGATE, "--token-key", key]
    bench.gp(*remove, *card, keys=domain).expect(FAILED)  # the number was used
    check(PACKAGE in bench.listed(), "a token was good twice")
    wrong = bench.write_keys("receipt-wrong.keys", f"kvn 71\nkid 01\nkey {WRONG}\n")
    done = bench.gp(*remove, "--token-number", "0A02", "--receipt-key", wrong, keys=domain).expect(REFUSED)
    done.says("the card did the command", "receipt of DELETE", "receipt-wrong.keys")
    check(PACKAGE not in bench.listed(), "it was deleted all the same")
    missing = bench.gp("install", cap, "--load-only", "--receipt-key", wrong, keys=bench.keys).expect(REFUSED)
    missing.says("gave no receipt of LOAD", "under a token")
    bench.gp("delete", PACKAGE, keys=bench.keys).expect(OK)


def a_dry_run_shows_the_token_for_whoever_sends_it(bench):
    key, domain, cap = bench.folder / "token-aes.keys", bench.folder / "delegate.keys", bench.folder / "applet.cap"
    plan = bench.gp("install", cap, "--load-only", "--token-key", key, "--dry-run").expect(OK).results
    token = bench.folder / "load.token"
    token.write_bytes(bytes.fromhex(plan[0]["token"]))
    bench.gp("install", cap, "--load-only", "--load-token", token, "--sd", DELEGATE, keys=domain).expect(OK)
    bench.gp("delete", PACKAGE, "--sd", DELEGATE, "--token-key", key, keys=domain).expect(OK)
    loose = bench.write_keys("token-loose.keys", key.read_text(), mode=0o644)
    bench.gp("delete", PACKAGE, "--token-key", loose, "--dry-run").expect(REFUSED).says("token-loose.keys", "chmod 600")
    bench.gp("delete", PACKAGE, "--token-key", bench.keys, "--dry-run").expect(USAGE).says("card.keys", "single key")
    bench.gp("delete", PACKAGE, "--token-number", "0", "--dry-run").expect(USAGE)
    for name in (DELEGATE, OTHER):
        bench.gp("delete", name, keys=bench.keys).expect(OK)


def scp11_keys(bench):
    """Keys and certificates of SCP11 as openssl makes them: CA-KLOC with an OCE, CA-KLCC with the domain's keys."""
    folder = bench.folder

    def pair(name):
        path = bench.write_keys(f"{name}.pem")
        done = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], check=True, capture_output=True)
        path.write_bytes(done.stdout)
        return path

    (folder / "leaf.ext").write_text("keyUsage=critical,keyAgreement\n")
    for authority, leaves in (("ca-kloc", ["oce"]), ("ca-klcc", ["sd-a", "sd-b", "sd-c"]), ("stranger", ["stranger-oce"])):
        openssl("req", "-x509", "-new", "-key", pair(authority), "-subj", f"/CN={authority}", "-days", "30", "-out",
                folder / f"{authority}.crt")
        for leaf in leaves:
            openssl("req", "-new", "-key", pair(leaf), "-subj", f"/CN={leaf}", "-out", folder / f"{leaf}.csr")
            openssl("x509", "-req", "-in", folder / f"{leaf}.csr", "-CA", folder / f"{authority}.crt", "-CAkey",
                    folder / f"{authority}.pem", "-set_serial", "7", "-days", "30", "-extfile", folder / "leaf.ext", "-out",
                    folder / f"{leaf}.crt")
            openssl("pkey", "-in", folder / f"{leaf}.pem", "-pubout", "-out", folder / f"{leaf}.pub")


def scp11_opens_by_certificates_and_by_the_cards_key(bench):
    scp11_keys(bench)
    folder = bench.folder
    bench.gp("put-key", "--pem", folder / "ca-kloc.crt", "--kvn", "03", "--kid", "10", keys=bench.keys).expect(OK)
    for variant, kid in (("a", "11"), ("b", "13"), ("c", "15")):
        bench.gp("put-key", "--private-pem", folder / f"sd-{variant}.pem", "--kvn", "03", "--kid", kid, keys=bench.keys).expect(OK)
        bench.gp("store-certificates", folder / f"sd-{variant}.crt", "--key", f"{kid}/03", keys=bench.keys).expect(OK)
    ours = ["--own-key", folder / "oce.pem", "--certificate", folder / "oce.crt", "--ca", "10/03", "--key-version", "03"]
    for variant in "ac":
        for sd in (["--sd-key", folder / f"sd-{variant}.pub"], ["--sd-ca", folder / "ca-klcc.crt"]):
            info, = bench.gp("info", "--scp", f"11{variant}", *ours, *sd).expect(OK).results
            check(info["session"] == {"scp": "11", "level": "33"}, f"{info['session']}")
            listed = bench.gp("list", "--scp", f"11{variant}", *ours, *sd).expect(OK).results
            check({one["aid"] for one in listed} == set(bench.listed()), f"{listed}")
    low, = bench.gp("info", "--scp", "11a", *ours, "--sd-key", folder / "sd-a.pub", "--level", "11").expect(OK).results
    check(low["session"]["level"] == "11", f"{low['session']}")
    # SCP11b authenticates the card, and nobody to it: it tells, and lists nothing.
    for sd in (["--sd-key", folder / "sd-b.pub"], ["--sd-ca", folder / "ca-klcc.crt"]):
        info, = bench.gp("info", "--scp", "11b", "--key-version", "03", *sd).expect(OK).results
        check(info["session"]["scp"] == "11" and "extended_resources" in info, f"{info}")
        bench.gp("list", "--scp", "11b", "--key-version", "03", *sd).expect(FAILED).says("GET STATUS", "6982")


def scp11_refuses_whoever_is_another_and_says_which(bench):
    folder = bench.folder
    ours = ["--scp", "11a", "--own-key", folder / "oce.pem", "--certificate", folder / "oce.crt", "--ca", "10/03"]
    known = ["--key-version", "03", "--sd-key", folder / "sd-a.pub"]
    stranger = ["--scp", "11a", "--own-key", folder / "stranger-oce.pem", "--certificate", folder / "stranger-oce.crt", "--ca", "10/03"]
    bench.gp("list", *stranger, *known).expect(FAILED, REFUSED).says("certificate", "--ca")
    another = [*ours[:3], folder / "stranger-oce.pem", *ours[4:]]
    bench.gp("list", *another, *known).expect(FAILED, REFUSED)
    bench.gp("list", *ours, "--key-version", "03", "--sd-key", folder / "sd-b.pub").expect(FAILED, REFUSED)
    bench.gp("list", *ours, "--key-version", "03", "--sd-ca", folder / "stranger.crt").expect(REFUSED).says("not signed")
    bench.gp("list", *ours, "--key-version", "04", "--sd-key", folder / "sd-a.pub").expect(FAILED, REFUSED)
    bench.gp("list", *ours, "--key-version", "03").expect(USAGE).says("--sd-key")
    bench.gp("list", "--scp", "11a", *known).expect(USAGE).says("--own-key", "--certificate")
    bench.gp("list", *ours[:4], "--certificate", folder / "none.crt", *known).expect(USAGE).says("none.crt")
    loose = bench.write_keys("loose.pem", (folder / "oce.pem").read_text(), mode=0o644)
    bench.gp("list", *ours[:3], loose, *ours[4:], *known).expect(REFUSED).says("loose.pem", "chmod 600")
    # A store that is emptied certifies nobody.
    bench.gp("store-certificates", "--key", "11/03", keys=bench.keys).expect(OK)
    bench.gp("list", *ours, "--key-version", "03", "--sd-ca", folder / "ca-klcc.crt").expect(FAILED).says("certificate store")
