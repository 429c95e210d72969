// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.ECPublicKey;
import javacard.security.PrivateKey;
import javacard.security.Signature;

/**
 * ECDSA with SHA-256 on P-256 over pieces. In 9E a signature is minimal DER, 8 to 72 octets; in certificates it is r | s,
 * 64 octets (doc/wire_format.md, 1). Cards differ in what DER they take and make, so both directions are held to the
 * minimal form here.
 */
final class Ecdsa {
  static final short LEAST = 8;
  static final short MOST = 72;
  static final short RAW = 64;
  private static final short SCALAR = Curve.SCALAR;

  private final byte[] work;
  private final Signature engine = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false);
  private final ECPublicKey peer = Curve.publicKey();

  Ecdsa(Ram ram) {
    work = ram.work;
  }

  void beginSigning(PrivateKey key) {
    engine.init(key, Signature.MODE_SIGN);
  }

  /** The point is on the curve already. */
  void beginVerifying(byte[] point, short at) {
    peer.setW(point, at, Curve.POINT);
    engine.init(peer, Signature.MODE_VERIFY);
  }

  void add(byte[] from, short at, short octets) {
    engine.update(from, at, octets);
  }

  void add(byte[] label) {
    engine.update(label, (short) 0, (short) label.length);
  }

  /** Writes the signature; answers its length. At most MOST octets. */
  short sign(byte[] to, short at) {
    short octets = engine.sign(work, (short) 0, (short) 0, work, Ram.SIGNATURE);
    if (!toRaw(work, Ram.SIGNATURE, octets)) {
      CryptoException.throwIt(CryptoException.ILLEGAL_USE);
    }
    return toDer(work, Ram.HASH, to, at);
  }

  boolean verifyDer(byte[] signature, short at, short octets) {
    Util.arrayCopyNonAtomic(signature, at, work, Ram.SIGNATURE, octets);
    if (!toRaw(work, Ram.SIGNATURE, octets)) {
      return false;
    }
    short again = toDer(work, Ram.HASH, work, Ram.KEYS);
    return again == octets && Numbers.equal(work, Ram.KEYS, signature, at, octets) && verify(octets);
  }

  boolean verifyRaw(byte[] signature, short at) {
    short octets = toDer(signature, at, work, Ram.SIGNATURE);
    return verify(octets);
  }

  private boolean verify(short octets) {
    try {
      return engine.verify(work, (short) 0, (short) 0, work, Ram.SIGNATURE, octets);
    } catch (CryptoException refused) {
      return false;
    }
  }

  /** r | s into HASH and what follows; false when it is not SEQUENCE of two INTEGERs of up to 256 bits. */
  private boolean toRaw(byte[] der, short at, short octets) {
    short end = (short) (at + octets);
    if (octets < LEAST || der[at] != 0x30 || der[(short) (at + 1)] != (byte) (octets - 2)) {
      return false;
    }
    short next = integer(der, (short) (at + 2), end, Ram.HASH);
    return next > 0 && integer(der, next, end, (short) (Ram.HASH + SCALAR)) == end;
  }

  /** One INTEGER as 32 octets; answers where the next one starts, 0 when it is none. */
  private short integer(byte[] der, short at, short end, short to) {
    if ((short) (end - at) < 3 || der[at] != 0x02) {
      return 0;
    }
    short octets = der[(short) (at + 1)];
    at = (short) (at + 2);
    if (octets < 1 || octets > (short) (end - at)) {
      return 0;
    }
    short next = (short) (at + octets);
    if (octets == (short) (SCALAR + 1) && der[at] == 0) {
      ++at;
      --octets;
    }
    if (octets > SCALAR) {
      return 0;
    }
    Util.arrayFillNonAtomic(work, to, SCALAR, (byte) 0);
    Util.arrayCopyNonAtomic(der, at, work, (short) (to + SCALAR - octets), octets);
    return next;
  }

  /** The minimal DER of r | s; answers its length. */
  private static short toDer(byte[] raw, short rawAt, byte[] to, short at) {
    short end = putInteger(raw, rawAt, to, (short) (at + 2));
    end = putInteger(raw, (short) (rawAt + SCALAR), to, end);
    to[at] = 0x30;
    to[(short) (at + 1)] = (byte) (end - at - 2);
    return (short) (end - at);
  }

  private static short putInteger(byte[] raw, short rawAt, byte[] to, short at) {
    short octets = SCALAR;
    while (octets > 1 && raw[rawAt] == 0) {
      ++rawAt;
      --octets;
    }
    short sign = raw[rawAt] < 0 ? (short) 1 : (short) 0;
    to[at++] = 0x02;
    to[at++] = (byte) (octets + sign);
    if (sign != 0) {
      to[at++] = 0;
    }
    return Util.arrayCopyNonAtomic(raw, rawAt, to, at, octets);
  }
}
