#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kagibin gp against a running element, over TCP: what a card engineer types, and what must not happen to a card.

  gp_tool_test.py [FOLDER OF PROGRAMS] [-v]

One element is made; the cases run in order against it, through a relay that keeps every command. Standard library only.
"""
import hashlib
import json
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent / "gp_tool"))  # gp_bench, tokens_and_certificates

from gp_bench import (APPLET, DELETE, DOMAIN, EXTERNAL_AUTHENTICATE, NEW, PACKAGE, PUT_KEY, SET_STATUS, WRONG, Bench, cap_file, key_set,
                      openssl)
from process_site import FAILED, IIN, OK, REFUSED, SEID, TRY_AGAIN, USAGE, Service, check, options, run, run_cases
from tokens_and_certificates import (OTHER, a_dry_run_shows_the_token_for_whoever_sends_it,
                                     delegated_management_signs_tokens_and_checks_receipts,
                                     scp11_opens_by_certificates_and_by_the_cards_key,
                                     scp11_refuses_whoever_is_another_and_says_which, tokens_are_for_one_card_and_one_use)


def info_without_keys_says_what_the_card_is(bench):
    info, = bench.gp("info").expect(OK).results
    check(info["iin"] == IIN and info["cin"] == SEID[1][12:], f"IIN and CIN: {info}")
    spoken = {one["scp"]: one["i"] for one in info["secure_channel_protocols"]}
    check(spoken.get("03") == "70" and "11" in spoken, f"protocols: {spoken}")
    check([key["version"] + key["identifier"] for key in info["keys"]] == ["3001", "3002", "3003"], f"keys: {info['keys']}")
    check(all(key["components"][0]["name"] == "AES" for key in info["keys"]), f"key types: {info['keys']}")
    check(not bench.sent(0x50), "info without keys began a session")


def info_with_keys_opens_the_highest_level(bench):
    info, = bench.gp("info", keys=bench.keys).expect(OK).results
    check(info["session"] == {"scp": "03", "level": "33"}, f"session: {info['session']}")
    low, = bench.gp("info", "--level", "01", keys=bench.keys).expect(OK).results
    check(low["session"]["level"] == "01", f"session: {low['session']}")


def list_shows_domains_applications_and_load_files(bench):
    found = bench.listed()
    kinds = {entry["kind"] for entry in found.values()}
    check(kinds == {"issuer_security_domain", "security_domain", "application", "load_file"}, f"kinds: {kinds}")
    isd = found["A000000151000000"]
    check(isd["state"] in ("OP_READY", "INITIALIZED", "SECURED"), f"ISD: {isd}")
    check("F04B41474942494E01" in found and found["F04B41474942494E01"]["state"] == "SELECTABLE", f"KDA: {found}")
    text = subprocess.run([options.bin / "kagibin-gp", "list", "--reader", f"tcp:127.0.0.1:{bench.relay.port}", "--keys",
                           bench.keys], capture_output=True, text=True, timeout=60)
    check(re.search(r"^ISD +A000000151000000 +\w+", text.stdout, re.M), f"the table: {text.stdout}{text.stderr}")


def wrong_keys_use_no_try_and_the_message_says_so(bench):
    wrong = bench.write_keys("wrong.keys", key_set("30", [WRONG] * 3))
    for _ in range(12):  # more than any card lets pass
        done = bench.gp("list", keys=wrong).expect(REFUSED)
        check(bench.sent(0x50) and not bench.sent(EXTERNAL_AUTHENTICATE), "a try was used")
    done.says("key set 30 of .*wrong.keys", "No try was used", "diversification data", "ENC [0-9A-F]{6}")
    check(WRONG not in done.err + done.out, "the message shows a key")
    bench.gp("list", keys=bench.keys).expect(OK)


def a_set_of_the_same_file_that_fits_is_named(bench):
    right = re.findall(r"^(?:enc|mac|dek) (\w+)", bench.keys.read_text(), re.M)
    both = bench.write_keys("both.keys", key_set("00", [WRONG] * 3), key_set("30", right))
    bench.gp("list", keys=both).expect(REFUSED).says("Key set 30 of the same file fits", "--key-version")
    bench.gp("list", "--key-version", "30", keys=both).expect(OK)


def a_key_version_that_is_not_there_is_said_with_those_that_are(bench):
    other = bench.write_keys("other.keys", key_set("44", NEW))
    bench.gp("list", keys=other).expect(FAILED).says("6A88", "no such key version", "key versions 30", "No try was used")
    bench.gp("list", "--key-version", "45", keys=other).expect(FAILED).says("no key set with key version 45")


def key_files_are_private_and_checked(bench):
    loose = bench.write_keys("loose.keys", key_set("30", NEW), mode=0o644)
    bench.gp("list", keys=loose).expect(REFUSED).says("chmod 600")
    check(not bench.sent(0x50), "a file that others may read was used")
    odd = bench.write_keys("odd.keys", "kvn 30\nenc 4041\n")
    bench.gp("list", keys=odd).expect(USAGE).says("odd.keys, line 2")
    bench.gp("list").expect(USAGE).says("--keys")


def a_security_domain_is_created_and_gets_its_keys(bench):
    bench.gp("install", "--ssd", DOMAIN, "--privileges", "security-domain,trusted-path", keys=bench.keys).expect(OK)
    entry = bench.listed()[DOMAIN]
    check(entry["kind"] == "security_domain" and entry["privileges"] == ["security-domain", "trusted-path"], f"{entry}")
    bench.gp("install", "--ssd", DOMAIN, keys=bench.keys).expect(FAILED).says("INSTALL", "already", "kagibin gp list")
    new = bench.write_keys("domain.keys", key_set("31", NEW))
    done, = bench.gp("put-key", new, "--sd", DOMAIN, keys=bench.keys).expect(OK).results
    check(done == {"key_version": "31", "verified": "INITIALIZE UPDATE"}, f"{done}")
    updates = bench.sent(0x50)
    check(len(updates) == 2 and updates[1][2] == 0x31, "the new set was not verified by INITIALIZE UPDATE")
    check(len(bench.sent(EXTERNAL_AUTHENTICATE)) == 1, "verifying sent EXTERNAL AUTHENTICATE")
    info, = bench.gp("info", "--sd", DOMAIN, keys=new).expect(OK).results
    check(info["security_domain"] == DOMAIN and info["session"]["scp"] == "03", f"{info}")


def a_key_set_is_replaced_by_one_of_another_size(bench):
    old = bench.folder / "domain.keys"
    large = bench.write_keys("large.keys", key_set("32", [key * 2 for key in NEW]))
    bench.gp("put-key", large, "--replace", "31", "--sd", DOMAIN, keys=old).expect(OK).says("INITIALIZE UPDATE")
    bench.gp("info", "--sd", DOMAIN, keys=large).expect(OK)
    bench.gp("info", "--sd", DOMAIN, keys=old).expect(FAILED).says("6A88", "versions 32")


def keys_that_cannot_be_verified_do_not_replace_the_last_set(bench):
    current = bench.folder / "large.keys"
    single = bench.write_keys("single.keys", f"kvn 32\nkid 01\nkey {NEW[0]}\n")
    bench.gp("put-key", single, "--replace", "32", "--sd", DOMAIN, keys=current).expect(REFUSED).says("--force", "whole set")
    des = bench.write_keys("des.keys", "kvn 20\ntype 3des\n" + key_set("20", NEW).split("\n", 1)[1])
    bench.gp("put-key", des, "--replace", "32", "--sd", DOMAIN, keys=current).expect(REFUSED).says("SCP02", "--force")
    check(not bench.sent(PUT_KEY), "PUT KEY was sent")


def the_last_key_set_is_not_deleted(bench):
    large = bench.folder / "large.keys"
    bench.gp("delete", "--key", "32", "--sd", DOMAIN, keys=large).expect(REFUSED).says("last key set", "--force")
    check(not bench.sent(DELETE), "DELETE was sent")
    another = bench.write_keys("another.keys", key_set("33", NEW))
    bench.gp("put-key", another, "--sd", DOMAIN, keys=large).expect(OK)
    bench.gp("delete", "--key", "32", "--sd", DOMAIN, keys=another).expect(OK)
    info, = bench.gp("info", "--sd", DOMAIN).expect(OK).results
    check({key["version"] for key in info["keys"]} == {"33"}, f"keys: {info['keys']}")


def public_keys_are_put_from_pem(bench):
    another = bench.folder / "another.keys"
    openssl("genrsa", "-out", bench.folder / "rsa.pem", "2048")
    openssl("rsa", "-in", bench.folder / "rsa.pem", "-pubout", "-out", bench.folder / "rsa.pub")
    openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", bench.folder / "ec.pem")
    openssl("pkey", "-in", bench.folder / "ec.pem", "-pubout", "-out", bench.folder / "ec.pub")
    for name, kvn in (("rsa", "70"), ("ec", "71")):
        bench.gp("put-key", "--pem", bench.folder / f"{name}.pub", "--kvn", kvn, "--kid", "01", "--sd", DOMAIN,
                 keys=another).expect(OK)
    info, = bench.gp("info", "--sd", DOMAIN).expect(OK).results
    types = {key["version"]: key["components"][0]["name"] for key in info["keys"]}
    check(types["70"] == "RSA public" and types["71"] == "EC public", f"keys: {info['keys']}")
    bench.gp("put-key", "--pem", bench.folder / "rsa.pem", "--kvn", "72", "--kid", "01", keys=another).expect(USAGE)


def data_are_stored_and_read_back(bench):
    another = bench.folder / "another.keys"
    bench.gp("store-data", "--hex", "5F500568747470", "--format", "tlv", "--sd", DOMAIN, keys=another).expect(FAILED).says(
        "STORE DATA", "6A80", "--format")
    bench.gp("store-data", "--hex", "5F50056", "--sd", DOMAIN, keys=another).expect(USAGE)
    bench.gp("store-data", "--hex", "5F500468747470", "--format", "tlv", "--sd", DOMAIN, keys=another).expect(OK)
    answer, = bench.gp("apdu", "80CA5F5000", "--sd", DOMAIN).expect(OK).results
    check(answer["data"] == "5F500468747470" and answer["sw"] == "9000", f"{answer}")


def apdus_go_as_they_are_or_inside_the_channel(bench):
    refused = bench.gp("apdu", "80F28002024F0000").expect(FAILED)
    check(refused.results[0]["sw"] == "6982", f"{refused.results}")
    refused.says("GET STATUS", "6982", "secure channel")
    first, second = bench.gp("apdu", "80F28002024F0000", "80CA006600", keys=bench.keys).expect(OK).results
    check(first["sw"] == second["sw"] == "9000" and first["data"].startswith("E3"), f"{first} {second}")
    bench.gp("apdu", "8").expect(USAGE)
    kept = bench.gp("apdu", "80CA777700", "80CA006600", "--keep-going").expect(FAILED, OK)
    check([one["sw"] for one in kept.results[:2]] == ["6A88", "9000"], f"{kept.results}")


def what_cannot_be_undone_wants_force(bench):
    bench.gp("apdu", "80F080FF00", keys=bench.keys).expect(REFUSED).says("TERMINATED", "--force")
    check(not bench.sent(SET_STATUS), "SET STATUS was sent")
    bench.gp("apdu", "80E4000003D20130", keys=bench.keys).expect(REFUSED)
    bench.gp("apdu", "80E4000003D2013000", keys=bench.keys).expect(REFUSED).says("last key set")
    check(not bench.sent(DELETE), "DELETE was sent")


def a_dry_run_needs_no_card_and_shows_no_key(bench):
    nowhere = "tcp:127.0.0.1:1"
    done = bench.gp("install", "--ssd", DOMAIN, "--ssd-scp", "0370", "--dry-run", keys=bench.keys, reader=nowhere).expect(OK)
    check([one["name"] for one in done.results] == ["INSTALL [for install and make selectable]"], f"{done.results}")
    check(done.results[0]["command"].startswith("80E60C00") and "C90481020370" in done.results[0]["command"], f"{done.results}")
    put = bench.gp("put-key", bench.folder / "domain.keys", "--dry-run", keys=bench.keys, reader=nowhere).expect(OK)
    check(put.results[0]["name"] == "PUT KEY [add]" and not any(key in put.out for key in NEW), f"{put.results}")
    check(not bench.commands, "the card was touched")
    bench.gp("info", reader=nowhere).expect(TRY_AGAIN).says("--reader")


def a_cap_file_becomes_install_and_load_commands(bench):
    cap = bench.folder / "applet.cap"
    block = cap_file(cap)
    plan = bench.gp("install", cap, "--params", "0102", "--instance", APPLET + "99", "--dry-run").expect(OK).results
    names = [one["name"] for one in plan]
    check(names == ["INSTALL [for load]", "LOAD", "LOAD", "LOAD", "INSTALL [for install and make selectable]"], f"{names}")
    check(plan[0]["command"].startswith("80E602000B06" + PACKAGE), f"{plan[0]}")
    loaded = bytes.fromhex("".join(one["command"][10:-2] for one in plan[1:4]))
    check(loaded == b"\xC4\x82" + len(block).to_bytes(2, "big") + block, "the blocks are not the load file")
    check(plan[4]["command"].startswith(f"80E60C002006{PACKAGE}07{APPLET}08{APPLET}99010004C902010200"), f"{plan[4]}")
    signature = bench.folder / "dap.signature"
    signature.write_bytes(bytes(range(64)))
    signed = bench.gp("install", cap, "--load-only", "--dap", f"{DOMAIN}={signature}", "--dry-run").expect(OK).results
    check(hashlib.sha256(block).hexdigest().upper() in signed[0]["command"], f"the hash is missing: {signed[0]}")
    check(f"E24A4F06{DOMAIN}C340" + bytes(range(64)).hex().upper() in signed[1]["command"], f"the DAP block: {signed[1]}")
    (bench.folder / "cut.cap").write_bytes(cap.read_bytes()[:-9])
    bench.gp("install", bench.folder / "cut.cap", "--dry-run").expect(USAGE).says("CAP")
    bench.gp("install", bench.folder / "none.cap", "--dry-run").expect(USAGE).says("none.cap")
    bench.gp("install", "--dry-run").expect(USAGE).says("CAP file")


def files_that_are_not_there_or_not_ours_are_named(bench):
    nowhere, odd = bench.folder / "nowhere", bench.folder / "odd"
    odd.write_text("odd\n")
    odd.chmod(0o600)
    for words in (["install", "{}"], ["put-key", "{}"], ["put-key", "--pem", "{}", "--kvn", "72", "--kid", "01"],
                  ["put-key", "--private-pem", "{}", "--kvn", "72", "--kid", "01"], ["delete", DOMAIN, "--token-key", "{}"],
                  ["delete", DOMAIN, "--receipt-key", "{}"], ["extradite", DOMAIN, "--to", DOMAIN, "--token-key", "{}"]):
        for file in (nowhere, odd):
            bench.gp(*[word.format(file) for word in words], "--dry-run").expect(USAGE).says(str(file) + ":|" + str(file) + ", line")
        check(not nowhere.exists() and odd.read_text() == "odd\n", f"{words} wrote a file")
    for words in (["store-data", nowhere], ["delete", DOMAIN, "--token", nowhere], ["install", bench.folder / "applet.cap", "--dap",
                  f"{DOMAIN}={nowhere}"], ["list", "--keys", nowhere]):
        bench.gp(*words, *(["--dry-run"] if words[0] != "list" else [])).expect(USAGE).says(str(nowhere))
    bench.gp("info", "--apdu-log", bench.folder / "no" / "log").expect(TRY_AGAIN).says("no/log")


def capabilities_cplc_and_resources_are_shown_by_their_fields(bench):
    info, = bench.gp("info", keys=bench.keys).expect(OK).results
    can = info["capabilities"]
    check({one["scp"] for one in can["secure_channel_protocols"]} == {"03", "11"}, f"67, protocols: {can}")
    told = {one["scp"]: [one["i"]] for one in info["secure_channel_protocols"]}
    check({one["scp"]: one["i"] for one in can["secure_channel_protocols"]} == told, f"66 and 67 differ: {told} {can}")
    check(told["11"] == ["9B02"], f"{told}")
    aes, = [one["key_sizes"] for one in can["secure_channel_protocols"] if one["scp"] == "03"]
    check(aes == ["AES-128", "AES-192", "AES-256"], f"67, key sizes: {can}")
    check(can["load_file_hashes"] == ["SHA-256"] and can["curves"] == ["P-256", "P-384"], f"67: {can}")
    check("ECDSA P-256" in can["token_signatures"] and "3DES MAC" not in can["token_signatures"], f"67: {can}")
    check("delegated-management" in can["domain_privileges"] and "card-lock" in can["application_privileges"], f"67: {can}")
    left = info["extended_resources"]
    listed = [one for one in bench.listed().values() if one["kind"] in ("application", "security_domain")]
    check(left["applications"] == len(listed), f"FF21 and list: {left} {listed}")
    check(left["free_non_volatile_octets"] > 0 and left["free_volatile_octets"] == 16384, f"FF21: {left}")
    text = subprocess.run([options.bin / "kagibin-gp", "info", "--reader", f"tcp:127.0.0.1:{bench.relay.port}", "--keys",
                           bench.keys], capture_output=True, text=True, timeout=60).stdout
    check(re.search(r"^free volatile octets +16384$", text, re.M) and re.search(r"^capability: tokens +RSA", text, re.M), text)


def a_wrong_enc_is_named_by_every_command(bench):
    right = re.findall(r"^(?:enc|mac|dek) (\w+)", bench.keys.read_text(), re.M)
    wrong = bench.write_keys("enc.keys", key_set("30", [WRONG, *right[1:]]))
    new = bench.write_keys("enc-new.keys", key_set("34", NEW))
    for what in (["info"], ["info", "--level", "03"], ["list"], ["store-data", "--hex", "5F500468747470", "--format", "tlv"],
                 ["install", "--ssd", DOMAIN + "77"], ["delete", DOMAIN + "77"], ["put-key", new],
                 ["set-status", "initialized", "--card", "--no-way-back"], ["apdu", "80F28002024F0000"]):
        done = bench.gp(*what, keys=wrong).expect(REFUSED)
        done.says("enc.keys", "its ENC (may be|is) another than the card's", "No try was used", "Check ENC in the file")
        check(WRONG not in done.err + done.out, "the message shows a key")
    # Without encryption of commands nobody uses ENC.
    bench.gp("info", "--level", "01", keys=wrong).expect(OK)
    # One command in 256 or so becomes one with wrong data by chance, and the next one shows it.
    for what in (["info"], ["list"], ["install", "--ssd", DOMAIN + "77"], ["apdu", "80F28002024F0000"]):
        first = [True]

        def wrong_data_once(_, apdu, answer, first=first):
            if apdu[0] != 0x84 or apdu[1] == EXTERNAL_AUTHENTICATE:
                return answer
            return bytes.fromhex("6A80" if first and first.pop() else "6982")

        bench.relay.after_answer = wrong_data_once
        bench.gp(*what, keys=wrong).expect(REFUSED).says("its ENC may be another than the card's", "No try was used", "--level")
    bench.relay.after_answer = lambda _, apdu, answer: bytes.fromhex("6A80") if apdu[1] == 0xE6 else answer
    done = bench.gp("install", "--ssd", DOMAIN + "77", keys=bench.keys).expect(REFUSED, FAILED)
    check("ENC may be" not in done.err, f"a card that reads the commands is said to have another ENC: {done.err}")
    # A card that refuses for another reason is not proved to have another ENC.
    bench.relay.after_answer = lambda _, apdu, answer: bytes.fromhex("6982") if apdu[1] == 0xF2 else answer
    try:
        bench.gp("list", keys=bench.keys).expect(REFUSED).says("ENC may be another", "another level", "--level 01")
    finally:
        bench.relay.after_answer = lambda _, apdu, answer: answer


def states_are_set_by_name_and_what_nothing_undoes_wants_its_word(bench):
    card = ["set-status", "--card"]
    bench.gp(*card, "secured", keys=bench.keys).expect(FAILED).says("OP_READY", "no way leads to SECURED")
    bench.gp(*card, "initialized", keys=bench.keys).expect(REFUSED).says("--no-way-back")
    bench.gp(*card, "initialized", "--force", keys=bench.keys).expect(REFUSED).says("--no-way-back")
    check(not bench.sent(SET_STATUS), "SET STATUS was sent")
    done, = bench.gp(*card, "initialized", "--no-way-back", keys=bench.keys).expect(OK).results
    check(done == {"object": "the card", "state": "initialized", "before": "OP_READY"}, f"{done}")
    bench.gp(*card, "initialized", "--no-way-back", keys=bench.keys).expect(FAILED).says("the card is INITIALIZED")
    bench.gp(*card, "secured", "--no-way-back", keys=bench.keys).expect(OK)
    bench.gp(*card, "card-locked", keys=bench.keys).expect(OK)
    bench.gp("install", "--ssd", DOMAIN, keys=bench.keys).expect(FAILED)
    bench.gp(*card, "secured", keys=bench.keys).expect(OK)  # back again
    bench.gp("lock", "--card", keys=bench.keys).expect(OK)
    bench.gp("unlock", "--card", keys=bench.keys).expect(OK)
    bench.gp("install", "--ssd", DOMAIN, keys=bench.keys).expect(OK)
    bench.gp("set-status", "locked", DOMAIN, keys=bench.keys).expect(OK)
    check(bench.listed()[DOMAIN]["state"].startswith("LOCKED"), f"{bench.listed()[DOMAIN]}")
    bench.gp("set-status", "unlocked", DOMAIN, keys=bench.keys).expect(OK)
    bench.gp("set-status", "personalized", DOMAIN, keys=bench.keys).expect(FAILED).says("SET STATUS", "6985")
    bench.gp("set-status", "personalized", DOMAIN, "--sd", DOMAIN, keys=bench.keys).expect(OK)
    check(bench.listed()[DOMAIN]["state"] == "PERSONALIZED", f"{bench.listed()[DOMAIN]}")
    bench.gp("delete", DOMAIN, keys=bench.keys).expect(OK)
    for words in (["locked"], ["locked", "--card"], ["secured", DOMAIN], ["secured"], ["secured", DOMAIN, "--card"],
                  ["broken", "--card"], ["locked", "F0"]):
        bench.gp("set-status", *words, keys=bench.keys).expect(USAGE)
    check(not bench.commands, "the card was touched")


def the_maker_makes_elements_of_every_shipped_profile(bench):
    folder = bench.folder
    shipped = [one["name"] for one in run("se", "profiles").expect(OK).results]
    check("factory" in shipped and len(shipped) >= 4, f"{shipped}")
    for number, name in enumerate(shipped, 10):
        seid = f"4B4200000000000000000000000000{number:02X}"
        done = run("maker", "make", "--profile", name, "--keys-out", f"{name}.keys", "--out", "made", "--seid", seid, "--shipment",
                   f"{name}.json", "--issuer-keys", f"{name}.cms", "--manager", "manager/exchange.pem", "--home", folder / "maker",
                   "--passphrase-file", folder / "passphrase", cwd=folder)
        if name == "factory":  # a maker's elements have keys of their own
            done.expect(REFUSED).says("published", "kagibin se make")
            check(not (folder / "made" / f"{seid}.nvm").exists(), "an element with published keys was made")
            continue
        made = done.expect(OK).results[0]
        secret = ["--home", folder / "manager", "--passphrase-file", folder / "passphrase"]
        run("manager", "import-issuer-keys", folder / f"{name}.cms", "--maker", folder / "maker/maker.pem", *secret).expect(OK)
        keys = folder / f"{name}.issuer"
        run("manager", "key-file", "--card", f"{made['iin']}:{made['cin']}", "--out", keys, *secret).expect(OK)
        se = Service("se", "run", "--single", "--no-sync", "--state", folder / "made" / f"{seid}.nvm", "--listen", "127.0.0.1:0")
        try:
            at = f"tcp:127.0.0.1:{se.port}"
            if name == "sim-uicc":  # its basic channel is the telephone's
                bench.gp("info", keys=keys, reader=at).expect(FAILED).says("6881", "--channel auto")
                log = folder / "uicc.log"
                for channel, octet in (("auto", "85"), ("3", "87"), ("19", "EF")):
                    log.unlink(missing_ok=True)
                    info, = bench.gp("info", "--channel", channel, "--apdu-log", log, keys=keys, reader=at).expect(OK).results
                    check(info["session"]["level"] == "33" and info["cin"] == made["cin"], f"channel {channel}: {info}")
                    check({octet} == set(re.findall(r"^> (8[4-7]|E\w)", log.read_text(), re.M)), log.read_text())
                continue
            info, = bench.gp("info", keys=keys, reader=at).expect(OK).results
            check(info["session"]["scp"] == "03" and info["cin"] == made["cin"], f"{name}: {info}")
            listed = bench.gp("list", keys=keys, reader=at).expect(OK).results
            check("F04B41474942494E01" in [one["aid"] for one in listed], f"{name} has no KDA: {listed}")
        finally:
            se.stop(signal.SIGKILL)


def another_logical_channel_is_opened_and_closed_again(bench):
    for channel in ("1", "3", "auto"):
        listed = {one["aid"] for one in bench.gp("list", "--channel", channel, keys=bench.keys).expect(OK).results}
        check(listed == set(bench.listed()), f"channel {channel}: {listed}")
    new = bench.write_keys("channel.keys", key_set("36", NEW))
    bench.gp("install", "--ssd", OTHER, "--channel", "2", keys=bench.keys).expect(OK)
    bench.gp("put-key", new, "--sd", OTHER, "--channel", "2", keys=bench.keys).expect(OK)
    manage = [apdu[:4].hex() for apdu in bench.sent(0x70)]
    check(manage == ["00700002", "00708002"], f"MANAGE CHANNEL: {manage}")
    check(all((apdu[0] & 3) == 2 for apdu in bench.commands if apdu[1] != 0x70), f"{[apdu.hex() for apdu in bench.commands]}")
    answer, = bench.gp("apdu", "80CA006600", "--sd", OTHER, "--channel", "auto").expect(OK).results
    check(answer["sw"] == "9000", f"{answer}")
    bench.gp("delete", OTHER, "--channel", "1", keys=bench.keys).expect(OK)
    bench.gp("list", "--channel", "9", keys=bench.keys).expect(FAILED).says("MANAGE CHANNEL", "6A81", "--channel auto")
    for odd in ("0", "20", "1x", "-1", "first"):
        bench.gp("list", "--channel", odd, keys=bench.keys).expect(USAGE).says("--channel")
        check(not bench.commands, "the card was touched")


def a_profile_with_a_casd_is_made_by_the_maker(bench):
    folder, casd = bench.folder, "A00000015153504341534400"
    profile = run("se", "show-profile", "payment").expect(OK).results[0] | {"name": "casd", "casd": {"mandated_dap": False}}
    file = folder / "casd.json"
    file.write_text(json.dumps(profile))
    run("se", "make", "--profile", file, "--state", folder / "casd.nvm", "--keys-out", folder / "hand.keys").expect(USAGE).says(
        "casd.authority_key")
    seid = "4B4200000000000000000000000000CA"
    made = ["maker", "make", "--profile", file, "--keys", folder / "hand.keys", "--out", "made", "--seid", seid, "--shipment",
            "casd-shipment.json", "--issuer-keys", "casd.cms", "--manager", "manager/exchange.pem", "--home", folder / "maker",
            "--passphrase-file", folder / "passphrase"]
    run(*made, cwd=folder).expect(OK)
    se = Service("se", "run", "--single", "--no-sync", "--state", folder / "made" / f"{seid}.nvm", "--listen", "127.0.0.1:0")
    try:
        at = f"tcp:127.0.0.1:{se.port}"
        run("maker", "casd-requests", "--reader", at, "--seid", seid, "--out", folder / "casd", "--home", folder / "maker",
            "--passphrase-file", folder / "passphrase").expect(OK)
        keys = {key["version"] + key["identifier"] for key in bench.gp("info", "--sd", casd, reader=at).expect(OK).results[0]["keys"]}
        check("7403" in keys and "7301" not in keys, f"keys of the CASD: {keys}")
    finally:
        se.stop(signal.SIGKILL)
    # Another authority than the maker's is refused; the point is the base point of P-256.
    profile["casd"]["authority_key"] = ("046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
                                        "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5")
    file.write_text(json.dumps(profile))
    made[made.index(seid)] = seid[:-2] + "CB"
    run(*made, cwd=folder).expect(FAILED, REFUSED, USAGE).says("another controlling authority")
    done = run("se", "make", "--profile", file, "--state", folder / "casd.nvm", "--keys", folder / "hand.keys").expect(OK)
    check((folder / "casd.nvm").exists(), f"{done.out}")


def a_card_is_terminated_by_its_own_word_alone(bench):
    for words in ([], ["--force"], ["--no-way-back"]):
        bench.gp("set-status", "terminated", "--card", *words, keys=bench.keys).expect(REFUSED).says("--yes-terminate-this-card")
        check(not bench.commands, "the card was touched")
    bench.gp("set-status", "terminated", "--card", "--yes-terminate-this-card", keys=bench.keys).expect(OK).says("terminated")
    bench.gp("list", keys=bench.keys).expect(FAILED)


def what_is_deleted_is_gone(bench):
    bench.gp("delete", DOMAIN, keys=bench.keys).expect(OK)
    check(DOMAIN not in bench.listed(), "the domain is still there")
    bench.gp("delete", DOMAIN, keys=bench.keys).expect(FAILED).says("DELETE", "6A8[28]", "kagibin gp list")
    bench.gp("info", "--sd", DOMAIN).expect(FAILED).says(DOMAIN, "6A82")
    bench.gp("delete").expect(USAGE)


CASES = [info_without_keys_says_what_the_card_is, info_with_keys_opens_the_highest_level,
         list_shows_domains_applications_and_load_files, wrong_keys_use_no_try_and_the_message_says_so,
         a_set_of_the_same_file_that_fits_is_named, a_key_version_that_is_not_there_is_said_with_those_that_are,
         key_files_are_private_and_checked, a_security_domain_is_created_and_gets_its_keys,
         a_key_set_is_replaced_by_one_of_another_size, keys_that_cannot_be_verified_do_not_replace_the_last_set,
         the_last_key_set_is_not_deleted, public_keys_are_put_from_pem, data_are_stored_and_read_back,
         apdus_go_as_they_are_or_inside_the_channel, what_cannot_be_undone_wants_force,
         a_dry_run_needs_no_card_and_shows_no_key, a_cap_file_becomes_install_and_load_commands,
         what_is_deleted_is_gone, delegated_management_signs_tokens_and_checks_receipts,
         tokens_are_for_one_card_and_one_use, a_dry_run_shows_the_token_for_whoever_sends_it,
         scp11_opens_by_certificates_and_by_the_cards_key, scp11_refuses_whoever_is_another_and_says_which,
         files_that_are_not_there_or_not_ours_are_named, capabilities_cplc_and_resources_are_shown_by_their_fields,
         a_wrong_enc_is_named_by_every_command, states_are_set_by_name_and_what_nothing_undoes_wants_its_word,
         the_maker_makes_elements_of_every_shipped_profile, another_logical_channel_is_opened_and_closed_again,
         a_profile_with_a_casd_is_made_by_the_maker, a_card_is_terminated_by_its_own_word_alone]


if __name__ == "__main__":
    run_cases(__doc__, Bench, CASES)
