#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs and tokens of SoftHSM between them: at the same time, with a wrong PIN, with a PIN that others read, and asked
for what makes no sense. Skipped (exit code 77) where SoftHSM is not installed."""
import pathlib
import subprocess
import sys
import tempfile

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "27182818"
SPID = "53500000000000000000000000000001"


class Bench:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
        self.environment = {"PATH": "/usr/bin:/bin", "SOFTHSM2_CONF": str(folder / "softhsm2.conf"), "LC_ALL": "C.UTF-8",
                            "LSAN_OPTIONS": "detect_leaks=0"}
        for name, content in (("passphrase", "a passphrase"), ("pin", PIN), ("wrong", "31415926"), ("so", "16180339")):
            (folder / name).write_text(content + "\n")
            (folder / name).chmod(0o600)

    def start(self, program, *arguments, pin="pin"):
        command = [self.programs / f"kagibin-{program}", *arguments, "--pin-file", pin]
        if program != "token":
            command += ["--passphrase-file", "passphrase"]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run(self, *arguments, pin="pin"):
        child = self.start(*arguments, pin=pin)
        said = child.communicate(timeout=60)[0]
        assert PIN not in said and "31415926" not in said, f"a PIN is printed: {said}"
        return child.returncode, said


def uri(key=None):
    return f"pkcs11:token=acme{f';object={key}' if key else ''}?module-path={MODULE}"


def keys_in(folder):
    return len(list((folder / "tokens").rglob("*.object"))) - len(list((folder / "tokens").rglob("token.object")))


def refused(result, *words, code=None):
    assert result[0] != 0 and (code is None or result[0] == code), result
    for word in words:
        assert word in result[1], f"'{word}' is not said: {result}"


def init(name, *more):
    return ("provider", "init", "--spid", SPID, "--signing-key", uri(name), "--generate", "--home", f"home-{name}", *more)


def two_tokens(bench, folder):
    """A master key of two halves: each token has a PIN of its own, and neither is enough."""
    (folder / "second").write_text("31831831\n")
    (folder / "second").chmod(0o600)
    other = uri("half").replace("token=acme", "token=other")
    assert bench.run("token", "init", other.replace(";object=half", ""), "--so-pin-file", "so", pin="second")[0] == 0
    home = ("--home", "home-key-0")
    pins = ("--token-pin-file", "other=second")
    create = ("provider", "master-key", "create")
    halves = ("--token", uri("half"), "--second-token", other)
    before = keys_in(folder)
    refused(bench.run(*create, "fleet", "--token", uri("a"), "--second-token", uri("b"), "--generate", *home, *pins), "both halves are in one token")
    refused(bench.run(*create, "fleet", "--second-token", other, "--generate", *home, *pins), "--token")
    refused(bench.run(*create, "fleet", *halves, "--generate", *home), "CKR_PIN_INCORRECT")  # the first token's
    refused(bench.run(*create, "fleet", *halves, "--generate", "--exportability", "E", *home, *pins), "never leaves it")
    refused(bench.run("token", "show", other, "--token-pin-file", "other"), "TOKEN=FILE", code=2)
    assert keys_in(folder) == before, "a half was left behind"
    made = bench.run(*create, "fleet", *halves, "--generate", *home, *pins)
    assert made[0] == 0 and keys_in(folder) == before + 2, made
    refused(bench.run(*create, "fleet", *halves, *home, *pins), "already")
    # Found again under another name, by credentials of each token, and by the URIs' pin-source.
    (folder / "credentials" / "kagibin-pin-other").write_text("31831831")
    again = [bench.programs / "kagibin-provider", *create[1:], "again", *halves, *home, "--passphrase-file", "passphrase"]
    given = subprocess.run(again, cwd=folder, env=bench.environment | {"CREDENTIALS_DIRECTORY": str(folder / "credentials")},
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert given.returncode == 0, given
    by_source = [bench.programs / "kagibin-provider", *create[1:], "source", "--token", f"{uri('half')}&pin-source=file:{folder}/pin",
                 "--second-token", f"{other}&pin-source=file:{folder}/second", *home, "--passphrase-file", "passphrase"]
    given = subprocess.run(by_source, cwd=folder, env=bench.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert given.returncode == 0, given
    # It leaves in no key block.
    refused(bench.run("provider", "export-key-block", "fleet", "--kbpk", "zone", "--out", "fleet.block", *home, *pins), "never leaves")
    assert not (folder / "fleet.block").exists()


def main():
    if not pathlib.Path(MODULE).exists():
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        bench = Bench(pathlib.Path(sys.argv[1]).resolve(), folder)

        refused(bench.run("token", "init", "pkcs11:token=acme", "--so-pin-file", "so"), "module-path")
        assert bench.run("token", "init", uri(), "--so-pin-file", "so")[0] == 0
        refused(bench.run("token", "init", uri(), "--so-pin-file", "so"), "there is a token of this name")

        # At the same time, each with a home of its own. SoftHSM may answer CKR_GENERAL_ERROR in the moment in which another
        # process writes to the token, or that the token has no PIN, and nothing else: then nothing was made, and the same
        # again works.
        children = [bench.start(*init(f"key-{number}")) for number in range(6)]
        sayings = [child.communicate(timeout=120)[0] for child in children]
        assert any(child.returncode == 0 for child in children), "none of six got through"
        for number, child in enumerate(children):
            if child.returncode != 0:
                told = ("for a reason of its own", "CKR_USER_PIN_NOT_INITIALIZED")
                assert any(words in sayings[number] for words in told), sayings[number]
                assert not (folder / f"home-key-{number}" / "keys").exists(), "half a service provider was made"
                again = bench.run(*init(f"key-{number}"))
                assert again[0] == 0, again
        assert keys_in(folder) == 12, keys_in(folder)  # both halves of six
        requests = {(folder / f"home-key-{number}" / "request.kbq").read_bytes() for number in range(6)}
        assert len(requests) == 6

        # A name that is there is never taken over, and nothing is founded.
        refused(bench.run(*init("key-0")[:-1], "home-again"), "the token has a key of this name already")
        assert not (folder / "home-again" / "keys").exists()

        # A wrong PIN: said as such, nothing is founded, and the right one still opens.
        for _ in range(2):
            refused(bench.run(*init("late"), pin="wrong"), "CKR_PIN_INCORRECT")
            assert not (folder / "home-late" / "keys").exists()
        assert bench.run("token", "show", uri())[0] == 0
        assert keys_in(folder) == 12

        # A PIN that others read is none.
        (folder / "pin").chmod(0o644)
        refused(bench.run("token", "show", uri()), "chmod 600")
        (folder / "pin").chmod(0o600)
        refused(bench.run("token", "show", uri() + "&pin-value=" + "0" * 4), "a PIN does not stand in a URI")

        # The other ways of a PIN: the URI's pin-source, a systemd credential; none at all is told.
        plain = subprocess.run([bench.programs / "kagibin-token", "show", uri() + f"&pin-source=file:{folder}/pin"], env=bench.environment,
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert plain.returncode == 0, plain
        (folder / "credentials").mkdir()
        (folder / "credentials" / "kagibin-pin").write_text(PIN)
        command = [bench.programs / "kagibin-token", "show", uri()]
        given = subprocess.run(command, env=bench.environment | {"CREDENTIALS_DIRECTORY": str(folder / "credentials")},
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert given.returncode == 0, given
        none = subprocess.run(command, env=bench.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert none.returncode == 2 and "--pin-file" in none.stderr, none

        # A flag with nothing to make.
        for role, arguments in (("provider", ["init", "--spid", SPID]), ("authority", ["init"]), ("maker", ["init"]), ("manager", ["init"]),
                                ("provider", ["master-key", "create", "fleet"])):
            refused(bench.run(role, *arguments, "--generate", "--home", "home-none"), "--generate", code=2)
            assert not (folder / "home-none").exists()

        for arguments, word in ((["master-key", "create", "fleet", "--token", uri("fleet"), "--wrappable"], "--generate"),
                                (["element-key", "create", "k", "--seid", "00" * 16, "--target", "A000000151"], "--token"),
                                (["element-key", "create", "k", "--token", uri("k"), "--generate"], "--seid")):
            refused(bench.run("provider", *arguments, "--home", "home-none"), word, code=2)
            assert not (folder / "home-none").exists()

        # A key that this token cannot seal is not made in it, and one that may be wrapped for that is none, either.
        place = ["--seid", "00" * 16, "--target", "A000000151"]
        for arguments in (["element-key", "create", "k", "--token", uri("k"), "--generate", *place],
                          ["master-key", "create", "wide", "--token", uri("wide"), "--generate", "--wrappable"]):
            refused(bench.run("provider", *arguments, "--home", "home-key-0"), "CKM_EXTRACT_KEY_FROM_KEY")
            assert keys_in(folder) == 12

        # What is for many keys takes no name of one.
        refused(bench.run("provider", "kem-keys", "--token", uri("one"), "--home", "home-key-0"), "name the token alone")

        # Erased by name; a role whose key is gone says so.
        assert bench.run("token", "erase", uri("key-1"))[0] == 0
        assert keys_in(folder) == 10
        refused(bench.run("token", "erase", uri("key-1")), "no key of this name")

        two_tokens(bench, folder)
    print("programs share a token, and say what it refuses")


if __name__ == "__main__":
    main()
