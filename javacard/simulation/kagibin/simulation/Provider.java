// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.security.PrivateKey;
import java.util.Arrays;

/**
 * A service provider for the applet's tests: makes E0, opens E4, seals E2, judges E3, by doc/wire_format.md and by the Java
 * platform's cryptography alone. What does not verify is an IllegalStateException.
 */
public final class Provider {
  public final byte[] spid;
  public final byte[] certificate;
  private final PrivateKey signing;
  private final byte[] kdaRoot;

  /** What one attempt leaves with the provider. */
  public static final class Attempt {
    public byte[] request;
    public PrivateKey kem;
    public byte[] kemPoint;
    public byte[] nonce;
    public byte[] handle;
    public byte[] statement;
    public byte[] kdaPoint;
    public byte[] receiptKey;
    public byte[] header;
    /** 88 of the receipt that was judged last. */
    public byte[] counter;
    /** CERT.SD that went with the request; null: none. */
    public byte[] domain;
  }

  public Provider(byte[] ownSpid, byte[] certificateOfProvider, PrivateKey signingKey, byte[] root) {
    spid = ownSpid;
    certificate = certificateOfProvider;
    signing = signingKey;
    kdaRoot = root;
  }

  private static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalStateException(sentence);
    }
  }

  /** E0; {@code acknowledged} may be null. */
  public byte[] request(Attempt attempt, byte[] target, int flags, byte[] acknowledged) {
    byte[] body = Octets.join(Octets.tlv(0x80, Octets.of(1)), Octets.tlv(0x81, Octets.of(1)), Octets.tlv(0x82, spid),
        Octets.tlv(0x83, attempt.nonce), Octets.tlv(0x84, target), Octets.tlv(0x85, attempt.kemPoint),
        Octets.tlv(0x86, Octets.of(flags)),
        acknowledged == null ? new byte[0] : Octets.tlv(0x87, acknowledged), certificate);
    return Octets.tlv(0xE0, body, Octets.tlv(0x9E, Cryptography.sign(signing, Octets.ascii("KB1-ENR"), body)));
  }

  /** Kenc, Kmac and IV of suite 01. */
  private static byte[][] keys(PrivateKey own, byte[] peer, byte[] context) {
    byte[] z = Cryptography.agree(own, peer);
    byte[] octets = Octets.join(Cryptography.sha256(z, Octets.number(1, 4), context),
        Cryptography.sha256(z, Octets.number(2, 4), context));
    return new byte[][] {Octets.cut(octets, 0, 16), Octets.cut(octets, 16, 32), Octets.cut(octets, 32, 48)};
  }

  private static byte[] unsealed(byte[][] keys, byte[] sealed, byte[] mac, byte[]... covered) {
    require(Arrays.equals(Cryptography.cmac(keys[1], covered), mac), "a MAC is wrong");
    byte[] plain = Cryptography.unpad(Cryptography.cbcDecrypt(keys[0], keys[2], sealed));
    require(plain != null, "a padding is wrong");
    return plain;
  }

  /** Opens E4 and verifies all that is in it; fills the attempt. Answers TLV E1's value. */
  public byte[] open(Attempt attempt, byte[] e4) {
    byte[] body = Octets.value(e4, 0);
    require(Octets.object(e4, 0).length == e4.length && Octets.count(body) == 7, "E4 has another form");
    require(Arrays.equals(Octets.value(body, 3), attempt.nonce), "E4 answers another nA");
    byte[] sealed = Octets.object(body, 5);
    byte[] head = Octets.cut(body, 0, body.length - sealed.length - 18);
    byte[] context =
        Cryptography.sha256(Octets.ascii("KB1-ANS"), head, Octets.tlv(0x85, attempt.kemPoint));
    byte[][] keys = keys(attempt.kem, Octets.value(body, 4), context);
    byte[] text = unsealed(keys, Octets.value(body, 5), Octets.value(body, 6), head, sealed);
    attempt.handle = Octets.value(body, 2);
    attempt.statement = Octets.object(text, 0);
    byte[] e1 = Octets.value(text, 0);
    byte[] attestation = Octets.find(text, 0xE5);
    byte[][] vouched = attestation == null ? byMaker(attempt, text) : byCasd(attempt, attestation);
    int before = attestation == null ? 3 : 2;
    require(Octets.count(text) == before + (attempt.domain == null ? 0 : 1), "T has another form");
    byte[] signature = Octets.find(e1, 0x9E);
    byte[] signedPart = Octets.cut(e1, 0, e1.length - signature.length - 2);
    require(Cryptography.verify(attempt.kdaPoint, signature, Octets.ascii("KB1-ES"), signedPart), "E1 is not signed");
    require(Arrays.equals(Octets.find(e1, 0x81), attempt.nonce) && Arrays.equals(Octets.find(e1, 0x8E), attempt.handle)
        && Arrays.equals(Octets.find(e1, 0x8F), spid), "E1 is of another attempt");
    byte[] ofDomain = attempt.domain == null ? null : Cryptography.sha256(attempt.domain);
    require(Arrays.equals(Octets.find(e1, 0x90), ofDomain), "E1 is of another CERT.SD");
    require(ofDomain == null || Arrays.equals(Octets.object(text, before), attempt.domain), "T has another CERT.SD");
    require(Arrays.equals(Octets.find(e1, 0x85), vouched[0]), "E1 has another SEID");
    require(Arrays.equals(Octets.find(e1, 0x87), vouched[1]), "E1 has another code hash");
    return e1;
  }

  /** SEID and code hash of CERT.KDA. */
  private byte[][] byMaker(Attempt attempt, byte[] text) {
    byte[] kda = Octets.value(text, 1);
    byte[] maker = Octets.value(text, 2);
    verifyCertificate(maker, kdaRoot);
    verifyCertificate(kda, Octets.find(Octets.find(maker, 0x7F49), 0xB0));
    attempt.kdaPoint = Octets.find(Octets.find(kda, 0x7F49), 0xB0);
    return new byte[][] {Octets.find(kda, 0x5F20), Octets.find(Octets.find(kda, 0x53), 0x83)};
  }

  /** SEID of CERT.CASD.AUT and the code hash that the CASD states, for this E1 and this key (ATT-2). */
  private byte[][] byCasd(Attempt attempt, byte[] e5) {
    require(Octets.count(e5) == 4 && Octets.value(e5, 0)[0] == 2, "E5 has another form");
    attempt.kdaPoint = Octets.value(e5, 1);
    byte[] casd = Octets.value(e5, 2);
    verifyCertificate(casd, kdaRoot);
    byte[] statement = Octets.find(e5, 0xE6);
    byte[] attested = Cryptography.sha256(Octets.ascii("KB1-ATT"), Octets.object(e5, 1), attempt.statement);
    require(Arrays.equals(Octets.find(statement, 0x84), Cryptography.sha256(attested)), "E6 is of another E1 or key");
    byte[] body = Octets.cut(statement, 0, statement.length - 67);
    require(verifyRaw(Octets.find(Octets.find(casd, 0x7F49), 0xB0), Octets.find(statement, 0x5F37),
        Octets.ascii("KB1-CSD"), body), "E6 is not signed");
    return new byte[][] {Octets.find(casd, 0x5F20), Octets.find(statement, 0x82)};
  }

  private static void verifyCertificate(byte[] value, byte[] issuer) {
    require(isCertifiedBy(value, issuer), "a certificate is not its issuer's");
  }

  /** {@code value}: of TLV 7F21. */
  static boolean isCertifiedBy(byte[] value, byte[] issuer) {
    byte[] signature = Octets.find(value, 0x5F37);
    return verifyRaw(issuer, signature, Octets.cut(value, 0, value.length - 67));
  }

  private static boolean verifyRaw(byte[] point, byte[] signature, byte[]... pieces) {
    byte[] der = Octets.tlv(0x30, integer(Octets.cut(signature, 0, 32)), integer(Octets.cut(signature, 32, 64)));
    return Cryptography.verify(point, der, pieces);
  }

  private static byte[] integer(byte[] number) {
    return Octets.tlv(0x02, new java.math.BigInteger(1, number).toByteArray());
  }

  /** A0 of RL1. */
  public byte[] header(Attempt attempt, int version, int mask, int seq, long issuedAt, long notAfter) {
    return header(attempt, 1, Octets.of(version, mask), seq, issuedAt, notAfter);
  }

  /** A0 of any level; {@code parameters} are the value of 85. */
  public byte[] header(Attempt attempt, int level, byte[] parameters, int seq, long issuedAt, long notAfter) {
    return Octets.tlv(0xA0, Octets.tlv(0x80, Octets.of(1)), Octets.tlv(0x81, Octets.of(1)), Octets.tlv(0x82, spid),
        Octets.tlv(0x83, attempt.handle), Octets.tlv(0x84, Octets.of(level)), Octets.tlv(0x85, parameters),
        Octets.tlv(0x86, Octets.number(seq, 4)), Octets.tlv(0x87, Octets.number(issuedAt, 4)),
        Octets.tlv(0x88, Octets.number(notAfter, 4)));
  }

  /** E2 around P. */
  public byte[] seal(Attempt attempt, byte[] header, byte[] payload) {
    attempt.header = header;
    java.security.KeyPair ephemeral = Cryptography.newKeyPair();
    byte[] statementHash = Cryptography.sha256(attempt.statement);
    byte[] pointTlv = Octets.tlv(0x80, Cryptography.point(ephemeral.getPublic()));
    byte[] context = Cryptography.sha256(Octets.ascii("KB1-CTX"), header, statementHash, pointTlv);
    byte[] recipient = Octets.find(Octets.value(attempt.statement, 0), 0x84);
    byte[][] keys = keys(ephemeral.getPrivate(), recipient, context);
    byte[] sealed = Octets.tlv(0x81, Cryptography.cbcEncrypt(keys[0], keys[2], Cryptography.pad(payload)));
    byte[] mac = Cryptography.cmac(keys[1], header, statementHash, pointTlv, sealed);
    byte[] body = Octets.tlv(0xA1, pointTlv, sealed, Octets.tlv(0x82, mac));
    byte[] signature = Cryptography.sign(signing, Octets.ascii("KB1-ENV"), header, body, statementHash);
    return Octets.tlv(0xE2, header, body, Octets.tlv(0x9E, signature));
  }

  /** Verifies E3 with everything in it and answers its results. */
  public byte[] judge(Attempt attempt, byte[] e3) {
    byte[] body = Octets.value(e3, 0);
    byte[] statementHash = Cryptography.sha256(attempt.statement);
    byte[] mac = Octets.find(body, 0x8E);
    byte[] seal = Octets.find(body, 0x8F);
    byte[] macTlv = mac == null ? new byte[0] : Octets.tlv(0x8E, mac);
    byte[] told = Octets.cut(body, 0, body.length - Octets.tlv(0x8F, seal).length - macTlv.length);
    require(Octets.object(e3, 0).length == e3.length, "octets follow E3");
    if (mac != null) {
      byte[] expected = Cryptography.cmac(attempt.receiptKey, Octets.ascii("KB1-RCM"), told, statementHash);
      require(Arrays.equals(mac, expected), "8E is wrong");
    }
    byte[] handleTlv = Octets.tlv(0x81, Octets.find(body, 0x81));
    byte[] context = Cryptography.sha256(Octets.ascii("KB1-RCS"), handleTlv, macTlv, Octets.object(seal, 0),
        Octets.tlv(0x85, attempt.kemPoint));
    byte[][] keys = keys(attempt.kem, Octets.value(seal, 0), context);
    byte[] s = unsealed(keys, Octets.value(seal, 1), Octets.value(seal, 2), Octets.ascii("KB1-RCS"), handleTlv, macTlv,
        Octets.object(seal, 0), Octets.object(seal, 1));
    require(Cryptography.verify(attempt.kdaPoint, Octets.find(s, 0x9E), Octets.ascii("KB1-RCP"), told, macTlv,
        Octets.object(s, 0), statementHash), "the receipt is not signed");
    attempt.counter = Octets.find(s, 0x88);
    byte[] expected = attempt.header == null ? new byte[32] : Cryptography.sha256(attempt.header);
    require(Arrays.equals(Octets.find(body, 0x80), expected), "the receipt is about another header");
    require(Arrays.equals(Octets.find(body, 0x81), attempt.handle), "the receipt is about another handle");
    return Octets.find(body, 0x83);
  }
}
