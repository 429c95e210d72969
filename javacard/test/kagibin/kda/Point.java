// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import java.math.BigInteger;
import java.security.spec.ECFieldFp;
import java.security.spec.ECPoint;
import kagibin.simulation.Cryptography;
import kagibin.simulation.Octets;

/** Public points for private keys that a test knows, by the textbook: the Java platform does not give them. */
final class Point {
  private static final BigInteger P = ((ECFieldFp) Cryptography.curve().getCurve().getField()).getP();
  private static final BigInteger A = Cryptography.curve().getCurve().getA();
  private static final ECPoint[] POWERS = new ECPoint[256]; // 2^i G

  static {
    POWERS[0] = Cryptography.curve().getGenerator();
    for (int i = 1; i < POWERS.length; ++i) {
      ECPoint p = POWERS[i - 1];
      BigInteger x = p.getAffineX();
      BigInteger slope = x.multiply(x).multiply(BigInteger.valueOf(3)).add(A)
          .multiply(p.getAffineY().shiftLeft(1).modInverse(P)).mod(P);
      POWERS[i] = third(slope, p, x);
    }
  }

  private Point() {}

  private static ECPoint third(BigInteger slope, ECPoint p, BigInteger otherX) {
    BigInteger x = slope.multiply(slope).subtract(p.getAffineX()).subtract(otherX).mod(P);
    return new ECPoint(x, slope.multiply(p.getAffineX().subtract(x)).subtract(p.getAffineY()).mod(P));
  }

  private static ECPoint sum(ECPoint p, ECPoint q) {
    BigInteger slope = q.getAffineY().subtract(p.getAffineY())
        .multiply(q.getAffineX().subtract(p.getAffineX()).modInverse(P)).mod(P);
    return third(slope, p, q.getAffineX());
  }

  /** 04 | X | Y of a scalar that is not zero. */
  static byte[] of(BigInteger scalar) {
    ECPoint out = null;
    for (int i = 0; i < POWERS.length; ++i) {
      if (scalar.testBit(i)) {
        out = out == null ? POWERS[i] : sum(out, POWERS[i]);
      }
    }
    return Octets.join(Octets.of(4), Octets.fixed(out.getAffineX(), 32), Octets.fixed(out.getAffineY(), 32));
  }
}
