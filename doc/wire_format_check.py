#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes the worked example of doc/wire_format.md with code of its own.

doc/wire_format_check.py              check the example and the document; exit code 1 on any difference
doc/wire_format_check.py --self-test  change octets everywhere and see each change noticed
doc/wire_format_check.py --update     write the example's octets into the document

Needs python3-cryptography for P-256, AES and CMAC; TLVs, key derivation and rules are written out below. It shares no
code with the library: grammar, labels and key derivations are typed from the protocol.
"""
import hashlib
import hmac
import pathlib
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "kagibin/envelope/testdata/worked_example.vec"
DOCUMENT = ROOT / "doc/wire_format.md"


class Mismatch(Exception):
    """Something is not what the wire format says."""


def same(what, left, right):
    if left != right:
        raise Mismatch(f"{what}: {left!r} is not {right!r}")


def hold(what, condition):
    if not condition:
        raise Mismatch(what)


# --- grammar: (tag, name, least, most, how often, inner template) in the order of the octets ---------------------------
CERTIFICATE = [
    (0x93, "serial number", 1, 16, "1", None), (0x42, "issuer", 1, 16, "1", None), (0x5F20, "subject", 16, 16, "1", None),
    (0x95, "key usage", 1, 2, "1", None), (0x5F25, "effective date", 4, 4, "1", None),
    (0x5F24, "expiration date", 4, 4, "1", None),
    (0x53, "discretionary data", 1, 127, "1", [
        (0x80, "kind", 1, 1, "1", None), (0x81, "epoch", 2, 2, "1", None), (0x82, "AID or prefix", 5, 16, "*", None),
        (0x83, "code hash", 32, 32, "?", None), (0x84, "platform", 16, 16, "?", None),
        (0x85, "attestation profile", 1, 1, "?", None), (0x86, "owning SPID", 16, 16, "?", None),
        (0x87, "SHA-256(PK.EUM)", 32, 32, "?", None)]),
    (0x7F49, "public key", 1, 127, "1", [(0xB0, "point", 65, 65, "1", None), (0xF0, "curve: P-256", 1, 1, "1", None)]),
    (0x5F37, "signature r | s", 64, 64, "1", None)]
HEADER = [
    (0x80, "version", 1, 1, "1", None), (0x81, "suite", 1, 1, "1", None), (0x82, "SPID", 16, 16, "1", None),
    (0x83, "handle", 16, 16, "1", None), (0x84, "relay level", 1, 1, "1", None),
    (0x85, "KVN, required i mask", 2, 2, "1", None), (0x86, "SEQ", 4, 4, "1", None), (0x87, "issuedAt", 4, 4, "1", None),
    (0x88, "notAfter", 4, 4, "1", None), (0x89, "nA of the next enrolment", 16, 16, "?", None)]
STATEMENT = [
    (0x80, "version", 1, 1, "1", None), (0x81, "nA", 16, 16, "1", None), (0x82, "nK", 16, 16, "1", None),
    (0x83, "suite", 1, 1, "1", None), (0x84, "pkE", 65, 65, "1", None), (0x85, "SEID", 16, 16, "1", None),
    (0x86, "KDA AID", 5, 16, "1", None), (0x87, "code hash", 32, 32, "1", None), (0x88, "levels offered", 1, 1, "1", None),
    (0x89, "enrolment counter", 4, 4, "1", None), (0x8A, "target AID", 5, 16, "1", None),
    (0x8B, "highest KVN", 1, 1, "1", None), (0x8C, "last committed SEQ", 4, 4, "1", None),
    (0x8D, "minEpoch", 2, 2, "1", None), (0x8E, "handle", 16, 16, "1", None), (0x8F, "SPID", 16, 16, "1", None),
    (0x90, "SHA-256(CERT.SD)", 32, 32, "?", None), (0x9E, "signature", 8, 72, "1", None)]
KEY = [(0x80, "type: AES", 1, 1, "1", None), (0x81, "key", 16, 32, "1", None), (0x82, "KCV", 3, 3, "1", None)]
ACTIONS = {
    0xA1: ("PUT KEY", [(0x80, "old KVN", 1, 1, "1", None), (0x81, "new KVN", 1, 1, "1", None),
                       (0x82, "first KID", 1, 1, "1", None), (0xA0, "key", 1, 64, "+", KEY)]),
    0xA2: ("STORE DATA", [(0x80, "application AID", 5, 16, "?", None), (0x81, "flags", 1, 1, "1", None),
                          (0x82, "DGI | length | value", 3, 900, "1", None), (0x83, "probe", 4, 229, "?", None)]),
    0xA3: ("DELETE KEY", [(0x80, "KVN", 1, 1, "1", None)]),
    0xA4: ("COMMAND", [(0x80, "CLA INS P1 P2", 4, 4, "1", None), (0x81, "data", 0, 223, "1", None),
                       (0x83, "probe", 4, 229, "?", None)])}
PAYLOAD = [
    (0xC0, "actions", 1, 735, "1", ACTIONS),
    (0xC1, "channel keys", 1, 110, "?", [
        (0x80, "KVN", 1, 1, "1", None), (0x81, "Key-ENC", 16, 32, "1", None), (0x82, "Key-MAC", 16, 32, "1", None),
        (0x83, "Key-DEK", 16, 32, "1", None)]),
    (0xC2, "Kr", 16, 16, "1", None)]
TEMPLATES = {
    "CERT": [(0x7F21, "certificate", 1, 315, "1", CERTIFICATE)],
    "E0": [(0xE0, "request", 1, 1024, "1", [
        (0x80, "version", 1, 1, "1", None), (0x81, "suite", 1, 1, "1", None), (0x82, "SPID", 16, 16, "1", None),
        (0x83, "nA", 16, 16, "1", None), (0x84, "target AID", 5, 16, "1", None), (0x85, "PK.SP.KEM", 65, 65, "1", None),
        (0x86, "flags", 1, 1, "1", None), (0x87, "SHA-256(E3) acknowledged", 32, 32, "?", None),
        (0x7F21, "CERT.SP", 1, 315, "1", None), (0x9E, "signature", 8, 72, "1", None)])],
    "STATEMENT": [(0x80, "kind", 1, 1, "1", None), (0x81, "number | point", 69, 69, "1", None),
                  (0x9E, "signature", 8, 72, "1", None)],
    "E1": [(0xE1, "enrolment statement", 1, 1024, "1", STATEMENT)],
    "T": [(0xE1, "E1", 1, 1024, "1", None), (0x7F21, "CERT.KDA", 1, 315, "1", None), (0x7F21, "CERT.EUM", 1, 315, "1", None)],
    "E4": [(0xE4, "answer", 1, 8192, "1", [
        (0x80, "version", 1, 1, "1", None), (0x81, "suite", 1, 1, "1", None), (0x82, "handle", 16, 16, "1", None),
        (0x83, "nA", 16, 16, "1", None), (0x84, "ePK.K", 65, 65, "1", None), (0x85, "AES-CBC(T)", 16, 4096, "1", None),
        (0x86, "CMAC", 16, 16, "1", None)])],
    "A0": [(0xA0, "header", 1, 127, "1", HEADER)],
    "P": PAYLOAD,
    "E2": [(0xE2, "envelope", 1, 1024, "1", [
        (0xA0, "header", 1, 127, "1", HEADER),
        (0xA1, "sealed part", 1, 1024, "1", [
            (0x80, "ePK.A", 65, 65, "1", None), (0x81, "AES-CBC(P)", 16, 736, "1", None), (0x82, "CMAC", 16, 16, "1", None)]),
        (0x9E, "signature", 8, 72, "1", None)])],
    "E3": [(0xE3, "receipt", 1, 8192, "1", [
        (0x80, "SHA-256(A0)", 32, 32, "1", None), (0x81, "handle", 16, 16, "1", None), (0x82, "SEQ", 4, 4, "1", None),
        (0x83, "results", 1, 8, "1", None), (0x84, "relay level", 1, 1, "1", None), (0x85, "suite", 1, 1, "1", None),
        (0x89, "E4 of the next enrolment", 1, 8192, "?", None), (0x8E, "CMAC under Kr", 16, 16, "?", None),
        (0x8F, "sealed signature", 1, 255, "1", [
            (0x84, "ePK.K", 65, 65, "1", None), (0x85, "AES-CBC(S)", 32, 96, "1", None), (0x86, "CMAC", 16, 16, "1", None)])])],
    "E5": [(0xE5, "attestation", 1, 1024, "1", [
        (0x80, "attestation profile", 1, 1, "1", None), (0x81, "PK.KDA.SIG", 65, 65, "1", None),
        (0x7F21, "CERT.CASD.AUT", 1, 315, "1", None),
        (0xE6, "the CASD's statement", 1, 255, "1", [
            (0x80, "version", 1, 1, "1", None), (0x4F, "application", 5, 16, "1", None),
            (0x81, "load file", 5, 16, "1", None), (0x82, "code hash", 32, 32, "1", None),
            (0x83, "its security domain", 5, 16, "1", None), (0x84, "SHA-256(attested)", 32, 32, "1", None),
            (0x5F37, "signature r | s", 64, 64, "1", None)])])],
    "T.ATT-2": [(0xE1, "E1", 1, 1024, "1", None), (0xE5, "E5", 1, 1024, "1", None)],
    "S": [(0x88, "KDA counter", 4, 4, "1", None), (0x9E, "signature", 8, 72, "1", None)],
}


TEMPLATES["E0.cancel"] = TEMPLATES["E0"]
TEMPLATES |= {f"{name}.next": TEMPLATES[name] for name in ("A0", "E1", "E3", "E4")}
TEMPLATES["E1.10"] = TEMPLATES["E1"]
TEMPLATES["E2.10"] = [(0xE2, "envelope", 1, 1024, "1", [
    (0xA0, "header", 1, 127, "1", HEADER),
    (0xA1, "sealed part", 1, 1024, "1", [
        (0x80, "enc", 65, 65, "1", None), (0x81, "HPKE ciphertext with its tag", 17, 766, "1", None)]),
    (0x9E, "signature", 8, 72, "1", None)])]


# --- TLVs ---------------------------------------------------------------------------------------------------------------
def read_tlv(octets, at):
    """(tag, value, octets of header and value, where the next one begins)."""
    start = at
    tag = octets[at]
    at += 1
    if tag & 0x1F == 0x1F:
        tag = tag << 8 | octets[at]
        at += 1
    length = octets[at]
    at += 1
    if length >= 0x80:
        count = length - 0x80
        hold("length form", count in (1, 2))
        length = int.from_bytes(octets[at:at + count], "big")
        hold("minimal length", length >= (0x80 if count == 1 else 0x100))
        at += count
    hold("enough octets", at + length <= len(octets))
    return tag, octets[at:at + length], octets[start:at + length], at + length


def tlv(tag, value):
    size = len(value)
    length = bytes([size]) if size < 0x80 else bytes([0x81, size]) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    return tag.to_bytes(1 if tag < 0x100 else 2, "big") + length + value


class Fields:
    """A template read strictly: values by tag, whole TLVs, and inner templates, in order."""

    def __init__(self, template, octets):
        self.value, self.whole, self.inner, self.lines = {}, {}, {}, []
        at = 0
        for tag, name, least, most, times, inner in template:
            seen = 0
            while at < len(octets) and (times in "*+" or seen == 0):
                if read_tlv(octets, at)[0] != tag:
                    break
                _, value, whole, at = read_tlv(octets, at)
                hold(f"length of {name}", least <= len(value) <= most)
                seen += 1
                fields = Actions(value) if inner is ACTIONS else Fields(inner, value) if inner else None
                self.value.setdefault(tag, value)
                self.whole.setdefault(tag, whole)
                self.inner.setdefault(tag, []).append(fields)
                self.lines.append((whole[:len(whole) - len(value)], value, name, fields))
            hold(f"{name} is there", seen > 0 or times in "?*")
        hold("nothing behind", at == len(octets))

    def span(self, first, last):
        """TLVs first..last as encoded."""
        tags = list(self.whole)
        return b"".join(self.whole[tag] for tag in tags[tags.index(first):tags.index(last) + 1])


class Actions(Fields):
    def __init__(self, octets):
        self.inner, self.lines = {}, []
        at = 0
        while at < len(octets):
            tag, value, whole, at = read_tlv(octets, at)
            hold("a known action", tag in ACTIONS)
            name, template = ACTIONS[tag]
            fields = Fields(template, value)
            self.inner.setdefault(tag, []).append(fields)
            self.lines.append((whole[:len(whole) - len(value)], value, name, fields))
        hold("one to eight actions", 1 <= len(self.lines) <= 8)


def only(name, octets):
    """The inside of a message that is one TLV."""
    (fields,) = next(iter(Fields(TEMPLATES[name], octets).inner.values()))
    return fields


# --- cryptography -------------------------------------------------------------------------------------------------------
def private(scalar):
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


def public(point):
    hold("an uncompressed point", point[0] == 4)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(point))


def point_of(key):
    numbers = key.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def verify_der(key, signature, *message):
    same("minimal DER", utils.encode_dss_signature(*utils.decode_dss_signature(signature)), signature)
    key.verify(signature, b"".join(message), ec.ECDSA(hashes.SHA256()))


def verify_raw(key, signature, message):
    pair = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(utils.encode_dss_signature(*pair), message, ec.ECDSA(hashes.SHA256()))


def sha256(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


def mac(key, *pieces):
    run = cmac.CMAC(algorithms.AES(key))
    run.update(b"".join(pieces))
    return run.finalize()


def pad80(octets):
    return octets + b"\x80" + bytes(-(len(octets) + 1) % 16)


def aes_cbc(key, iv, octets, decrypt=False):
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    run = cipher.decryptor() if decrypt else cipher.encryptor()
    return run.update(octets) + run.finalize()


class Keys:
    """Suite 01: K_i = SHA-256(Z | i | ctx), from the left Kenc, Kmac, IV of 16 octets each."""

    def __init__(self, own, peer, context):
        self.z = own.exchange(ec.ECDH(), peer)
        self.octets = b"".join(sha256(self.z, i.to_bytes(4, "big"), context) for i in (1, 2))[:48]
        self.enc, self.mac, self.iv = self.octets[:16], self.octets[16:32], self.octets[32:]

    def seal(self, plaintext):
        return aes_cbc(self.enc, self.iv, pad80(plaintext))

    def open(self, sealed):
        padded = aes_cbc(self.enc, self.iv, sealed, decrypt=True)
        plaintext = padded.rstrip(b"\0")[:-1]
        same("padding", pad80(plaintext), padded)
        return plaintext


# HPKE in base mode with HKDF-SHA256, typed from RFC 9180, 4 and 5.1.
def labeled_extract(suite, salt, label, octets):
    return hmac.new(salt, b"HPKE-v1" + suite + label + octets, hashlib.sha256).digest()


def labeled_expand(suite, key, label, info, size):
    labeled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.new(key, labeled + b"\1", hashlib.sha256).digest()[:size]


def hpke_shared(dh, enc, recipient):
    suite = b"KEM" + (0x0010).to_bytes(2, "big")
    return labeled_expand(suite, labeled_extract(suite, b"", b"eae_prk", dh), b"shared_secret", enc + recipient, 32)


def hpke_keys(shared, info):
    suite = b"HPKE" + bytes.fromhex("001000010001")
    context = b"\0" + labeled_extract(suite, b"", b"psk_id_hash", b"") + labeled_extract(suite, b"", b"info_hash", info)
    secret = labeled_extract(suite, shared, b"secret", b"")
    return labeled_expand(suite, secret, b"key", context, 16), labeled_expand(suite, secret, b"base_nonce", context, 12)


# --- the example --------------------------------------------------------------------------------------------------------
def check_certificates(v):
    issued = {"CERT.EUM": ("SK.AUTH", "SK.EUM", 1, "82", "84"), "CERT.KDA": ("SK.EUM", "SK.KDA.SIG", 2, "82", "82 83 85"),
              "CERT.OCE": ("SK.AUTH", "SK.OCE.ECKA", 3, "0080", ""), "CERT.SD": ("SK.AUTH", "SK.SD.ECKA", 4, "0080", "82 86 87"),
              "CERT.SP": ("SK.AUTH", "SK.SP.SIG", 5, "82", "82")}
    read = {}
    for name, (issuer, subject, kind, usage, present) in issued.items():
        hold(f"{name} has at most 320 octets", len(v[name]) <= 320)
        fields = read[name] = only("CERT", v[name])
        about = fields.inner[0x53][0]
        same(f"{name} kind", about.value[0x80][0], kind)
        same(f"{name} usage", fields.value[0x95].hex(), usage)
        same(f"{name} fields", " ".join(f"{tag:02x}" for tag in about.value if tag > 0x81), present)
        same(f"{name} curve", fields.inner[0x7F49][0].value[0xF0], b"\0")
        same(f"{name} key", fields.inner[0x7F49][0].value[0xB0], point_of(private(v[subject])))
        for tag in (0x5F25, 0x5F24):
            hold(f"{name} date", re.fullmatch("[0-9]{8}", fields.value[tag].hex()))
        verify_raw(private(v[issuer]).public_key(), fields.value[0x5F37], fields.span(0x93, 0x7F49))
    same("the maker in CERT.SD", read["CERT.SD"].inner[0x53][0].value[0x87], sha256(point_of(private(v["SK.EUM"]))))
    same("the maker issued CERT.KDA", read["CERT.KDA"].value[0x42], read["CERT.EUM"].value[0x5F20])
    return read


def check_enrolment(v, certificates):
    e0, e1, e4 = only("E0", v["E0"]), only("E1", v["E1"]), only("E4", v["E4"])
    kem = private(v["SK.SP.KEM"])
    same("PK.SP.KEM", e0.value[0x85], point_of(kem))
    same("CERT.SP", e0.whole[0x7F21], v["CERT.SP"])
    verify_der(public(point_of(private(v["SK.SP.SIG"]))), e0.value[0x9E], b"KB1-ENR", e0.span(0x80, 0x7F21))
    prefixes = [line[1] for line in certificates["CERT.SP"].inner[0x53][0].lines if line[2] == "AID or prefix"]
    hold("target is allowed", any(e0.value[0x84].startswith(prefix) for prefix in prefixes))

    verify_der(private(v["SK.KDA.SIG"]).public_key(), e1.value[0x9E], b"KB1-ES", e1.span(0x80, 0x8F))
    same("pkE", e1.value[0x84], point_of(private(v["skE"])))
    about = certificates["CERT.KDA"]
    for name, left, right in (("SEID", e1.value[0x85], about.value[0x5F20]), ("nA", e1.value[0x81], e0.value[0x83]),
                              ("SPID", e1.value[0x8F], e0.value[0x82]), ("target", e1.value[0x8A], e0.value[0x84]),
                              ("code hash", e1.value[0x87], about.inner[0x53][0].value[0x83]),
                              ("KDA AID", e1.value[0x86], about.inner[0x53][0].value[0x82]),
                              ("nA of E4", e4.value[0x83], e0.value[0x83]), ("handle", e4.value[0x82], e1.value[0x8E])):
        same(name, left, right)
    same("SHA-256(E1)", sha256(v["E1"]), v["SHA-256(E1)"])

    context = sha256(b"KB1-ANS", e4.span(0x80, 0x84), tlv(0x85, point_of(kem)))
    keys = Keys(kem, public(e4.value[0x84]), context)
    same("E4.86", mac(keys.mac, e4.span(0x80, 0x85)), e4.value[0x86])
    same("T", keys.open(e4.value[0x85]), v["T"])
    Fields(TEMPLATES["T"], v["T"])
    same("content of T", v["T"], v["E1"] + v["CERT.KDA"] + v["CERT.EUM"])
    check_sealing(v, "E4", "eSK.K", e4.value[0x84], kem.public_key(), context, v["T"], e4.value[0x85])


def check_sealing(v, name, ephemeral_name, ephemeral_point, peer, context, plaintext, sealed):
    """The sender's side: the ephemeral private key gives the same keys and the same ciphertext."""
    ephemeral = private(v[ephemeral_name])
    same(f"{ephemeral_name}'s point", point_of(ephemeral), ephemeral_point)
    keys = Keys(ephemeral, peer, context)
    same(f"{name}.Z", keys.z, v[f"{name}.Z"])
    same(f"{name}.ctx", context, v[f"{name}.ctx"])
    same(f"{name}.keys", keys.octets, v[f"{name}.keys"])
    same(f"{name} sealed again", keys.seal(plaintext), sealed)


def check_delivery(v):
    e2, a0 = only("E2", v["E2"]), only("A0", v["A0"])
    same("A0", e2.whole[0xA0], v["A0"])
    verify_der(private(v["SK.SP.SIG"]).public_key(), e2.value[0x9E], b"KB1-ENV", e2.whole[0xA0], e2.whole[0xA1], sha256(v["E1"]))
    e1 = only("E1", v["E1"])
    same("handle", a0.value[0x83], e1.value[0x8E])
    same("SPID", a0.value[0x82], e1.value[0x8F])
    hold("level is offered", e1.value[0x88][0] >> (a0.value[0x84][0] - 1) & 1)

    sealed = e2.inner[0xA1][0]
    aad = v["A0"] + sha256(v["E1"])
    context = sha256(b"KB1-CTX", aad, sealed.whole[0x80])
    keys = Keys(private(v["skE"]), public(sealed.value[0x80]), context)
    same("A1.82", mac(keys.mac, aad, sealed.whole[0x80], sealed.whole[0x81]), sealed.value[0x82])
    same("P", keys.open(sealed.value[0x81]), v["P"])
    check_sealing(v, "E2", "eSK.A", sealed.value[0x80], public(e1.value[0x84]), context, v["P"], sealed.value[0x81])

    payload = Fields(TEMPLATES["P"], v["P"])
    same("C1 has the header's KVN", payload.inner[0xC1][0].value[0x80], a0.value[0x85][:1])
    for action in payload.inner[0xC0][0].inner[0xA1]:
        for key in action.inner[0xA0]:
            block = Cipher(algorithms.AES(key.value[0x81]), modes.ECB()).encryptor().update(b"\x01" * 16)
            same("KCV", key.value[0x82], block[:3])
    return payload


def check_receipt(v, payload):
    e3, e1 = only("E3", v["E3"]), only("E1", v["E1"])
    same("SHA-256(A0)", e3.value[0x80], sha256(v["A0"]))
    same("handle", e3.value[0x81], e1.value[0x8E])
    same("one result an action", len(e3.value[0x83]), len(payload.inner[0xC0][0].lines))
    same("E3.8E", e3.value[0x8E], mac(payload.value[0xC2], b"KB1-RCM", e3.span(0x80, 0x85), sha256(v["E1"])))

    kem, seal = private(v["SK.SP.KEM"]), e3.inner[0x8F][0]
    head = b"KB1-RCS" + e3.whole[0x81] + e3.whole[0x8E] + seal.whole[0x84]
    context = sha256(head, tlv(0x85, point_of(kem)))
    keys = Keys(kem, public(seal.value[0x84]), context)
    same("8F.86", mac(keys.mac, head, seal.whole[0x85]), seal.value[0x86])
    plaintext = keys.open(seal.value[0x85])
    same("S", plaintext, v["S"])
    signature = Fields(TEMPLATES["S"], plaintext)
    verify_der(private(v["SK.KDA.SIG"]).public_key(), signature.value[0x9E],
               b"KB1-RCP", e3.span(0x80, 0x8E), signature.whole[0x88], sha256(v["E1"]))
    check_sealing(v, "E3", "eSK.R", seal.value[0x84], kem.public_key(), context, plaintext, seal.value[0x85])


def check_next_enrolment(v, payload):
    a0, e1, e4, e3 = (only(f"{name}.next", v[f"{name}.next"]) for name in ("A0", "E1", "E4", "E3"))
    first, kem = only("E1", v["E1"]), private(v["SK.SP.KEM"])
    hold("E1 says that it is answered", first.value[0x88][0] & 0x80)
    same("the rest of A0", a0.span(0x80, 0x88), only("A0", v["A0"]).span(0x80, 0x88))
    verify_der(private(v["SK.KDA.SIG"]).public_key(), e1.value[0x9E], b"KB1-ES", e1.span(0x80, 0x8F))
    for name, left, right in (("nA", e1.value[0x81], a0.value[0x89]), ("pkE", e1.value[0x84], point_of(private(v["skE.next"]))),
                              ("committed SEQ", e1.value[0x8C], a0.value[0x86]), ("nA of E4", e4.value[0x83], a0.value[0x89]),
                              ("handle of E4", e4.value[0x82], e1.value[0x8E]), ("SHA-256(A0)", e3.value[0x80], sha256(v["A0.next"])),
                              ("handle of E3", e3.value[0x81], first.value[0x8E]), ("E3/89", e3.value[0x89], v["E4.next"])):
        same(name, left, right)
    for tag in (0x80, 0x83, 0x85, 0x86, 0x87, 0x88, 0x8A, 0x8D, 0x8F):
        same(f"TLV {tag:X} of the statement", e1.whole[tag], first.whole[tag])
    for tag in (0x81, 0x82, 0x84, 0x8E):
        hold(f"TLV {tag:X} is new", e1.value[tag] != first.value[tag])
    context = sha256(b"KB1-ANS", e4.span(0x80, 0x84), tlv(0x85, point_of(kem)))
    keys = Keys(kem, public(e4.value[0x84]), context)
    same("E4.86", mac(keys.mac, e4.span(0x80, 0x85)), e4.value[0x86])
    content = keys.open(e4.value[0x85])
    same("content of T", content, v["E1.next"] + v["CERT.KDA"] + v["CERT.EUM"])
    check_sealing(v, "E4.next", "eSK.K.next", e4.value[0x84], kem.public_key(), context, content, e4.value[0x85])

    same("E3.8E", e3.value[0x8E], mac(payload.value[0xC2], b"KB1-RCM", e3.span(0x80, 0x89), sha256(v["E1"])))
    seal = e3.inner[0x8F][0]
    head = b"KB1-RCS" + e3.whole[0x81] + e3.whole[0x8E] + seal.whole[0x84]
    context = sha256(head, tlv(0x85, point_of(kem)))
    keys = Keys(kem, public(seal.value[0x84]), context)
    same("8F.86", mac(keys.mac, head, seal.whole[0x85]), seal.value[0x86])
    plaintext = keys.open(seal.value[0x85])
    signature = Fields(TEMPLATES["S"], plaintext)
    verify_der(private(v["SK.KDA.SIG"]).public_key(), signature.value[0x9E],
               b"KB1-RCP", e3.span(0x80, 0x8E), signature.whole[0x88], sha256(v["E1"]))
    check_sealing(v, "E3.next", "eSK.R.next", seal.value[0x84], kem.public_key(), context, plaintext, seal.value[0x85])


def check_cancellation(v):
    e0, cancel = only("E0", v["E0"]), only("E0", v["E0.cancel"])
    same("flags of a request", e0.value[0x86], b"\0")
    same("flag cancel", cancel.value[0x86], b"\1")
    for tag in (0x80, 0x81, 0x82, 0x84, 0x85, 0x7F21):
        same(f"TLV {tag:X} of the attempt", cancel.whole[tag], e0.whole[tag])
    hold("another nA", cancel.value[0x83] != e0.value[0x83])
    verify_der(private(v["SK.SP.SIG"]).public_key(), cancel.value[0x9E], b"KB1-ENR", cancel.span(0x80, 0x7F21))


def check_hpke_envelope(v):
    e1, e2, old = only("E1.10", v["E1.10"]), only("E2.10", v["E2.10"]), only("E1", v["E1"])
    verify_der(private(v["SK.KDA.SIG"]).public_key(), e1.value[0x9E], b"KB1-ES", e1.span(0x80, 0x8F))
    own, ephemeral = private(v["skE.10"]), private(v["skEm"])
    same("pkE", e1.value[0x84], point_of(own))
    same("suite of E1", e1.value[0x83], b"\x10")
    for tag in old.value:
        hold(f"TLV {tag:X} of the statement", tag in (0x83, 0x84, 0x9E) or e1.whole[tag] == old.whole[tag])
    header = e2.inner[0xA0][0]
    same("suite of A0", header.value[0x81], b"\x10")
    same("the rest of A0", e2.whole[0xA0].replace(b"\x81\1\x10", b"\x81\1\1", 1), v["A0"])
    verify_der(private(v["SK.SP.SIG"]).public_key(), e2.value[0x9E], b"KB1-ENV", e2.whole[0xA0], e2.whole[0xA1],
               sha256(v["E1.10"]))
    sealed = e2.inner[0xA1][0]
    enc = sealed.value[0x80]
    same("enc", enc, point_of(ephemeral))
    same("shared_secret", hpke_shared(own.exchange(ec.ECDH(), public(enc)), enc, point_of(own)), v["shared_secret"])
    key, nonce = hpke_keys(v["shared_secret"], b"KB1-HPKE")
    same("key", key, v["key"])
    same("base_nonce", nonce, v["base_nonce"])
    aad = e2.whole[0xA0] + sha256(v["E1.10"])
    same("A1.81", AESGCM(key).encrypt(nonce, v["P"], aad), sealed.value[0x81])


def check_statement(v):
    statement = Fields(TEMPLATES["STATEMENT"], v["STATEMENT"])
    same("kind", statement.value[0x80], b"\3")
    hold("numbered from 1", int.from_bytes(statement.value[0x81][:4], "big") >= 1)
    same("the second root", statement.value[0x81][4:], point_of(private(v["SK.AUTH.2"])))
    verify_der(private(v["SK.AUTH"]).public_key(), statement.value[0x9E], b"KB1-AUT", statement.span(0x80, 0x81))


def check_attestation(v):
    e5, e1, casd = only("E5", v["E5"]), only("E1", v["E1"]), only("CERT", v["CERT.CASD.AUT"])
    about, statement = casd.inner[0x53][0], e5.inner[0xE6][0]
    same("kind of CERT.CASD.AUT", about.value[0x80], b"\7")
    same("its usage", casd.value[0x95], b"\x82")
    same("its fields", [tag for tag in about.value if tag > 0x81], [0x82, 0x84])
    same("its key", casd.inner[0x7F49][0].value[0xB0], point_of(private(v["SK.CASD.AUT"])))
    verify_raw(private(v["SK.AUTH"]).public_key(), casd.value[0x5F37], casd.span(0x93, 0x7F49))
    same("attestation profile", e5.value[0x80], b"\2")
    same("PK.KDA.SIG", e5.value[0x81], point_of(private(v["SK.KDA.SIG"])))
    same("CERT.CASD.AUT", e5.whole[0x7F21], v["CERT.CASD.AUT"])
    same("version of the statement", statement.value[0x80], b"\1")
    same("attested", v["attested"], sha256(b"KB1-ATT", e5.whole[0x81], v["E1"]))
    for name, left, right in (("digest", statement.value[0x84], sha256(v["attested"])),
                              ("application", statement.value[0x4F], e1.value[0x86]),
                              ("code hash", statement.value[0x82], e1.value[0x87]),
                              ("SEID", casd.value[0x5F20], e1.value[0x85])):
        same(name, left, right)
    verify_raw(public(point_of(private(v["SK.CASD.AUT"]))), statement.value[0x5F37], b"KB1-CSD" + statement.span(0x80, 0x84))
    Fields(TEMPLATES["T.ATT-2"], v["T.ATT-2"])
    same("content of T", v["T.ATT-2"], v["E1"] + v["E5"])


def check_example(values):
    certificates = check_certificates(values)
    check_enrolment(values, certificates)
    payload = check_delivery(values)
    check_receipt(values, payload)
    check_next_enrolment(values, payload)
    check_cancellation(values)
    check_statement(values)
    check_hpke_envelope(values)
    check_attestation(values)


# --- files --------------------------------------------------------------------------------------------------------------
def read_example(text):
    values = {}
    for line in text.splitlines():
        if line and line[0] not in "#[":
            name, value = line.split(" = ")
            hold(f"{name} stands once", name not in values)
            values[name] = bytes.fromhex(value)
    return values


BLOCK = re.compile(r"```hex (\S+)\n(.*?)```\n", re.DOTALL)


def check_document(text, values):
    """Every value of the example stands in the document, octet for octet, and no other."""
    shown = {}
    for name, body in BLOCK.findall(text):
        hold(f"{name} stands once in the document", name not in shown)
        shown[name] = bytes.fromhex("".join(line.split("#")[0] for line in body.splitlines()))
    same("values in the document", sorted(shown), sorted(values))
    for name, octets in shown.items():
        same(f"{name} in the document", octets.hex(), values[name].hex())


def explained(octets, fields, indent=""):
    for header, value, name, inner in fields.lines:
        if inner:
            yield f"{indent}{header.hex(' ').upper()}", name
            yield from explained(value, inner, indent + "  ")
        else:
            rows = [value[at:at + 32].hex().upper() for at in range(0, len(value), 32)] or [""]
            yield f"{indent}{header.hex(' ').upper()} {rows[0]}".rstrip(), name
            for row in rows[1:]:
                yield f"{indent}{' ' * 3 * len(header)}{row}", ""


def block_of(name, octets):
    template = TEMPLATES.get("CERT" if name.startswith("CERT.") else name)
    if template is None:
        rows = [(octets[at:at + 32].hex().upper(), "") for at in range(0, len(octets), 32)]
    else:
        rows = list(explained(octets, Fields(template, octets)))
    lines = [f"{row:<74} # {note}" if note else row for row, note in rows]
    return f"```hex {name}\n" + "\n".join(lines) + "\n```\n"


def update_document():
    values = read_example(EXAMPLE.read_text())
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(BLOCK.sub(lambda match: block_of(match[1], values[match[1]]), text))


def is_refused(check, *arguments):
    try:
        check(*arguments)
    except (Mismatch, InvalidSignature, ValueError, IndexError, KeyError):
        return True
    return False


def self_test():
    values, text = read_example(EXAMPLE.read_text()), DOCUMENT.read_text()
    check_example(values)
    check_document(text, values)
    tried = missed = 0
    for name, octets in values.items():
        for at in sorted({*range(0, len(octets), 13), len(octets) - 1}):
            changed = bytearray(octets)
            changed[at] ^= 1 << at % 8
            for check, arguments in ((check_example, ({**values, name: bytes(changed)},)),
                                     (check_document, (text, {**values, name: bytes(changed)}))):
                tried += 1
                if not is_refused(check, *arguments):
                    missed += 1
                    print(f"MISSED: {check.__name__}: bit {at % 8} of octet {at} of {name}")
    print(f"wire format, self-test: {tried} changes, {missed} missed")
    return 1 if missed or not tried else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if arguments == ["--update"]:
        update_document()
    elif arguments:
        print(__doc__)
        return 2
    try:
        values = read_example(EXAMPLE.read_text())
        check_example(values)
        check_document(DOCUMENT.read_text(), values)
    except (Mismatch, InvalidSignature, ValueError, IndexError, KeyError, OSError) as error:
        print(f"wire format: {type(error).__name__}: {error}")
        return 1
    print(f"wire format: {len(values)} values recomputed, all as written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
