// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;
import javacard.security.ECPublicKey;
import javacard.security.KeyPair;
import javacard.security.PrivateKey;

/** Who this instance is: SK.KDA.SIG and SK.OCE.ECKA, made inside, and the certificates that its maker stored. */
final class Identity {
  static final byte MAKER = 0;
  static final byte KDA = 1;
  static final byte OCE = 2;
  static final short SEID = 0; // 16
  static final short CODE_HASH = 16; // 32, as CERT.KDA states it: an applet cannot read its own load file
  static final short ENROLMENTS = 48; // 4
  static final short RECEIPTS = 52; // 4
  static final short RECORD = 56;

  boolean isGenerated;
  boolean isCertified;
  final byte[] record = new byte[RECORD];
  private final byte[][] certificates = new byte[3][];
  private final short[] sizes = new short[3];
  private final KeyPair signing = Curve.pair();
  private final KeyPair agreement = Curve.pair();

  Identity() {
    for (short i = 0; i < 3; ++i) {
      certificates[i] = new byte[Certificate.MOST];
    }
  }

  void generate() {
    Curve.generate(signing);
    Curve.generate(agreement);
    isGenerated = true;
  }

  PrivateKey signingKey() {
    return signing.getPrivate();
  }

  short signingPoint(byte[] to, short at) {
    return ((ECPublicKey) signing.getPublic()).getW(to, at);
  }

  short agreementPoint(byte[] to, short at) {
    return ((ECPublicKey) agreement.getPublic()).getW(to, at);
  }

  /** Before {@code isCertified}; size 0 where there is none. */
  void store(byte which, byte[] from, short at, short size) {
    Util.arrayCopyNonAtomic(from, at, certificates[which], (short) 0, size);
    sizes[which] = size;
  }

  /** Answers where the next octet goes. */
  short copy(byte which, byte[] to, short at) {
    return Util.arrayCopyNonAtomic(certificates[which], (short) 0, to, at, sizes[which]);
  }
}
