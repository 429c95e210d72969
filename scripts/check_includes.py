#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every #include and every CMake dependency to the tables of who may include what.

scripts/check_includes.py              check the tracked sources and CMakeLists.txt files
scripts/check_includes.py --tables     print the tables
scripts/check_includes.py --self-test  build small wrong trees and show that each is refused

The tables (scripts/include_tables.py) carry the security argument: the parts that the operators run move keys and cannot
read them. A folder is a room; crypto and envelope are cut finer, by CMake target. A header belongs to the target that
compiles the source of the same name, or else to the first room of its folder. Files named x_test.cc, test_x.h or
x_test_support.h, and what a kagibin_test, _test_library or _test_program names, count as `tests` wherever they lie.
For libraries DEPS are exact: nothing missing, nothing unused, and what a header includes is public.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from include_tables import (ANYTHING, BEAST_UNITS, BLIND, EVERYWHERE, FINER, SEALING, SYSTEM_HEADERS, TABLE,
                            THIRD_PARTY_HEADERS, THIRD_PARTY_TARGETS)


GENERATED = ("${KAGIBIN_LOAD_FILE_HEADER}",)  # made by kagibin_load_file_sources
TEST_NAME = re.compile(r"(^|_)test(_|\.|$)")  # x_test.cc, test_delivery.h, element_test_support.h; a library so named too


class Target:
    def __init__(self, kind, name, folder, arguments):
        self.kind, self.name, self.folder = kind, name, folder
        self.sources, self.deps, self.private_deps = [], [], []
        lists = {"SOURCES": self.sources, "DEPS": self.deps, "PRIVATE_DEPS": self.private_deps,
                 "PUBLIC": self.deps, "INTERFACE": self.deps, "PRIVATE": self.private_deps}
        current = None
        for argument in arguments:
            if argument in lists:
                current = lists[argument]
            elif argument in ("TIMEOUT", "LABELS", "DECODES"):
                current = None
            elif current is not None:
                current.append(argument)
        if kind in ("test", "fuzzer", "benchmark"):
            self.sources.append(f"{name}.cc")
        if kind in ("test_library", "test_program") or TEST_NAME.search(name):
            self.kind = "test"

    def all_deps(self):
        return self.deps + self.private_deps


def cmake_commands(text):
    """(name, arguments) of every command; comments and quotes are dropped, which suits lists of names."""
    text = re.sub(r"#[^\n]*", "", text)
    for match in re.finditer(r"(\w+)\s*\(([^()]*)\)", text):
        yield match.group(1).lower(), match.group(2).replace('"', " ").split()


def folder_of(path):
    """The folder a room is named by: kagibin/se/kda/x.h -> se, kagibin/roles/carrier/x.h -> roles/carrier."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] != "kagibin":
        return parts[0]
    if len(parts) > 3 and parts[1] == "roles":
        return "/".join(parts[1:3])
    return parts[1] if len(parts) > 2 else ""


class Tree:
    def __init__(self, root, files):
        self.root = pathlib.Path(root)
        self.files = sorted(files)
        self.errors = []
        self.targets = {}  # name -> Target
        self.source_target = {}  # path of a source -> Target
        self.generated = set()  # headers that the build makes
        self.includes = {}  # path -> [(line number, header, is_quoted)]
        self.code = [f for f in self.files if f.endswith((".h", ".cc"))
                     and f.split("/")[0] in ("kagibin", "tests", "bench", "fuzz")]

    def refuse(self, where, sentence):
        self.errors.append(f"{where}: {sentence}")

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def check(self):
        for path in self.files:
            if path.endswith("CMakeLists.txt") and path != "CMakeLists.txt":
                self.read_cmake(path)
        for path in self.code:
            self.includes[path] = [
                (number, quoted or angled, bool(quoted))
                for number, line in enumerate(self.read(path).splitlines(), 1)
                for quoted, angled in re.findall(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)]
        for path in self.code:
            self.check_file(path)
        for target in self.targets.values():
            self.check_target(target)
        self.check_beast()
        return self.errors

    # -- reading CMake ------------------------------------------------------------------------------------------------
    def read_cmake(self, path):
        folder = str(pathlib.PurePosixPath(path).parent)
        lists = {}  # of this file's own set(name item ...)
        for command, written in cmake_commands(self.read(path)):
            arguments = [item for word in written for item in lists.get(word, [word])]
            if not arguments:
                continue
            if command == "set":
                lists[f"${{{arguments[0]}}}"] = arguments[1:]
            elif re.fullmatch(r"kagibin_(library|program|test|test_library|test_program|fuzzer|benchmark)", command):
                self.add_target(path, Target(command.removeprefix("kagibin_"), arguments[0], folder, arguments[1:]))
            elif command == "kagibin_load_file_sources":
                self.generated.add(f"{folder}/{arguments[arguments.index('HEADER') + 1]}")
            elif command in ("add_library", "add_executable") and folder.startswith("kagibin/"):
                self.refuse(path, f"{command}({arguments[0]}): use kagibin_library, _program, _test, _test_library or "
                            "_test_program")
            elif command in ("target_link_libraries", "target_sources") and folder.startswith("kagibin/"):
                self.refuse(path, f"{command}({arguments[0]}): name sources and dependencies where the target is made")
            elif command in ("link_libraries", "link_directories", "include_directories"):
                self.refuse(path, f"{command}: dependencies belong to a target")

    def add_target(self, path, target):
        self.targets[target.name] = target
        top, here = "${CMAKE_SOURCE_DIR}/", "${CMAKE_CURRENT_SOURCE_DIR}/"
        target.sources = [source.removeprefix(here) for source in target.sources]
        for name in target.all_deps() + target.sources:
            if "$" in name.removeprefix(top) and name not in GENERATED:
                self.refuse(path, f"{target.name}: write {name} out, so that it can be checked")
        for source in target.sources:
            source_path = source.removeprefix(top)
            if not source.startswith(top):
                source_path = str(pathlib.PurePosixPath(target.folder) / source)
            previous = self.source_target.get(source_path)
            if previous and target.kind == "library":
                self.refuse(path, f"{source} is in both {previous.name} and {target.name}")
            if not previous or target.kind == "library":
                self.source_target[source_path] = target

    # -- rooms --------------------------------------------------------------------------------------------------------
    def room_of_target(self, target):
        if target.kind == "test":
            return "tests"
        if target.kind in ("fuzzer", "benchmark"):
            return {"fuzzer": "fuzz", "benchmark": "bench"}[target.kind]
        folder = folder_of(target.folder + "/x")
        if folder in FINER:
            return target.name if target.name in FINER[folder] else None
        return folder if folder in TABLE else None

    def target_of_file(self, path):
        if path in self.source_target:
            return self.source_target[path]
        if path.endswith(".h"):
            return self.source_target.get(path[:-2] + ".cc") or self.library_of_folder(path)
        return None

    def library_of_folder(self, path):
        """For a header without a source: the library nearest above it; the first room where a folder is cut finer."""
        folder = pathlib.PurePosixPath(path).parent
        while str(folder) != ".":
            libraries = [t for t in self.targets.values() if t.kind == "library" and t.folder == str(folder)]
            first = FINER.get(folder_of(path), (None,))[0]
            for library in libraries:
                if library.name == first or (first is None and len(libraries) == 1):
                    return library
            if libraries:
                return None
            folder = folder.parent
        return None

    def room_of_file(self, path):
        target = self.target_of_file(path)
        if TEST_NAME.search(pathlib.PurePosixPath(path).name) or target is not None and target.kind == "test":
            return "tests"
        folder = folder_of(path)
        if folder in FINER:
            stem = pathlib.PurePosixPath(path).stem
            if path.endswith(".h") and stem in FINER[folder]:
                return stem
            if target is not None and target.kind == "library":
                return self.room_of_target(target)
            return FINER[folder][0] if path.endswith(".h") else None
        return folder if folder in TABLE else None

    # -- the checks ---------------------------------------------------------------------------------------------------
    def check_file(self, path):
        room = self.room_of_file(path)
        if room is None:
            if path in self.source_target or folder_of(path) not in FINER:
                self.refuse(path, "lies in a folder or target that the table does not know")
            else:
                self.refuse(path, "is compiled by no target of its folder: name it in SOURCES")
            return
        if path.startswith("kagibin/") and path.endswith(".cc") and path not in self.source_target:
            self.refuse(path, "is compiled by no target of its folder: name it in SOURCES")
        for number, header, quoted in self.includes[path]:
            self.check_include(f"{path}:{number}", room, header, quoted)

    def check_include(self, where, room, header, quoted):
        if header.startswith(("kagibin/", "tests/", "bench/", "fuzz/")):
            if not quoted:
                self.refuse(where, f"<{header}>: our own headers are quoted")
            elif header in self.generated:
                return
            elif header not in self.includes:
                self.refuse(where, f'"{header}" is not in the tree')
            else:
                self.check_room(where, room, self.room_of_file(header), header)
        elif quoted:
            self.refuse(where, f'"{header}": the path of our own header starts at the top of the repository')
        else:
            self.check_foreign(where, room, header)

    def check_room(self, where, room, other, header):
        if other in (None, room) or TABLE[room] == ANYTHING and room != "cli":
            return
        if TABLE[other] == ANYTHING:
            self.refuse(where, f"{room} may not include {header} ({other} is where parts are joined)")
        elif TABLE[room] != ANYTHING and other not in TABLE[room]:
            self.refuse(where, f"{room} may not include {header} ({other}){self.hint(where, header)}")

    def hint(self, where, header):
        """A header without a source is taken for the least powerful target of its folder: say how to claim it."""
        path = where.rsplit(":", 1)[0]
        for claimed in (path, header):
            folder = folder_of(claimed)
            if folder in FINER and claimed.endswith(".h") and claimed not in self.source_target \
                    and claimed[:-2] + ".cc" not in self.source_target:
                return f"; {claimed} counts as {FINER[folder][0]} until a target of {folder} lists it in SOURCES"
        return ""

    def check_foreign(self, where, room, header):
        for pattern, rooms in (*THIRD_PARTY_HEADERS, *SYSTEM_HEADERS):
            if re.fullmatch(pattern, header):
                if room not in rooms:
                    self.refuse(where, f"{room} may not include <{header}>")
                return
        self.refuse(where, f"<{header}> is in no table: say in scripts/include_tables.py who may include it")

    def check_target(self, target):
        where = f"{target.folder}/CMakeLists.txt"
        room = self.room_of_target(target)
        if room is None:
            self.refuse(where, f"{target.name} is in a folder or under a name that the table does not know")
            return
        for dep in target.all_deps():
            self.check_dep(where, target, room, dep)
        if target.kind == "library":
            self.check_exact(where, target)
            for forbidden in (*BLIND.get(room, ()), *(SEALING if room in BLIND else ())):
                path = self.link_path(target, forbidden, ())
                if path:
                    self.refuse(where, f"{target.name} moves keys and must not reach {forbidden}: {' -> '.join(path)}")

    def check_dep(self, where, target, room, dep):
        if not dep.startswith("kagibin::"):
            if "$" in dep:
                return
            if dep not in THIRD_PARTY_TARGETS:
                self.refuse(where, f"{target.name}: {dep} is in no table: say in scripts/include_tables.py who may link it")
            elif room not in THIRD_PARTY_TARGETS[dep]:
                self.refuse(where, f"{target.name}: {room} may not link {dep}")
            return
        other = self.targets.get(dep.removeprefix("kagibin::"))
        if other is None:
            self.refuse(where, f"{target.name}: there is no {dep}")
            return
        other_room = self.room_of_target(other)
        if other_room in (None, room) or TABLE[room] == ANYTHING and room != "cli":
            return
        if TABLE[other_room] == ANYTHING:
            self.refuse(where, f"{target.name}: {room} may not link {dep} ({other_room})")
        elif TABLE[room] != ANYTHING and other_room not in TABLE[room]:
            self.refuse(where, f"{target.name}: {room} may not link {dep} ({other_room})")

    def check_exact(self, where, target):
        used, public = set(), set()
        for path in self.code:
            if self.room_of_file(path) == "tests" or self.target_of_file(path) is not target:
                continue
            for _, header, quoted in self.includes[path]:
                owner = self.target_of_file(header) if quoted and header in self.includes else None
                if owner is not None and owner is not target and owner.kind == "library":
                    used.add(f"kagibin::{owner.name}")
                    if path.endswith(".h"):
                        public.add(f"kagibin::{owner.name}")
        named = {dep for dep in target.all_deps() if dep.startswith("kagibin::")}
        for dep in sorted(used - named):
            self.refuse(where, f"{target.name} includes headers of {dep} and does not name it in DEPS")
        for dep in sorted(named - used - {"kagibin::base"}):  # everybody's words; often through another header
            self.refuse(where, f"{target.name} names {dep} in DEPS and includes nothing of it")
        for dep in sorted((public - set(target.deps)) & named):
            self.refuse(where, f"{target.name}: a header includes {dep}: DEPS, not PRIVATE_DEPS")

    def link_path(self, target, room, seen):
        """How `target` reaches a library of `room`, as names; empty if it does not."""
        if self.room_of_target(target) == room:
            return [target.name]
        for dep in target.all_deps():
            other = self.targets.get(dep.removeprefix("kagibin::"))
            if other is not None and other.name not in seen:
                path = self.link_path(other, room, (*seen, target.name))
                if path:
                    return [target.name, *path]
        return []

    def check_beast(self):
        def reaches_beast(path, seen):
            return any(header.startswith("boost/beast") or
                       (header in self.includes and header not in seen and reaches_beast(header, seen | {header}))
                       for _, header, _ in self.includes[path])
        units = [path for path in self.code
                 if path.endswith(".cc") and not path.endswith("_test.cc") and reaches_beast(path, {path})]
        if len(units) > BEAST_UNITS:
            self.refuse(units[-1], f"{len(units)} units include Beast, {BEAST_UNITS} may: {', '.join(units)}")


def tracked_files(root):
    names = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True).stdout
    files = [name for name in names.decode().split("\0") if name]
    return [name for name in files if (pathlib.Path(root) / name).is_file()]


def print_tables():
    for room, allowed in TABLE.items():
        print(f"{room}: {allowed if isinstance(allowed, str) else ', '.join(allowed) or 'nothing'}")
    for pattern, rooms in (*THIRD_PARTY_HEADERS, *SYSTEM_HEADERS):
        print(f"<{pattern}>: {'anywhere' if rooms == EVERYWHERE else ', '.join(rooms)}")


# ---- Self-test: a small tree that is right, and one change that makes it wrong. --------------------------------------
def library(name, sources, deps="", private=""):
    return (f"kagibin_library({name} SOURCES {sources}" + (f" DEPS {deps}" if deps else "")
            + (f" PRIVATE_DEPS {private}" if private else "") + ")\n")


def include(*headers):
    return "".join(f"#include {h}\n" if h[0] == "<" else f'#include "{h}"\n' for h in headers)


RIGHT_TREE = {
    "kagibin/base/CMakeLists.txt": library("base", "bytes.cc") + "kagibin_test(base_test DEPS kagibin::base)\n",
    "kagibin/base/bytes.h": include("<span>"),
    "kagibin/base/bytes.cc": include("kagibin/base/bytes.h", "<fmt/format.h>"),
    "kagibin/base/base_test.cc": include("<gtest/gtest.h>", "kagibin/base/bytes.h", "kagibin/scp/scp03.h"),
    "kagibin/crypto/CMakeLists.txt": library("crypto_sign", "ecdsa.cc", "kagibin::base", "OpenSSL::Crypto")
    + library("crypto_secret", "aes.cc", "kagibin::base kagibin::crypto_sign", "OpenSSL::Crypto"),
    "kagibin/crypto/rng.h": include("kagibin/base/bytes.h"),
    "kagibin/crypto/ecdsa.h": include("kagibin/crypto/rng.h"),
    "kagibin/crypto/ecdsa.cc": include("kagibin/crypto/ecdsa.h", "<openssl/evp.h>"),
    "kagibin/crypto/aes.h": include("kagibin/base/bytes.h", "kagibin/crypto/rng.h"),
    "kagibin/crypto/aes.cc": include("kagibin/crypto/aes.h", "<openssl/evp.h>"),
    "kagibin/scp/CMakeLists.txt": library("scp", "scp03.cc", "kagibin::base", "kagibin::crypto_secret"),
    "kagibin/scp/scp03.h": include("kagibin/base/bytes.h"),
    "kagibin/scp/scp03.cc": include("kagibin/scp/scp03.h", "kagibin/crypto/aes.h"),
    "kagibin/envelope/CMakeLists.txt": library("envelope_format", "e0.cc", "kagibin::base")
    + library("delivery_open", "delivery_open.cc", "kagibin::base kagibin::envelope_format", "kagibin::crypto_secret"),
    "kagibin/envelope/e0.h": include("kagibin/base/bytes.h"),
    "kagibin/envelope/e0.cc": include("kagibin/envelope/e0.h"),
    "kagibin/envelope/delivery_open.h": include("kagibin/base/bytes.h", "kagibin/envelope/e0.h"),
    "kagibin/envelope/delivery_open.cc": include("kagibin/envelope/delivery_open.h", "kagibin/crypto/aes.h"),
    "kagibin/delivery/CMakeLists.txt": library("delivery", "order.cc", "kagibin::envelope_format", "Boost::json"),
    "kagibin/delivery/order.h": include("kagibin/envelope/e0.h"),
    "kagibin/delivery/order.cc": include("kagibin/delivery/order.h", "<boost/json.hpp>"),
    "kagibin/device/CMakeLists.txt": library("device", "agent.cc", "kagibin::delivery"),
    "kagibin/device/agent.h": include("kagibin/delivery/order.h"),
    "kagibin/device/agent.cc": include("kagibin/device/agent.h"),
    "kagibin/net/CMakeLists.txt": library("net", "server.cc", "", "OpenSSL::SSL Boost::headers"),
    "kagibin/net/server.cc": include("<boost/beast.hpp>", "<openssl/ssl.h>", "<sys/socket.h>"),
    "kagibin/cli/CMakeLists.txt": "kagibin_program(kagibin-agent SOURCES agent.cc DEPS kagibin::device CLI11::CLI11)\n",
    "kagibin/cli/agent.cc": include("kagibin/device/agent.h", "<CLI/CLI.hpp>", "<iostream>"),
    "tests/support/CMakeLists.txt": library("test_support", "fake.cc", "kagibin::base"),
    "tests/support/fake.h": include("kagibin/base/bytes.h", "<gtest/gtest.h>"),
    "tests/support/fake.cc": include("tests/support/fake.h"),
}
AGENT = "kagibin/device/agent.cc"
DEVICE = "kagibin/device/CMakeLists.txt"
WRONG = (  # what, file, text added, part of the sentence that must come
    ("a lower folder includes a higher one", "kagibin/base/bytes.h", include("kagibin/scp/scp03.h"), "base may not include"),
    ("the device includes a secure channel", AGENT, include("kagibin/scp/scp03.h"), "device may not include"),
    ("the device opens envelopes", AGENT, include("kagibin/envelope/delivery_open.h"), "(delivery_open)"),
    ("signing includes encryption", "kagibin/crypto/ecdsa.h", include("kagibin/crypto/aes.h"), "crypto_sign may not include"),
    ("a format includes what opens", "kagibin/envelope/e0.h", include("kagibin/envelope/delivery_open.h"),
     "envelope_format may not include"),
    ("a header without a source counts as the first room", "kagibin/crypto/rng.h", include("kagibin/crypto/aes.h"),
     "crypto_sign may not include"),
    ("code includes test code", AGENT, include("tests/support/fake.h"), "device may not include tests"),
    ("code includes what a test beside it compiles", None,
     {"kagibin/device/CMakeLists.txt": library("device", "agent.cc", "kagibin::delivery")
      + "kagibin_test(agent_test SOURCES fake_card.cc DEPS kagibin::device)\n",
      "kagibin/device/agent_test.cc": include("kagibin/device/fake_card.h"),
      "kagibin/device/fake_card.h": include("kagibin/scp/scp03.h"), "kagibin/device/fake_card.cc": "",
      AGENT: include("kagibin/device/agent.h", "kagibin/device/fake_card.h")},
     "device may not include kagibin/device/fake_card.h (tests"),
    ("a tool includes test code", "kagibin/cli/agent.cc", include("tests/support/fake.h"), "cli may not include tests"),
    ("GoogleTest outside tests", AGENT, include("<gtest/gtest.h>"), "device may not include <gtest"),
    ("libcrypto outside crypto", "kagibin/net/server.cc", include("<openssl/evp.h>"), "net may not include <openssl/evp.h>"),
    ("JSON in the device", AGENT, include("<boost/json.hpp>"), "device may not include <boost/json.hpp>"),
    ("SQLite outside store", AGENT, include("<sqlite3.h>"), "device may not include <sqlite3.h>"),
    ("PC/SC outside link", AGENT, include("<winscard.h>"), "device may not include <winscard.h>"),
    ("CLI11 in a library", AGENT, include("<CLI/CLI.hpp>"), "device may not include <CLI/CLI.hpp>"),
    ("I/O in protocol code", "kagibin/scp/scp03.cc", include("<fstream>"), "scp may not include <fstream>"),
    ("a socket in protocol code", AGENT, include("<sys/socket.h>"), "device may not include <sys/socket.h>"),
    ("a random source of its own", "kagibin/scp/scp03.cc", include("<random>"), "scp may not include <random>"),
    ("a library nobody decided on", AGENT, include("<curl/curl.h>"), "is in no table"),
    ("a relative include", AGENT, include("agent.h"), "starts at the top"),
    ("our header in angle brackets", AGENT, "#include <kagibin/base/bytes.h>\n", "are quoted"),
    ("a header that is not there", AGENT, include("kagibin/base/missing.h"), "is not in the tree"),
    ("a fourth unit with Beast", None, {f"kagibin/net/u{i}.cc": include("<boost/beast.hpp>") for i in range(3)}
     | {"kagibin/net/CMakeLists.txt": library("net", "server.cc u0.cc u1.cc u2.cc", "", "OpenSSL::SSL Boost::headers")},
     "units include Beast"),
    ("a source that no target compiles", None, {"kagibin/device/lost.cc": ""}, "compiled by no target"),
    ("a folder the table does not know", None, {"kagibin/util/x.h": ""}, "does not know"),
    ("a target of another name in a finer folder", "kagibin/crypto/CMakeLists.txt", library("crypto_more", "more.cc"),
     "does not know"),
    ("a link that the table forbids", None, {DEVICE: library("device", "agent.cc", "kagibin::delivery kagibin::scp")},
     "device may not link kagibin::scp"),
    ("a link to another's library", None, {DEVICE: library("device", "agent.cc", "kagibin::delivery", "SQLite::SQLite3")},
     "device may not link SQLite::SQLite3"),
    ("a way round: a permitted room that links a forbidden one", None,
     {"kagibin/delivery/CMakeLists.txt": library("delivery", "order.cc", "kagibin::envelope_format", "kagibin::scp")},
     "device moves keys and must not reach crypto_secret: device -> delivery -> scp -> crypto_secret"),
    ("a dependency not named", None, {DEVICE: library("device", "agent.cc")}, "does not name it in DEPS"),
    ("a dependency not used", None, {DEVICE: library("device", "agent.cc", "kagibin::delivery kagibin::envelope_format")},
     "includes nothing of it"),
    ("a public dependency hidden", None, {DEVICE: library("device", "agent.cc", "", "kagibin::delivery")},
     "DEPS, not PRIVATE_DEPS"),
    ("a dependency that is not there", None, {DEVICE: library("device", "agent.cc", "kagibin::delivery kagibin::x")},
     "there is no kagibin::x"),
    ("a hidden list", None, {DEVICE: library("device", "agent.cc", "${deps}")}, "write ${deps} out"),
    ("a target made by hand", DEVICE, "add_library(sneaky x.cc)\n", "use kagibin_library"),
    ("a link added from outside", DEVICE, "target_link_libraries(kagibin_device PRIVATE kagibin_scp)\n", "where the target is"),
)


def errors_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            file = pathlib.Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return Tree(root, files).check()


def self_test():
    failed = 0
    errors = errors_of(RIGHT_TREE)
    if errors:
        failed += 1
        print("FAILED: the right tree is refused:", *errors, sep="\n  ")
    for what, file, change, sentence in WRONG:
        tree = dict(RIGHT_TREE)
        if file is None:
            tree.update(change)
        else:
            tree[file] += change
        errors = errors_of(tree)
        if not any(sentence in error for error in errors):
            failed += 1
            print(f"FAILED: {what} is not refused with '{sentence}':", *errors, sep="\n  ")
    print(f"include tables, self-test: {len(WRONG) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true", help="show that wrong trees are refused")
    parser.add_argument("--tables", action="store_true", help="print the tables")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if options.tables:
        print_tables()
        return 0
    root = pathlib.Path(__file__).resolve().parent.parent
    tree = Tree(root, tracked_files(root))
    errors = tree.check()
    for error in errors:
        print(error)
    print(f"include tables: {len(tree.code)} files, {len(tree.targets)} targets, {len(errors)} refused")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
