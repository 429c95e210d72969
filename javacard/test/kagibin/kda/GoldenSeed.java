// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import java.math.BigInteger;
import java.security.PrivateKey;
import java.util.Arrays;
import kagibin.simulation.Cryptography;
import kagibin.simulation.Octets;

/**
 * The roles' keys of a golden transcript, found in the stream that its head names: {@code rng = SEED}, from which the
 * deployment of tests/support/deployment.h draws SHA-256(SEED/roles | counter). A test needs no secret beside the file.
 */
final class GoldenSeed {
  private static final int SEARCHED = 2048;
  private final byte[] stream;

  GoldenSeed(String seed) {
    byte[] octets = new byte[0];
    for (int i = 0; octets.length < SEARCHED + 32; ++i) {
      octets = Octets.join(octets, Cryptography.sha256(Octets.ascii(seed + "/roles"), Octets.number(i, 4)));
    }
    stream = octets;
  }

  /** What a candidate for a private key is good for. */
  interface Question {
    boolean isIt(PrivateKey key, byte[] point);
  }

  private PrivateKey search(Question question, String what) {
    for (int at = 0; at < SEARCHED; at += 4) {
      PrivateKey key = Cryptography.privateKey(Octets.cut(stream, at, at + 32));
      byte[] point = Point.of(new BigInteger(1, Octets.cut(stream, at, at + 32)));
      if (question.isIt(key, point)) {
        return key;
      }
    }
    throw new AssertionError("the seed does not give " + what);
  }

  /** The private key of a point. */
  PrivateKey keyOf(byte[] point, String what) {
    return search((key, candidate) -> Arrays.equals(candidate, point), what);
  }

  /** The point under which a certificate (7F21) verifies, and its private key. */
  PrivateKey issuerOf(byte[] certificate) {
    byte[] value = Octets.value(certificate, 0);
    byte[] signature = Octets.find(value, 0x5F37);
    byte[] der = Octets.tlv(0x30, integer(Octets.cut(signature, 0, 32)), integer(Octets.cut(signature, 32, 64)));
    byte[] body = Octets.cut(value, 0, value.length - 67);
    return search((key, candidate) -> Cryptography.verify(candidate, der, body), "the authority's key");
  }

  private static byte[] integer(byte[] number) {
    return Octets.tlv(0x02, new BigInteger(1, number).toByteArray());
  }
}
