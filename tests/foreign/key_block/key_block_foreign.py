# SPDX-License-Identifier: Apache-2.0
"""Key blocks of PyPI's psec against ours (key_block_peer): each opens what the other made, and neither what was changed.

    python3 key_block_foreign.py PATH_TO_key_block_peer
"""
import os
import subprocess
import sys

import psec

KEYS = (16, 24, 32)
HEADERS = (  # usage, algorithm, mode, version, exportability, optional blocks
    ("B3", "A", "X", "00", "N", {}),
    ("D0", "A", "B", "07", "E", {"KP": "01D77F007724"}),
    ("K1", "A", "D", "c1", "S", {"LB": "label", "TS": "20261129T120000Z"}),
    ("M6", "A", "C", "00", "E", {"LB": "x" * 300}),
    ("P0", "T", "N", "12", "N", {"KS": "00604B120F9292800000"}),
)
done = failed = 0


def expect(what, left, right):
    global done, failed
    if left == right:
        done += 1
    else:
        failed += 1
        print(f"FAILED: {what}: {left!r} is not {right!r}")


def main():
    with subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        def ask(*words):
            print(*words, file=peer.stdin, flush=True)
            return peer.stdout.readline().strip()

        for kbpk_size in KEYS:
            kbpk = os.urandom(kbpk_size)
            for key_size in KEYS:
                for usage, algorithm, mode, version, exportability, blocks in HEADERS:
                    key = os.urandom(key_size if algorithm == "A" else 16)
                    name = f"KBPK of {kbpk_size}, key of {len(key)}, {usage}"
                    fields = [usage, algorithm, mode, version, exportability]
                    words = [f"{k}={v}" for k, v in blocks.items()]
                    header = psec.tr31.Header("D", *fields)
                    header.blocks.update(blocks)
                    theirs = psec.tr31.wrap(kbpk, header, key)
                    expect(f"{name}: we open what they made", ask("open", kbpk.hex(), theirs),
                           " ".join([*fields, key.hex().upper(), *words]))
                    at = 16 + int.from_bytes(os.urandom(2), "big") % (len(theirs) - 16)
                    changed = theirs[:at] + ("1" if theirs[at] != "1" else "2") + theirs[at + 1:]
                    expect(f"{name}: we refuse what was changed at {at}",
                           ask("open", kbpk.hex(), changed).split(" ")[0], "error")
                    expect(f"{name}: we refuse another key",
                           ask("open", os.urandom(kbpk_size).hex(), theirs), "error authentication")
                    ours = ask("protect", kbpk.hex(), key.hex(), *fields, *words)
                    read, opened = psec.tr31.unwrap(kbpk, ours)
                    expect(f"{name}: they open what we made", opened, key)
                    expect(f"{name}: they read our header",
                           [read.key_usage, read.algorithm, read.mode_of_use, read.version_num, read.exportability,
                            dict(read.blocks)], [*fields, blocks])
                    if algorithm == "A":
                        expect(f"{name}: blocks of both have one length", len(ours), len(theirs))
                    try:
                        psec.tr31.unwrap(kbpk, ours[:11] + ("S" if ours[11] != "S" else "E") + ours[12:])
                        expect(f"{name}: they refuse another exportability", "opened", "refused")
                    except psec.tr31.KeyBlockError:
                        expect(f"{name}: they refuse another exportability", "refused", "refused")
        peer.stdin.close()
    print(f"foreign key blocks: {done} agree, {failed} differ")
    return 1 if failed or not done else 0


sys.exit(main())
