#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kagibin fleet as a program: what it refuses, what it leaves behind, and how Ctrl-C ends it."""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SMALL = ["--transport", "simulated", "--alone", "1"]


def run(program, arguments, folder):
    return subprocess.run([program, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          env={"TMPDIR": str(folder), "PATH": "/usr/bin:/bin"})


def refuses(program, folder):
    for arguments, word in ((["--arrival", "waves:3"], "arrival pattern"), (["--failures", "fire=0.1"], "fire=0.1"),
                            (["--elements", "0"], "--elements"), (["--level", "RL9"], "--level"), (["--transport", "pigeon"], "--transport")):
        refused = run(program, arguments, folder)
        assert refused.returncode == 2 and word in refused.stderr, refused
    away = run(program, [*SMALL, "--elements", "2", "--store", "postgresql://nobody@/none?host=/nowhere"], folder)
    assert away.returncode == 4 and "postgresql://nobody@/none" in away.stderr, away
    for option in ("--json", "--svg"):
        gone = run(program, [*SMALL, "--elements", "2", option, "no/such/folder/x"], folder)
        assert gone.returncode == 2 and "no/such/folder/x" in gone.stderr and not gone.stdout, gone


def leaves_nothing_behind(program, folder):
    done = run(program, [*SMALL, "--elements", "5", "--json", "report.json"], folder)
    assert done.returncode == 0, done
    report = json.loads((folder / "report.json").read_text())
    assert report["confirmed"] == report["by_receipt"] == report["read_back"] == 5 and not report["interrupted"], report
    assert sorted(one.name for one in folder.iterdir()) == ["report.json"], list(folder.iterdir())


def ends_by_ctrl_c(program, folder):
    with subprocess.Popen([program, *SMALL, "--elements", "500", "--arrival", "rate:10", "--json", "report.json"], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={"TMPDIR": str(folder), "PATH": "/usr/bin:/bin"}) as process:
        first = process.stderr.readline()  # the first progress line: ten seconds into the load
        assert "of 500 ordered" in first, first
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130, (process.returncode, said)
    report = json.loads((folder / "report.json").read_text())
    assert report["interrupted"] and report["violations"] == 0 and report["read_back"] == 500, report
    assert 0 < report["confirmed"] < 500, report
    assert "0 violations" in said, said


def main():
    program = pathlib.Path(sys.argv[1]).resolve() / "kagibin-fleet"
    for test in (refuses, leaves_nothing_behind, ends_by_ctrl_c):
        with tempfile.TemporaryDirectory(prefix="kagibin-fleet-test-") as folder:
            test(program, pathlib.Path(folder))
            print(f"{test.__name__}: good")


if __name__ == "__main__":
    main()
