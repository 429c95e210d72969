#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the region coverage of some sources from `llvm-cov export`.

llvm-cov-19 export ... | scripts/region_coverage.py --goal 97 kagibin/tlv/ber_tlv.cc ...

Regions are counted as llvm-cov counts them, with one exception, which is named in the output: the arm of KB_CHECK that
ends the process when an invariant is broken. No test that passes can run it.
"""
import argparse
import json
import pathlib
import re
import sys

CODE = 0  # kind of a region that is code, not an expansion, a gap or a branch


def check_lines(root):
    """The lines of result.h on which KB_CHECK is defined."""
    lines = (root / "kagibin/base/result.h").read_text().splitlines()
    chosen = set()
    for number, line in enumerate(lines, 1):
        if re.match(r"#define KB_CHECK\b", line) or number - 1 in chosen and lines[number - 2].endswith("\\"):
            chosen.add(number)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goal", type=float, required=True, help="per cent of all regions of all sources")
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    aborting = check_lines(root)
    counts, left_out = {source: {} for source in options.sources}, set()
    for function in json.load(sys.stdin)["data"][0]["functions"]:
        names = [name.removeprefix(f"{root}/") for name in function["filenames"]]
        if names[0] not in counts:
            continue
        start = tuple(function["regions"][0][:2])  # the same for every instantiation of a template
        for line, column, last_line, last_column, count, file, expanded, kind, *_ in function["regions"]:
            if kind != CODE:
                continue
            key = (names[0], start, line, column, last_line, last_column, file, expanded)
            if names[file] == "kagibin/base/result.h" and line in aborting and count == 0:
                left_out.add(key)
                continue
            regions = counts[names[0]]
            regions[key] = max(regions.get(key, 0), count)
    total = covered = 0
    for source, regions in sorted(counts.items()):
        if not regions:
            sys.exit(f"coverage: nothing was measured of {source}")
        hit = sum(count > 0 for count in regions.values())
        total, covered = total + len(regions), covered + hit
        print(f"coverage: {source:<48} {hit:5} of {len(regions):5} regions  {100 * hit / len(regions):6.2f}%")
    percent = 100 * covered / total
    print(f"coverage: {'all decoders':<48} {covered:5} of {total:5} regions  {percent:6.2f}%")
    print(f"coverage: left out: {len(left_out)} regions of KB_CHECK that end the process")
    print(f"coverage: the goal of {options.goal:g}% is {'met' if percent >= options.goal else 'NOT met'}")


if __name__ == "__main__":
    main()
