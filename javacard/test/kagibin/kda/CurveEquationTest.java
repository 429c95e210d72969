// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.math.BigInteger;
import kagibin.simulation.Cryptography;
import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;
import org.junit.Test;

/** The curve's equation, octet by octet, against the Java platform's points. */
public class CurveEquationTest {
  private final byte[] work = new byte[Ram.WORK];

  private boolean holds(byte[] point) {
    return CurveEquation.holds(work, point, (short) 0);
  }

  @Test
  public void pointsOfTheCurveFulfilItAndTheirNeighboursDoNot() {
    for (int i = 0; i < 50; ++i) {
      byte[] point = MakerSession.point(Cryptography.newKeyPair());
      assertTrue(Octets.hex(point), holds(point));
      int octet = 1 + i % 64;
      point[octet] ^= (byte) (1 << i % 8);
      assertFalse(Octets.hex(point), holds(point));
    }
    assertTrue(holds(Curve.G));
  }

  @Test
  public void otherFormsAndCoordinatesOfPOrMoreAreRefused() {
    byte[] compressed = Curve.G.clone();
    compressed[0] = 0x03;
    assertFalse(holds(compressed));
    assertFalse(holds(new byte[65]));
    BigInteger p = new BigInteger(1, Curve.P);
    // (0, sqrt(b)) is on the curve; with X = P instead of 0 it is the same point in a form that is not its own.
    byte[] b = Curve.B;
    BigInteger root = new BigInteger(1, b).modPow(p.add(BigInteger.ONE).shiftRight(2), p);
    byte[] y = Octets.fixed(root, 32);
    assertTrue(holds(Octets.join(Octets.of(4), new byte[32], y)));
    assertFalse(holds(Octets.join(Octets.of(4), Curve.P, y)));
    byte[] all = Octets.join(Octets.of(4), Octets.fixed(BigInteger.ONE.shiftLeft(256).subtract(BigInteger.ONE), 32), y);
    assertFalse(holds(all));
  }
}
