// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.security.ECPublicKey;
import javacard.security.KeyPair;
import javacard.security.PrivateKey;

/**
 * Who this instance is: SK.KDA.SIG and SK.OCE.ECKA, made inside, and the certificates that its maker stored, or that the
 * card's CASD speaks for it (Casd).
 */
final class Identity {
  static final short SEID = 0; // 16
  static final short CODE_HASH = 16; // 32, as CERT.KDA or the CASD states it: an applet cannot read its own load file
  static final short MAKER_KEY = 48; // 32, SHA-256 of PK.EUM, as CERT.SD names it
  static final short RECORD = 80;

  boolean isGenerated;
  boolean isAttested; // installed for a CASD to speak for it; certified once that has spoken
  boolean isCertified;
  final byte[] record = new byte[RECORD];
  final KeptCertificate maker = new KeptCertificate();
  final KeptCertificate kda = new KeptCertificate();
  final KeptCertificate oce = new KeptCertificate();
  private final KeyPair signing = Curve.pair();
  private final KeyPair agreement = Curve.pair();

  void generate() {
    Curve.generate(signing);
    Curve.generate(agreement);
    isGenerated = true;
  }

  /** Whether the maker's commands are. */
  boolean isClosed() {
    return isCertified || isAttested;
  }

  /** CAPABILITIES: what ENROL can offer, given a CERT.SD. */
  byte levels() {
    byte always = Suites.OFFERS_RL1 | Suites.OFFERS_RL3;
    return isCertified && oce.isThere() ? (byte) (always | Suites.OFFERS_RL2) : always;
  }

  /** SK.OCE.ECKA. */
  PrivateKey agreementKey() {
    return agreement.getPrivate();
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
}
