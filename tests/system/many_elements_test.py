#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kagibin se as a card engineer runs it: profiles, an element by hand, many in one process, kill -9 and Ctrl-C between."""
import contextlib
import json
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

SE = [str(pathlib.Path(sys.argv[1]) / "kagibin-se"), "--json"]
COUNT = 40


class Reader:
    """The reader's side of vpcd's protocol, with the frame that names one of many elements."""

    def __init__(self, port, number=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.refused = None
        if number is not None:
            said = self.ask(struct.pack(">BI", 5, number))
            self.refused = said[0] if said != b"\0" else None
        if self.refused is None:
            self.send(b"\x01")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(struct.pack(">H", len(octets)) + octets)

    def receive(self, count):
        octets = b""
        while len(octets) < count:
            more = self.socket.recv(count - len(octets))
            assert more, "the element hung up"
            octets += more
        return octets

    def ask(self, octets):
        self.send(octets)
        return self.receive(struct.unpack(">H", self.receive(2))[0])

    def cin(self):
        answer = self.ask(bytes.fromhex("80CA004500"))
        assert answer[-2:] == b"\x90\0", answer.hex()
        return answer[2:-2]

    def counter(self):
        """Of the key set: an INITIALIZE UPDATE tells it, and has it stored incremented before it answers."""
        answer = self.ask(bytes.fromhex("8050000008010203040506070800"))
        assert answer[-2:] == b"\x90\0", answer.hex()
        return int.from_bytes(answer[-5:-2], "big")


@contextlib.contextmanager
def running(*arguments, end=signal.SIGINT):
    process = subprocess.Popen([*SE, "run", "--listen", "127.0.0.1:0", *arguments], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield json.loads(line)
    finally:
        process.send_signal(end)
        _, err = process.communicate(timeout=120)
        assert process.returncode == (0 if end == signal.SIGINT else -end), (process.returncode, err)


def se(*arguments, code=0):
    done = subprocess.run([*SE, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def check_profiles(folder):
    listed = [json.loads(line) for line in se("profiles").stdout.splitlines()]
    assert [one["name"] for one in listed] == ["factory", "payment", "secure-sd", "sim-uicc"], listed
    for one in listed:
        shown = json.loads(se("show-profile", one["name"]).stdout)
        assert shown["name"] == one["name"]
        assert one["published_keys"] == (one["name"] == "factory")
    refused = se("show-profile", "no-such", code=2)
    assert "factory" in refused.stderr and str(pathlib.Path(listed[0]["file"]).parent) in refused.stderr, refused.stderr
    assert str(folder / "no.json") in se("show-profile", str(folder / "no.json"), code=2).stderr
    # A program without its share/ says where it looked.
    alone = folder / "alone" / "bin" / "kagibin-se"
    alone.parent.mkdir(parents=True)
    shutil.copy(SE[0], alone)
    for words in (["profiles"], ["show-profile", "factory"], ["run", "--profile", "factory"]):
        done = subprocess.run([alone, *words], capture_output=True, text=True, timeout=120)
        assert done.returncode in (1, 2) and str(folder / "alone/share/kagibin/profiles") in done.stderr, (words, done)
    mine = folder / "mine.json"
    mine.write_text(pathlib.Path(listed[0]["file"]).read_text().replace('"channels": 4', '"channels": 40'))
    assert "limits.channels" in se("show-profile", str(mine), code=2).stderr


def check_one(folder):
    state, keys = folder / "card.nvm", folder / "payment.keys"
    assert "issuer.master" in se("make", "--profile", "payment", "--state", str(state), code=2).stderr
    assert not state.exists()
    se("make", "--profile", "payment", "--state", str(state), "--keys-out", str(keys), "--serial", "7")
    assert keys.stat().st_mode & 0o777 == 0o600
    se("make", "--profile", "payment", "--state", str(state), "--keys", str(keys), code=1)
    with running("--state", str(state)) as at, Reader(at["port"]) as reader:
        assert reader.cin()[-4:] == b"\0\0\0\7"
    before = set(folder.iterdir())
    check_odd_files(folder, "--state")
    with running("--profile", "factory") as at, Reader(at["port"]) as reader:
        assert reader.counter() == 0
    assert set(folder.iterdir()) == before


def check_odd_files(folder, option):
    """A file that is not there, or none of ours, is named, and nothing is left beside it."""
    odd, empty = folder / "odd", folder / "empty"
    odd.write_text("this is no element\n")
    empty.touch()
    before = {one: one.stat().st_size for one in folder.iterdir()}
    for file in (folder / "nofile", folder / "nofolder" / "nofile", odd, empty):
        said = se("run", option, str(file), "--listen", "127.0.0.1:0", code=2)
        assert str(file) + ":" in said.stderr, said.stderr
        assert {one: one.stat().st_size for one in folder.iterdir()} == before, (option, file, list(folder.iterdir()))
    odd.unlink()
    empty.unlink()


def check_explained(folder):
    """Why commands were refused, of many elements, each with its number."""
    said = folder / "explained"
    with said.open("w") as file:
        process = subprocess.Popen([*SE, "run", "--listen", "127.0.0.1:0", "--profile", "factory", "--count", "3", "--explain"],
                                   stdout=subprocess.PIPE, stderr=file, text=True)
        port = json.loads(process.stdout.readline())["port"]
        for number in (2, 0):
            with Reader(port, number) as reader:
                assert reader.ask(bytes.fromhex("80F28002024F0000")) == b"\x69\x82"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    told = [json.loads(line) for line in said.read_text().splitlines() if line.startswith("{")]
    assert [(one["element"], one["sw"]) for one in told] == [(2, "6982"), (0, "6982")], said.read_text()
    assert all("GET STATUS" in one["refused"] for one in told), told


def check_snapshots(folder):
    """A copy of running elements is a moment of theirs, and goes on by itself."""
    store, copy, other = folder / "live.kbh", folder / "live.copy", folder / "other.kbh"
    check_odd_files(folder, "--store")
    with running("--profile", "factory", "--count", "4", "--store", str(store)) as at:
        with Reader(at["port"], 3) as reader:
            assert [reader.counter() for _ in range(5)] == [0, 1, 2, 3, 4]
            made = json.loads(se("snapshot", "--store", str(store), "--out", str(copy)).stdout)
            assert made["count"] == 4 and copy.stat().st_mode & 0o777 == 0o600, made
            assert reader.counter() == 5  # it was not disturbed
        assert "exists" in se("snapshot", "--store", str(store), "--out", str(copy), code=1).stderr
        # Who runs them keeps them.
        assert "another process" in se("restore", str(copy), "--store", str(store), "--replace", code=1).stderr
    whole = copy.read_bytes()
    se("restore", str(copy), "--store", str(other))
    with running("--store", str(other)) as at, Reader(at["port"], 3) as reader:
        assert reader.counter() == 5  # as it was when the copy was made
    # The elements went on, and are given up for the copy by a word alone; no journal of theirs goes on from it.
    with running("--store", str(store), end=signal.SIGKILL) as at, Reader(at["port"], 3) as reader:
        assert reader.counter() == 6
    assert "--replace" in se("restore", str(copy), "--store", str(store), code=1).stderr
    se("restore", str(copy), "--store", str(store), "--replace")
    with running("--store", str(store)) as at, Reader(at["port"], 3) as reader:
        assert reader.counter() == 5
    # A killed process's store is copied with its journal.
    with running("--store", str(store), end=signal.SIGKILL) as at, Reader(at["port"], 3) as reader:
        assert reader.counter() == 6
    again = folder / "again.copy"
    se("snapshot", "--store", str(store), "--out", str(again))
    se("restore", str(again), "--store", str(other), "--replace")
    with running("--store", str(other)) as at, Reader(at["port"], 3) as reader:
        assert reader.counter() == 7
    for cut in (len(whole) - 1, 100, 9):
        copy.write_bytes(whole[:cut])
        assert str(copy) in se("restore", str(copy), "--store", str(folder / "new.kbh"), code=2).stderr
    copy.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    assert str(copy) in se("restore", str(copy), "--store", str(folder / "new.kbh"), code=2).stderr
    assert not (folder / "new.kbh").exists()
    for words in (["snapshot", "--store", str(folder / "no"), "--out", str(again) + "2"],
                  ["restore", str(folder / "no"), "--store", str(folder / "new.kbh")]):
        assert str(folder / "no") + ":" in se(*words, code=2).stderr


def check_many(folder):
    store, keys = folder / "fleet.kbh", folder / "fleet.keys"
    make = ["--profile", "sim-uicc", "--keys-out", str(keys), "--store", str(store)]
    se("run", *make, "--count", str(COUNT), "--state", str(store), code=2)
    # sim-uicc leaves its basic channel to the telephone: secure-sd answers on it.
    make[1] = "secure-sd"
    with running(*make, "--count", str(COUNT), "--awake", "3", end=signal.SIGKILL) as at:
        assert at["count"] == COUNT and at["resident_octets_each"] > at["memory_octets_each"] > 500, at
        cins = set()
        for number in range(COUNT):
            with Reader(at["port"], number) as reader:
                cins.add(reader.cin())
                for expected in range(number % 3):
                    assert reader.counter() == expected
        assert len(cins) == COUNT
        with Reader(at["port"] + 1) as second, Reader(at["port"], 2) as third:
            assert sorted(cins).index(second.cin()) == 1 and sorted(cins).index(third.cin()) == 2
            assert Reader(at["port"], 1).refused == 2
        assert Reader(at["port"], COUNT).refused == 1
    # Killed: what was answered is there. Then stopped by Ctrl-C: that, too, and the journal is short again.
    for round_ in range(2):
        with running("--store", str(store)) as at:
            assert at["count"] == COUNT and at["label"] == "secure-sd"
            for number in range(COUNT):
                with Reader(at["port"], number) as reader:
                    assert reader.cin() in cins
                    assert reader.counter() == number % 3 + round_
        assert (folder / "fleet.kbh.log").stat().st_size < 64
    whole = store.read_bytes()
    store.write_bytes(whole[:-1])
    se("run", "--store", str(store), "--listen", "127.0.0.1:0", code=2)
    store.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    assert "check" in se("run", "--store", str(store), "--listen", "127.0.0.1:0", code=2).stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_profiles(folder)
        check_one(folder)
        check_many(folder)
        check_explained(folder)
        check_snapshots(folder)
    print("profiles, one element by hand, many in one process")


if __name__ == "__main__":
    main()
