#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A named file that is not there is wrong usage (exit code 2) and named, in every program; with --json as an object, too."""
import json
import pathlib
import subprocess
import sys
import tempfile

GONE = "no-such-file.bin"
OUT = ["--out", "out.bin"]
MAKE = ["make", "--count", "1", "--out", "elements", "--shipment", "list.json", "--issuer-keys", "keys.cms"]
COMMANDS = [
    ("authority", ["certify-maker", GONE, *OUT]),
    ("authority", ["certify-provider", GONE, *OUT, "--aid-prefix", "A000000151"]),
    ("authority", ["certify-casd", GONE, *OUT]),
    ("maker", ["install", "--certificate", GONE, "--roots", "here.txt"]),
    ("maker", ["install", "--certificate", "here.txt", "--roots", GONE]),
    ("maker", [*MAKE, "--manager", GONE]),
    ("maker", [*MAKE, "--manager", "here.txt", "--keys", GONE]),
    ("maker", ["store-casd", GONE]),
    ("maker", ["certify", "--domain-keys", GONE, "--seid", "00" * 16, "--cin", "01", "--code-hash", "00" * 32,
               "--shipment", "list.json"]),
    ("manager", ["import-issuer-keys", GONE, "--maker", "here.txt"]),
    ("manager", ["import-issuer-keys", "here.txt", "--maker", GONE]),
    ("manager", ["export-keys", "--to", GONE, *OUT, "--aid", "A000000151000001", "--card", "01:02"]),
    ("agent", ["join", GONE]),
    ("provider", ["install", "--certificate", "here.txt", "--roots", GONE]),
    ("provider", ["accept-shipment", GONE]),
    ("provider", ["import-keys", "here.txt", "--manager", GONE]),
    ("provider", ["master-key", "import", "master", "--file", GONE]),
    ("provider", ["import-key-block", GONE, "--name", "x", "--kbpk", "zone"]),
    ("provider", ["literal-key", "one", "--file", GONE]),
    ("provider", ["element-key", "import", "one", "--file", GONE, "--token", "pkcs11:token=t;object=k", "--seid", "00" * 16,
                  "--target", "A000000151"]),
    ("provider", ["check", GONE]),
    ("provider", ["order", GONE, "--device", "phone"]),
    ("se", ["run", "--state", GONE]),
    ("se", ["run", "--profile", "factory", "--keys", GONE]),
    ("se", ["restore", GONE, "--store", "new.store"]),
    ("gp", ["install", GONE]),
]


def run(program, arguments, folder):
    return subprocess.run([program, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def check(program, arguments, folder):
    plain = run(program, ["--home", "home", *arguments], folder)
    what = f"{program.name} {' '.join(arguments)}: exit code {plain.returncode}, {plain.stderr!r}"
    assert plain.returncode == 2, what
    assert GONE in plain.stderr and plain.stderr.count("\n") == 1, what
    told = run(program, ["--json", "--home", "home", *arguments], folder)
    assert told.returncode == 2, what
    answer = json.loads(told.stdout)
    assert set(answer) == {"error", "message", "advice"} and GONE in answer["message"], answer
    assert not (folder / "home").exists(), f"{what}: made its folder"


def main():
    programs = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "here.txt").write_text("here\n")
        for role, arguments in COMMANDS:
            check(programs / f"kagibin-{role}", arguments, folder)
        unknown = run(programs / "kagibin-maker", ["--json", "no-such-command"], folder)
        assert unknown.returncode == 2 and json.loads(unknown.stdout)["error"] == "usage", unknown
        asked = run(programs / "kagibin-maker", ["--help"], folder)
        assert asked.returncode == 0 and "Exit codes" in asked.stdout and not asked.stderr, asked
    print(f"{len(COMMANDS)} commands name the file that is not there")


if __name__ == "__main__":
    main()
