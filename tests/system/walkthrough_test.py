#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Types every command of a page (doc/walkthrough.md, doc/relay_levels.md, doc/attestation.md, doc/gp_tool.md, doc/tokens.md,
doc/key_blocks.md, doc/audit.md, doc/fleet.md, doc/campaigns.md) into one shell, in order, as a new user would, and looks at what came of it.

  walkthrough_test.py FOLDER_OF_PROGRAMS [walkthrough|relay_levels|attestation|gp_tool|tokens|key_blocks|audit|fleet|campaigns]

Of the page two things are changed: the lines that install and build are left out (the programs are there), and its port
numbers become free ones. Standard library only.
"""
import base64
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

DOC = pathlib.Path(__file__).resolve().parents[2] / "doc"
BUILD_LINES = ("scripts/setup", "cmake ", "export PATH=")
PORTS = [*range(47301, 47305), 47311]


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", (DOC / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL)


def free_ports():
    """As many pairs as the page has ports: an element takes the port above its own, too."""
    out = []
    while len(out) < len(PORTS):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            try:
                second.bind(("127.0.0.1", first.getsockname()[1] + 1))
            except OSError:
                continue
            out.append(first.getsockname()[1])
    return out


def script(page):
    text = "\n".join(blocks(page))
    for port, free in zip(PORTS, free_ports()):
        text = text.replace(str(port), f"<{free}>")
    lines = [line for line in re.sub(r"<(\d+)>", r"\1", text).splitlines() if not line.startswith(BUILD_LINES)]
    return "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + "\n".join(lines) + "\nwait\n"


def check_confirmed(programs, walk):
    shown = subprocess.run([programs / "kagibin-provider", "show", "--json", "--home", walk / "provider", "--passphrase-file",
                            walk / "passphrase"], stdout=subprocess.PIPE, text=True, check=False).stdout
    if '"state":"confirmed"' not in shown.replace(" ", ""):
        sys.exit(f"the page ends without a confirmed order: {shown}")
    print("the order of the page is confirmed")


def look_at_walkthrough(programs, home, said):
    check_confirmed(programs, pathlib.Path(home) / "kagibin-walk")
    logged = re.findall(r"^entry \d+: KBA1 \d+ (\w+) 53500000000000000000000000000001 walk-1 ", said, re.MULTILINE)
    if logged != ["order", "attempt", "enrolment", "delivery", "hand_over", "receipt", "verdict_confirmed"]:
        sys.exit(f"the log says of the order: {logged}")


def look_at_relay_levels(programs, home, _):
    walk = pathlib.Path(home) / "kagibin-rl2"
    check_confirmed(programs, walk)
    seen = re.findall(r"^> ..(..)", (walk / "device.apdu").read_text(), re.MULTILINE)
    if "2A" not in seen or "82" not in seen or "50" in seen[:seen.index("82")]:
        sys.exit(f"the channel was not opened by certificates: {seen}")
    own = set(re.findall(r"^> ..(..)", (walk / "device-os.apdu").read_text(), re.MULTILINE))
    if not {"12", "14", "16"} <= own or own & {"50", "82", "2A", "D8", "E2", "E4"}:
        sys.exit(f"something was relayed to a domain that opens envelopes itself: {own}")
    again = subprocess.run([programs / "kagibin-maker", "store-domain", walk / "domain.cert", "--home", walk / "maker",
                            "--passphrase-file", walk / "passphrase"], stderr=subprocess.PIPE, text=True, check=False)
    if again.returncode == 0 or "no such domain of this element waits" not in again.stderr:
        sys.exit(f"the maker kept the domain's key set: {again}")
    other = subprocess.run([programs / "kagibin-authority", "certify-domain", walk / "maker" / "request.kbq", "--out",
                            walk / "x.cert", "--home", walk / "authority", "--passphrase-file", walk / "passphrase"],
                           stderr=subprocess.PIPE, text=True, check=False)
    if other.returncode == 0 or (walk / "x.cert").exists():
        sys.exit(f"the authority certified what is no request for a domain's key: {other}")
    walk = pathlib.Path(home) / "kagibin-rl3"
    check_confirmed(programs, walk)
    opened = re.findall(r"^> ..50(..)", (walk / "device.apdu").read_text(), re.MULTILINE)
    if not opened or opened[0] != "32":
        sys.exit(f"the channel was not opened with the agreed key set: {opened}")


def look_at_attestation(programs, home, _):
    walk = pathlib.Path(home) / "kagibin-att2"
    check_confirmed(programs, walk)
    element = json.loads(base64.b64decode(json.loads((walk / "shipment.json").read_text())["list"]))["elements"][0]
    if "kdaCertificateSha256" in element or set(element.get("casd", {})) != {"signatureKeySha256", "agreementKeySha256"}:
        sys.exit(f"the list pins another thing than the CASD's two keys: {element}")
    policy = walk / "provider" / "policy.json"
    policy.write_text(policy.read_text().replace("ATT-2", "ATT-0"))
    refused = subprocess.run([programs / "kagibin-provider", "check", walk / "payload.json", "--home", walk / "provider", "--passphrase-file",
                              walk / "passphrase"], stderr=subprocess.PIPE, text=True, check=False)
    if refused.returncode != 3 or "ATT-1 or ATT-2" not in refused.stderr:
        sys.exit(f"a policy of ATT-0 is not refused by name: {refused}")


def look_at_gp_tool(_programs, _home, said):
    for pattern, times in ((r"^Receipt \d+ of .*: right\.$", 4), (r"^secure channel +SCP11 opened", 2), (r"^exit code 3$", 2)):
        found = len(re.findall(pattern, said, re.MULTILINE))
        if found != times:
            sys.exit(f"'{pattern}' stands {found} times in what the page printed, not {times} times")
    print("the page did what it says")


def look_at_tokens(programs, home, said):
    walk = pathlib.Path(home) / "kagibin-hsm"
    check_confirmed(programs, walk)
    # A record is 51 octets longer than what it holds: of a key at most 83, of a key's place in a token more.
    for record in ("authority/keys/root", "maker/keys/signing_key", "manager/keys/signing_key", "manager/keys/exchange_key",
                   "manager/keys/master_key", "provider/keys/signing_key", "provider/keys/exchange_key", "provider/keys/master.fleet"):
        size = (walk / f"{record}.kbr").stat().st_size
        if size <= 83:
            sys.exit(f"{record} is a key itself: {size} octets")
    for sentence in ("policy.token_only is set", "there is no token of this name", "CKM_AES_CMAC", "0 KEM keys of orders",
                     "CKM_EXTRACT_KEY_FROM_KEY"):
        if sentence not in said:
            sys.exit(f"the page did not print: {sentence}")
    if len(list((walk / "tokens").rglob("*.object"))) < 17:
        sys.exit("the token does not hold the keys of all roles")
    argv_pin = subprocess.run([programs / "kagibin-token", "show", "pkcs11:token=acme?pin-value=271828"], stderr=subprocess.PIPE,
                              text=True, check=False)
    if argv_pin.returncode == 0 or "a PIN does not stand in a URI" not in argv_pin.stderr:
        sys.exit(f"a PIN in a URI is not refused: {argv_pin}")


def look_at_key_blocks(_programs, home, said):
    walk = pathlib.Path(home) / "kagibin-blocks"
    made = re.findall(r"is made: check value ([0-9A-F]{10})", said)
    if len(made) != 2 or made[0] != made[1]:
        sys.exit(f"the two ends made different protection keys: {made}")
    block = (walk / "fleet.block").read_text()
    if not re.fullmatch(r"D0176B3AX00E0200KC10[0-9A-F]{12}KP1001" + made[0] + r"[0-9A-F]{128}\n", block):
        sys.exit(f"the key block is another one than the page means: {block}")
    if (walk / "ours.block").exists() or not (walk / "vault.block").exists():
        sys.exit("a key that never leaves left, or one that both custodians let go did not")
    for words in ("does not open under the protection key", "exportability N", "needs the second custodian"):
        if words not in said:
            sys.exit(f"the page did not show '{words}'")
    print("the page did what it says")


def look_at_audit(_programs, _home, said):
    for words in ("1 entries of 0 orders are those that were signed", "It continues the earlier checkpoint of 1.",
                  "1 orders of the store were not made in the log; it began with 0.", "exit code 3"):
        if words not in said:
            sys.exit(f"the page did not show '{words}'")
    print("the page did what it says")


def look_at_fleet(_programs, home, said):
    reports = re.findall(r"^read back +(\d+) elements in .*: (\d+) violations$", said, re.MULTILINE)
    if len(reports) != 3 or any(violations != "0" for _, violations in reports):
        sys.exit(f"the page's runs did not end as they should: {reports}")
    report = json.loads((pathlib.Path(home) / "fleet.json").read_text())
    if report["confirmed"] != report["elements"] or report["violations"] != 0 or report["by_receipt"] != report["elements"]:
        sys.exit(f"the report tells of other things: {report}")
    root = xml.etree.ElementTree.parse(pathlib.Path(home) / "fleet.svg").getroot()
    if root.tag != "{http://www.w3.org/2000/svg}svg" or len(root.findall("{http://www.w3.org/2000/svg}rect")) < 100:
        sys.exit("fleet.svg is no picture of a run")
    print("the page did what it says")


def look_at_campaigns(programs, home, said):
    check_confirmed(programs, pathlib.Path(home) / "kagibin-campaign")
    for words in ("campaign spring is paused (not before Monday); 0 released, 60 a minute", "  pilot: 1 held", "  rest: no orders",
                  "campaign spring is completed; 1 released, 60 a minute", "  pilot: 1 confirmed",
                  "campaign summer is cancelling (the wrong payload)", "are those that were signed"):
        if words not in said:
            sys.exit(f"the page did not show '{words}'")
    happened = re.findall(r"^\d+  attempt \d  (\w+) ", said, re.MULTILINE)
    if happened != ["order", "attempt", "release", "enrolment", "delivery", "hand_over", "receipt", "verdict_confirmed"]:
        sys.exit(f"the history says: {happened}")


# What a page has to hold to be the page, and how its end is looked at.
PAGES = {"walkthrough": (8, "provider run", look_at_walkthrough), "relay_levels": (11, "--own-delivery", look_at_relay_levels),
         "attestation": (5, "--no-kda", look_at_attestation),
         "tokens": (6, "--generate", look_at_tokens), "key_blocks": (6, "export-key-block", look_at_key_blocks),
         "fleet": (3, "--failures", look_at_fleet), "campaigns": (4, "campaign create", look_at_campaigns),
         "audit": (5, "audit verify", look_at_audit), "gp_tool": (10, "--token-key", look_at_gp_tool)}


def main():
    programs, page = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else "walkthrough"
    fewest, word, look = PAGES[page]
    if len(blocks(page)) < fewest or word not in script(page):
        sys.exit("the page has no commands to type: did its code blocks change?")
    with tempfile.TemporaryDirectory(prefix="kagibin-walkthrough-") as home:
        # A fleet commits a thousand times: what is looked at is the page, not the disk.
        memory = {"TMPDIR": "/dev/shm"} if page == "fleet" and pathlib.Path("/dev/shm").is_dir() else {}
        done = subprocess.run(["bash", "-c", script(page)], env={**memory, "HOME": home, "PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240, text=True,
                              check=False)
        print(done.stdout)
        if done.returncode != 0:
            sys.exit(f"a command of the page failed: exit code {done.returncode}")
        look(programs, home, done.stdout)


if __name__ == "__main__":
    main()
