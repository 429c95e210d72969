# SPDX-License-Identifier: Apache-2.0
"""One running element with its maker's, manager's and issuer's files, and a relay that keeps every command: what the cases
of gp_tool_test.py work on; key files, CAP files and keys of openssl for them."""
import pathlib
import signal
import subprocess
import zipfile

from element_relay import Relay
from process_site import IIN, OK, SEID, Service, check, run

DOMAIN = "F0574C4B0109"
EXTERNAL_AUTHENTICATE, PUT_KEY, DELETE, SET_STATUS = 0x82, 0xD8, 0xE4, 0xF0
WRONG = "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"
# What the cases put; for this test alone.
NEW = ["30313233343536373839303132333435", "40414243444546474849404142434445", "50515253545556575859505152535455"]


class Bench:
    def __init__(self, folder):
        self.folder, self.commands, self.se, self.relay = pathlib.Path(folder), [], None, None

    def __enter__(self):
        secret = self.folder / "passphrase"
        secret.touch(mode=0o600)
        secret.write_text("for this test alone\n")

        def role(name, *arguments):
            return run(name, *arguments, "--home", self.folder / name, "--passphrase-file", secret, cwd=self.folder).expect(OK)

        role("authority", "init")
        role("maker", "init", "--name", "ACME")
        role("authority", "certify-maker", "maker/request.kbq", "--out", "maker.cert")
        role("maker", "install", "--certificate", "maker.cert", "--roots", "authority/roots.pem")
        role("manager", "init")
        role("maker", "make", "--out", "elements", "--seid", SEID[1], "--shipment", "shipment.json", "--issuer-keys",
             "issuer-keys.cms", "--manager", "manager/exchange.pem", "--scp11", "s8")
        role("manager", "import-issuer-keys", "issuer-keys.cms", "--maker", "maker/maker.pem")
        role("manager", "key-file", "--card", f"{IIN}:{SEID[1][12:]}", "--out", "card.keys")
        self.keys = self.folder / "card.keys"
        check(self.keys.stat().st_mode & 0o777 == 0o600, "the key file can be read by others")
        state = self.folder / "elements" / f"{SEID[1]}.nvm"
        self.se = Service("se", "run", "--single", "--no-sync", "--state", state, "--listen", "127.0.0.1:0")
        port = self.se.port
        self.relay = Relay(lambda: port)

        def keep(_, apdu):
            self.commands.append(apdu)
            return apdu

        self.relay.before_send = keep
        return self

    def __exit__(self, *_):
        if self.relay:
            self.relay.close()
        if self.se:
            self.se.stop(signal.SIGKILL)

    def gp(self, *arguments, keys=None, reader=None):
        self.commands.clear()
        with_keys = ["--keys", keys] if keys else []
        return run("gp", *arguments, "--reader", reader or f"tcp:127.0.0.1:{self.relay.port}", *with_keys)

    def sent(self, ins):
        return [apdu for apdu in self.commands if len(apdu) > 3 and apdu[1] == ins]

    def write_keys(self, name, *entries, mode=0o600):
        path = self.folder / name
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text("".join(entries))
        path.chmod(mode)
        return path

    def listed(self, keys=None, *more):
        return {entry["aid"]: entry for entry in self.gp("list", *more, keys=keys or self.keys).expect(OK).results}


def key_set(kvn, keys):
    return f"kvn {kvn}\nenc {keys[0]}\nmac {keys[1]}\ndek {keys[2]}\n"


PACKAGE, APPLET = "F04B41474901", "F04B4147490101"
COMPONENTS = {1: "Header", 2: "Directory", 3: "Applet", 4: "Import", 7: "Method", 11: "Descriptor"}


def cap_file(path, method_octets=600):
    """A CAP file (JCVM 6) as tools write it: an archive of components, with an applet without bytecode worth the name."""
    def lv(aid):
        return bytes([len(aid) // 2]) + bytes.fromhex(aid)

    content = {1: bytes.fromhex("DECAFFED010204" "0001") + lv(PACKAGE), 3: b"\1" + lv(APPLET) + b"\0\x0C",
               4: b"\1" b"\0\1" + lv("A0000000620101"), 7: b"\x7A" * method_octets, 11: bytes(4)}
    sizes = [len(content.get(tag, b"")) for tag in range(1, 12)]
    sizes[1] = 2 * len(sizes) + 6 + 3
    content[2] = b"".join(size.to_bytes(2, "big") for size in sizes) + bytes(6) + b"\1\1\0"
    parts = {tag: bytes([tag]) + len(octets).to_bytes(2, "big") + octets for tag, octets in content.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n")
        for tag in sorted(parts):
            archive.writestr(f"org/example/javacard/{COMPONENTS[tag]}.cap", parts[tag])
    return b"".join(parts[tag] for tag in (1, 2, 4, 3, 7, 11))


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)
