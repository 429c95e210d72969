#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doc/openapi.yaml is a valid OpenAPI 3.1 document, and a running distributor does what it says, to each of those who may call.

contract_test.py BIN TOOLS     (run fetches TOOLS)

schemathesis makes requests from the document, good ones and bad ones, and compares every answer with it: status, media type,
headers, schema, no 5xx, and 405 with Allow where the document has no such method. Two of its checks are left out. Of
positive_data_acceptance: a schema cannot say what is in a relayed message's base64, and JSON Schema takes 1.0 for an integer, so
what fits the schema may be refused. Of ignored_auth: it leaves out headers, and here certificates say who calls (openapi_test).
"""
import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = SOURCE / "doc/openapi.yaml"
SPID = "53500000000000000000000000000001"
SUBJECTS = {"provider": SPID, "device": "phone-1", "operator": "alice", "auditor": "eve"}
LEFT_OUT = "positive_data_acceptance,ignored_auth"
EXAMPLES, SEED = 12, 20260912


def text_of(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def distributor(bin_, folder):
    home = folder / "distributor"
    text_of(bin_ / "kagibin-distributor", "init", "--home", home)
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([bin_ / "kagibin-distributor", "serve", "--listen", "127.0.0.1:0", "--home", home], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not (port := re.search(r"Serving https://127\.0\.0\.1:(\d+)", (folder / "log").read_text())):
            assert time.monotonic() < until and server.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield home, port.group(1)
        assert server.poll() is None, f"the distributor ended: {(folder / 'log').read_text()}"
    finally:
        server.kill()
        server.wait()


def membership(bin_, folder, home, port, party):
    """The folder of a certificate and its key."""
    text_of(bin_ / "kagibin-distributor", "invite", "--home", home, f"--{party}", SUBJECTS[party], "--server", f"localhost:{port}",
            "--out", folder / f"{party}.invitation")
    text_of(bin_ / "kagibin-distributor", "join", folder / f"{party}.invitation", "--home", folder / party)
    return folder / party


def hold(tools, folder, home, port, certificate, document=DOCUMENT):
    """What schemathesis says of the server, as this member sees it: whether it agrees, and all it said."""
    credentials = ["--request-cert", certificate / "transport.cert.pem", "--request-cert-key", certificate / "transport.key.pem"] if certificate else []
    done = subprocess.run([str(part) for part in (
        tools / "st", "--config-file", SOURCE / "tests/contract/schemathesis.toml", "run", document, "--url", f"https://localhost:{port}",
        "--tls-verify", home / "ca.cert.pem", *credentials, "--checks", "all", "--exclude-checks", LEFT_OUT, "--max-examples", EXAMPLES,
        "--seed", SEED, "--generation-database", "none", "--no-color", "--continue-on-failure", "--warnings", "off",
        "--suppress-health-check", "all")], capture_output=True, text=True, timeout=500, cwd=folder)
    return done.returncode == 0, done.stdout + done.stderr


def counts(said):
    tested, made = re.search(r"Tested: (\d+)", said), re.search(r"(\d+) generated", said)
    assert tested and made and int(made.group(1)) > 100, said
    return f"{tested.group(1)} operations, {made.group(1)} requests"


def another_document(folder):
    """One that the server does not keep: health has another status."""
    text, changed = re.subn(r'"200":(\s+description: It does)', r'"202":\1', DOCUMENT.read_text(), count=1)
    assert changed == 1, "the document's health is written otherwise"
    (folder / "another.yaml").write_text(text)
    return folder / "another.yaml"


def main():
    bin_, tools = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    print(text_of(tools / "openapi-spec-validator", DOCUMENT).strip())
    with tempfile.TemporaryDirectory(prefix="kagibin-contract.") as name:
        folder = pathlib.Path(name)
        with distributor(bin_, folder) as (home, port):
            for party in (*SUBJECTS, None):
                certificate = membership(bin_, folder, home, port, party) if party else None
                agrees, said = hold(tools, folder, home, port, certificate)
                assert agrees, f"{party or 'nobody'}: {said}"
                print(f"{party or 'nobody'}: {counts(said)}, every answer as the document says", flush=True)
            agrees, said = hold(tools, folder, home, port, None, another_document(folder))
            assert not agrees and "Undocumented status code" in said, f"a wrong document was not noticed: {said}"
        text_of(bin_ / "kagibin-audit", "verify", home / "orders.sqlite3", "--key", home / "log.vkey")


if __name__ == "__main__":
    main()
