#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No branch and no address of our own code depends on a secret, as valgrind's memcheck sees it.

constant_time_test.py PROGRAM      PROGRAM: poisoned_secrets of a build without sanitizers

The program marks its secrets as undefined memory and runs what handles them. First the controls, code that leaks: each has to
be reported, or the run shows nothing.
"""
import pathlib
import subprocess
import sys


def memcheck(program, *arguments):
    suppressions = pathlib.Path(__file__).with_name("libcrypto.supp")
    command = ["valgrind", "--quiet", "--tool=memcheck", "--leak-check=no", "--num-callers=20", "--error-limit=no",
               f"--suppressions={suppressions}", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = sys.argv[1]
    outside = subprocess.run([program], capture_output=True, text=True, check=False)
    assert outside.returncode == 2, "outside valgrind the program has to say that it shows nothing"
    planted = memcheck(program, "planted")
    print(planted.stdout, end="")
    assert planted.returncode == 0, planted.stderr
    real = memcheck(program)
    print(real.stdout, end="")
    if real.returncode != 0 or real.stderr:
        sys.exit(real.stderr)


main()
