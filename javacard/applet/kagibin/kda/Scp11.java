// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * The off-card entity of SCP11a (GlobalPlatform Amendment F, 7.5 and 7.6) on P-256 with AES-128: what goes to the domain
 * before its session is open (kagibin/se/kda/target/certificate_channel.h). GET DATA 0066 says what the domain speaks, and
 * nobody signs it; PERFORM SECURITY OPERATION carries CERT.OCE under the first PK.CA-KLOC of KID 10; MUTUAL AUTHENTICATE
 * agrees on keys, and the receipt in its answer proves that the domain holds the key that CERT.SD names. Keeps nothing.
 */
final class Scp11 {
  /** Where {@code agree} leaves S-ENC | S-MAC | S-RMAC | Key-DEK in the work memory, and the receipt. */
  static final short SESSION_KEYS = (short) (Ram.KEYS + 16);
  static final short RECEIPT = Ram.HASH;

  private static final short RECEIPT_KEY = Ram.KEYS;
  private static final byte FIRST_AUTHORITY_KEY = 0x10; // KID of PK.CA-KLOC.ECDSA, KVN 00
  private static final byte AGREEMENT_KEY = 0x11; // KID of SK.SD.ECKA
  private static final byte[] CARD_DATA = {(byte) 0x80, (byte) 0xCA, 0x00, 0x66, 0x00};
  // A6 { SCP11, mutual | key usage 3C | AES | 16 octets }, and the head of ePK.OCE.ECKA.
  private static final byte[] REQUEST = {
    (byte) 0xA6, 0x0D, (byte) 0x90, 0x02, 0x11, 0x01, (byte) 0x95, 0x01, 0x3C, (byte) 0x80, 0x01, (byte) 0x88,
    (byte) 0x81, 0x01, 0x10, 0x5F, 0x49, 0x41};
  private static final byte[] SHARED_INFO = {0x3C, (byte) 0x88, 0x10};

  private final Engines engines;
  private final Identity identity;
  private final Certificate domain;
  private final Recognition recognition;
  private final byte[] exchange;

  Scp11(Engines all, Identity own, Certificate reader) {
    engines = all;
    identity = own;
    domain = reader;
    recognition = new Recognition(all);
    exchange = all.ram.exchange;
  }

  /** Whether there are CERT.OCE and the enrolment's CERT.SD. */
  boolean isPossible(Attempt attempt) {
    return identity.oce.isThere() && attempt.domainSize() > 0;
  }

  /** The command; answers its length, as those that follow do. */
  static short askCardData(byte[] to, short at) {
    Util.arrayCopyNonAtomic(CARD_DATA, (short) 0, to, at, (short) CARD_DATA.length);
    return (short) CARD_DATA.length;
  }

  /** Octets of the domain's MACs, 8 or 16; 0 when its card data do not say that it speaks SCP11a. */
  short macSize(short at, short size) {
    try {
      return recognition.macSize(at, size);
    } catch (ISOException malformed) {
      return 0;
    }
  }

  /** PERFORM SECURITY OPERATION: of its kind a certificate has at most 226 octets, so that it is one block. */
  short certificate(byte[] to, short at) {
    TargetCommands.header(to, at, (byte) 0x80, (byte) 0x2A, (byte) 0x00, FIRST_AUTHORITY_KEY);
    short size = (short) (identity.oce.copy(to, (short) (at + 5)) - at - 5);
    to[(short) (at + 4)] = (byte) size;
    return (short) (5 + size);
  }

  /** With a fresh pair, whose private key waits for the answer. */
  short authenticate(byte version, byte[] to, short at) {
    TargetCommands.header(to, at, (byte) 0x80, (byte) 0x82, version, AGREEMENT_KEY);
    to[(short) (at + 4)] = (byte) (REQUEST.length + Curve.POINT);
    short point = Util.arrayCopyNonAtomic(REQUEST, (short) 0, to, (short) (at + 5), (short) REQUEST.length);
    engines.newEphemeral(to, point);
    to[(short) (point + Curve.POINT)] = 0;
    return (short) (6 + REQUEST.length + Curve.POINT);
  }

  /**
   * Takes {@code 5F49 ePK.SD.ECKA | 86 receipt} at this place in the exchange memory: false when it is none, when the point
   * is not on the curve or the receipt is wrong. The private key of the pair goes when the point is good.
   */
  boolean agree(Attempt attempt, short at, short size) {
    byte[] work = engines.ram.work;
    domain.readKnown(attempt.domain, (short) 0, attempt.domainSize());
    short point = pointOf(at, size);
    if (point == 0 || !CurveEquation.holds(work, exchange, point)) {
      return false;
    }
    engines.agreeTwice(exchange, point, identity.agreementKey(), attempt.domain, domain.point(), SHARED_INFO);
    engines.ephemeralPoint(work, Ram.OWN_POINT);
    Cmac cmac = engines.cmac;
    cmac.begin(work, RECEIPT_KEY, (short) 16);
    cmac.add(REQUEST, (short) 0, (short) REQUEST.length);
    cmac.add(work, Ram.OWN_POINT, Curve.POINT);
    cmac.add(exchange, at, (short) (point + Curve.POINT - at));
    cmac.finish(work, RECEIPT);
    return Numbers.equal(work, RECEIPT, exchange, (short) (point + Curve.POINT + 2), Cmac.SIZE);
  }

  /** Where the point starts; 0 when the answer has another form. */
  private short pointOf(short at, short size) {
    Cursor answer = engines.cursor;
    try {
      answer.open(exchange, at, size);
      short point = answer.expect((short) 0x5F49, Curve.POINT);
      answer.expect((short) 0x86, Cmac.SIZE);
      answer.finish();
      return point;
    } catch (ISOException malformed) {
      return 0;
    }
  }
}
