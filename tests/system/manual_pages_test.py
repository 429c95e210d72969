#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every program has a manual page that groff accepts without a warning and that names every option and command of --help."""
import pathlib
import re
import subprocess
import sys


def text_of(command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, **more).stdout


def commands_of(program, path):
    """The command paths of a program, as its --help lists them."""
    found = []
    listed = re.search(r"^(?:Subcommands|Commands):\n((?:  .*\n?)+)", text_of([program, *path, "--help"]), re.M)
    for name in re.findall(r"^  ([a-z][a-z-]*)", listed.group(1), re.M) if listed else []:
        found += [[*path, name], *commands_of(program, [*path, name])]
    return found


def check(program, page):
    warnings = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", page], capture_output=True, text=True, timeout=60)
    assert warnings.returncode == 0 and not warnings.stderr, f"{page}: {warnings.stderr}"
    shown = text_of(["groff", "-man", "-Tascii", "-P-cbou", "-rLL=1000n", page])
    paths = commands_of(program, [])
    for path in paths:
        assert re.search(rf"^ +{re.escape(' '.join(path))}$", shown, re.M), f"{page}: no command {' '.join(path)}"
    options = 0
    for path in [[], *paths]:
        for option in re.findall(r"^  +(?:-\w,)?(--[a-z][a-z0-9-]*)", text_of([program, *path, "--help"]), re.M):
            options += 1
            assert re.search(rf"(^|[ ,]){re.escape(option)}\b", shown, re.M), f"{page}: no option {option} of {path}"
    print(f"{page.name}: {len(paths)} commands, {options} options")
    return options


def main():
    build = pathlib.Path(sys.argv[1])
    programs = sorted(one for one in (build / "bin").glob("kagibin*") if one.name != "kagibin-conventional")
    assert len(programs) >= 10, programs
    total = sum(check(program, build / "man" / f"{program.name}.1") for program in programs)
    assert total > 50, total


if __name__ == "__main__":
    main()
