#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every tracked text file for what no compiler checks: licence line, size, words that must not stand there.

scripts/check_text.py              check the tracked files
scripts/check_text.py --self-test  show that each rule refuses its example
"""
import argparse
import pathlib
import re
import subprocess
import sys

SOURCES = (".h", ".cc", ".py", ".sh", ".java", ".ts", ".js", ".css")
WARN_LINES, MOST_LINES, MOST_ENTRIES = 400, 700, 25

# (pattern, which files, where it is allowed, what to say). Letters in brackets keep a rule from finding itself.
RULES = (
    (r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b", r".*", r"$^",
     "a mark of unfinished work: finish it, or refuse with a clear error and open an issue"),
    (r"(?<![\w.$}])/(?:w[o]rk|h[o]me)/\w", r".*", r"$^", "a path of one machine"),
    (r"\busing namespace std\b", r".*\.(h|cc)", r"$^", "write std:: out"),
    (r"\bstd::(format|print|println)\b|#include <(format|print)>", r".*\.(h|cc)", r"$^", "GCC 12 has it not: use fmt"),
    (r"\bstd::(cout|cerr|clog)\b|\b(?:std::)?f?printf\(|\bfmt::print\(|\bspdlog::", r"kagibin/.*\.(h|cc)",
     r"kagibin/cli/.*|.*_(test|main)\.cc|kagibin/base/result\.cc", "libraries return errors; only programs print and log"),
    (r"\bstd::(random_device|mt19937(_64)?)\b|\bs?rand\(", r"kagibin/.*\.(h|cc)", r".*_test\.cc",
     "randomness comes by Rng&"),
    (r"\b(system_clock|steady_clock)::now\b", r"kagibin/.*\.(h|cc)",
     r"kagibin/(base|net|link|cli)/.*|.*_test\.cc", "time comes by Clock&"),
    (r"\bNO[L]INT(NEXTLINE|BEGIN)?(?!NEXTLINE|BEGIN|END|\w)(?!\([a-z][\w.,* -]*\):? +\S)", r".*\.(h|cc)", r"$^",
     "name the check and the reason: NO" "LINT(check): reason"),
)
DRAWER = re.compile(r"(^|[/_.-])(util|utils|helper|helpers|common|misc)([/_.-]|$)")



def problems_of(path, text):
    """(is fatal, sentence) for each thing wrong with one file."""
    suffix = pathlib.PurePosixPath(path).suffix
    lines = text.splitlines()
    if (suffix in SOURCES or text.startswith("#!")) and not any("SPDX-License-Identifier: Apache-2.0" in line
                                                                for line in lines[:3]):
        yield True, f"{path}:1: needs the line 'SPDX-License-Identifier: Apache-2.0' at its top"
    if suffix == ".h" and "#pragma once" not in lines:
        yield True, f"{path}:1: a header says #pragma once"
    if suffix in (".h", ".cc") and len(lines) > MOST_LINES:
        yield True, f"{path}: {len(lines)} lines; {MOST_LINES} is the limit: which noun should have a file of its own?"
    elif suffix in (".h", ".cc") and len(lines) > WARN_LINES:
        yield False, f"{path}: {len(lines)} lines: is this still one noun?"
    if DRAWER.search(path):
        yield True, f"{path}: a drawer: name it by what it holds"
    if text and not text.endswith("\n") and suffix in (*SOURCES, ".md", ".cmake", ".txt"):
        yield True, f"{path}: does not end in a line feed"
    for pattern, files, allowed, sentence in RULES:
        if re.fullmatch(files, path) and not re.fullmatch(allowed, path):
            for number, line in enumerate(lines, 1):
                # What a comment of C++ quotes is not code; marks and paths count in comments too.
                is_code_rule = files != r".*" and "[L]INT" not in pattern
                match = re.search(pattern, line.split("//")[0] if is_code_rule else line)
                if match:
                    yield True, f"{path}:{number}: '{match.group(0)}': {sentence}"


def crowded(paths):
    """Folders with more entries than a newcomer can take in."""
    entries = {}
    for path in paths:
        pure = pathlib.PurePosixPath(path)
        for child, parent in zip((pure, *pure.parents), pure.parents):
            entries.setdefault(str(parent), set()).add(child.name)
    for folder, names in sorted(entries.items()):
        if len(names) > MOST_ENTRIES and not re.search(r"(^|/)(testdata|corpus|models)(/|$)", folder):
            yield f"{folder}/: {len(names)} entries: does it hold one thing?"


def self_test():
    licence = "// SPDX-License-Identifier: Apache-2.0\n"
    wrong = (
        ("kagibin/tlv/x.cc", "int x;\n", "needs the line"),
        ("kagibin/tlv/x.h", licence, "#pragma once"),
        ("kagibin/tlv/x.cc", licence + "int x;\n" * MOST_LINES, "is the limit"),
        ("kagibin/tlv/x.cc", licence + "int x;\n" * WARN_LINES, "still one noun"),
        ("kagibin/tlv/byte_util.cc", licence, "a drawer"),
        ("kagibin/common/x.cc", licence, "a drawer"),
        ("README.md", "text", "line feed"),
        ("README.md", "a TO" "DO\n", "unfinished"),
        ("scripts/x", "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\ncd /ho" "me/me\n", "one machine"),
        ("kagibin/tlv/x.cc", licence + "using namespace std;\n", "std::"),
        ("kagibin/tlv/x.cc", licence + "std::format(1);\n", "use fmt"),
        ("kagibin/tlv/x.cc", licence + "std::cerr << 1;\n", "only programs print"),
        ("kagibin/tlv/x.cc", licence + "printf(1);\n", "only programs print"),
        ("kagibin/scp/x.cc", licence + "std::mt19937 r;\n", "Rng&"),
        ("kagibin/scp/x.cc", licence + "std::chrono::system_clock::now();\n", "Clock&"),
        ("kagibin/tlv/x.cc", licence + "f();  // NO" "LINT\n", "name the check"),
        ("kagibin/tlv/x.cc", licence + "f();  // NO" "LINT(bugprone-x)\n", "name the check"),
    )
    right = (
        ("kagibin/tlv/x.cc", licence + "f();  // NO" "LINT(bugprone-x): measured\n// NO" "LINTNEXTLINE(a-b,c-d): why\n"),
        ("kagibin/cli/agent.cc", licence + "std::cerr << 1; fprintf(stderr, 1);\n"),
        ("kagibin/tlv/x.cc", licence + "//   std::cerr << error;\n"),
        ("kagibin/tlv/x_test.cc", licence + "std::mt19937 r;\n"),
        ("kagibin/tlv/x.h", licence + "#pragma once\nint snprintf(char*);\n"),
        ("scripts/x", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\nls $TMPDIR/ho" "me/x $root/wo" "rk/y\n"),
    )
    failed = 0
    for path, text, sentence in wrong:
        if not any(sentence in said for _, said in problems_of(path, text)):
            failed += 1
            print(f"FAILED: '{sentence}' is not said about {path}: {text[:80]!r}")
    for path, text in right:
        for _, said in problems_of(path, text):
            failed += 1
            print(f"FAILED: refused without cause: {said}")
    if list(crowded([f"a/{i}.h" for i in range(MOST_ENTRIES)])) or not list(crowded([f"a/{i}.h" for i in range(26)])):
        failed += 1
        print("FAILED: folders are counted wrongly")
    print(f"text rules, self-test: {len(wrong) + len(right) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true", help="show that each rule refuses its example")
    if parser.parse_args().self_test:
        return self_test()
    root = pathlib.Path(__file__).resolve().parent.parent
    names = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True).stdout
    paths = [name for name in names.decode().split("\0") if name and (root / name).is_file()]
    checked = refused = 0
    for path in paths:
        octets = (root / path).read_bytes()
        if b"\0" in octets or "/corpus/" in path or path == "LICENSE":
            continue
        try:
            text = octets.decode()
        except UnicodeDecodeError:
            refused += 1
            print(f"{path}: is not UTF-8")
            continue
        checked += 1
        for fatal, sentence in problems_of(path, text):
            refused += fatal
            print(sentence if fatal else f"warning: {sentence}")
    for sentence in crowded(paths):
        print(f"warning: {sentence}")
    print(f"text rules: {checked} files, {refused} refused")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
