// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import java.security.KeyPair;
import java.security.PrivateKey;
import kagibin.simulation.Cryptography;
import kagibin.simulation.Issuer;
import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;

/** Parties that more than one test needs. */
final class Fixture {
  static final byte[] SEID = Octets.hex("4B424A43000000000000000000000001");
  static final byte[] MAKER = Octets.hex("4D414B45520000000000000000000001");
  static final byte[] PLATFORM = Octets.hex("4A435349000000000000000000000001");

  private Fixture() {}

  /** A maker that this root certifies. */
  static Issuer issuer(PrivateKey root, byte[] rootPoint) {
    KeyPair maker = Cryptography.newKeyPair();
    byte[] discretionary = Octets.join(Issuer.kind(1, 1), Octets.tlv(0x84, PLATFORM));
    byte[] certificate = Issuer.certificate(1, Octets.ascii("AUTH"), MAKER, Octets.of(0x82), discretionary,
        MakerSession.point(maker), root);
    return new Issuer(rootPoint, certificate, maker.getPrivate(), SEID);
  }
}
