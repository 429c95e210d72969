// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;

/**
 * Whether a point lies on P-256. Java Card does not promise that a card looks, and a point on another curve gives the
 * private key away piece by piece.
 *
 * <p>Montgomery multiplication octet by octet (R = 2^256). The last octet of P is FF, so that the factor m of each step is
 * the lowest octet itself, and m P = m (2^256 - 2^224 + 2^192 + 2^96 - 1) is four small additions and not 32 products.
 * With M(a, b) = a b / R, y^2 = x (x^2 - 3) + b is asked as M(M(y, y), 1) = M(x, M(x, x) - 3/R) + b/R^2. Sums fit sixteen
 * bits: 255 + 255 * 255 + 255 = 65,535. What a card takes for it: javacard/README.md.
 */
final class CurveEquation {
  private static final byte[] THREE = {
    (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFC, 0x00, 0x00, 0x00, 0x09,
    (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xF7, 0x00, 0x00, 0x00, 0x06,
    0x00, 0x00, 0x00, 0x03, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFA,
    0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x02};
  private static final byte[] B = {
    0x30, (byte) 0x81, (byte) 0xDC, 0x38, (byte) 0xD9, 0x48, 0x43, 0x1A,
    0x7C, 0x17, (byte) 0x86, (byte) 0x84, (byte) 0xA0, (byte) 0xF4, 0x53, 0x03,
    (byte) 0xFC, 0x35, 0x21, (byte) 0xEB, (byte) 0x9C, (byte) 0xA0, 0x65, (byte) 0xA7,
    (byte) 0xE5, (byte) 0x9B, (byte) 0xE0, (byte) 0xA6, 0x45, (byte) 0x84, (byte) 0xA1, 0x37};
  private static final byte[] ONE = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01};
  private static final short SIZE = Curve.SCALAR;
  private static final short SUM = Ram.FIELD;
  private static final short LEFT = (short) (SUM + 34);
  private static final short RIGHT = (short) (LEFT + SIZE);

  private CurveEquation() {}

  /** {@code point}: 04 | X | Y. Uses the field area of the work memory. */
  static boolean holds(byte[] work, byte[] point, short at) {
    short x = (short) (at + 1);
    short y = (short) (x + SIZE);
    if (point[at] != 0x04 || Numbers.compare(point, x, Curve.P, (short) 0, SIZE) >= 0
        || Numbers.compare(point, y, Curve.P, (short) 0, SIZE) >= 0) {
      return false;
    }
    multiply(work, point, x, point, x, RIGHT);
    if (subtract(work, RIGHT, THREE)) {
      add(work, RIGHT, Curve.P);
    }
    multiply(work, point, x, work, RIGHT, RIGHT);
    boolean carries = add(work, RIGHT, B);
    if (carries || Numbers.compare(work, RIGHT, Curve.P, (short) 0, SIZE) >= 0) {
      subtract(work, RIGHT, Curve.P);
    }
    multiply(work, point, y, point, y, LEFT);
    multiply(work, ONE, (short) 0, work, LEFT, LEFT);
    return Numbers.equal(work, LEFT, work, RIGHT, SIZE);
  }

  /** work[to] = a b / R mod P. */
  private static void multiply(byte[] work, byte[] a, short aAt, byte[] b, short bAt, short to) {
    Util.arrayFillNonAtomic(work, SUM, (short) 34, (byte) 0);
    short aLast = (short) (aAt + SIZE - 1);
    short bLast = (short) (bAt + SIZE - 1);
    for (short i = 0; i < SIZE; ++i) {
      short factor = (short) (a[(short) (aLast - i)] & 0xFF);
      short sum = 0;
      for (short j = 0; factor != 0 && j < SIZE; ++j) {
        short digit = (short) (b[(short) (bLast - j)] & 0xFF);
        sum = (short) ((short) (factor * digit) + (short) ((work[(short) (SUM + j)] & 0xFF) + high(sum)));
        work[(short) (SUM + j)] = (byte) sum;
      }
      sum = (short) ((work[(short) (SUM + SIZE)] & 0xFF) + high(sum));
      work[(short) (SUM + SIZE)] = (byte) sum;
      work[(short) (SUM + SIZE + 1)] = (byte) high(sum);
      reduce(work);
    }
    for (short i = 0; i < SIZE; ++i) {
      work[(short) (to + SIZE - 1 - i)] = work[(short) (SUM + i)];
    }
    if (work[(short) (SUM + SIZE)] != 0 || Numbers.compare(work, to, Curve.P, (short) 0, SIZE) >= 0) {
      subtract(work, to, Curve.P);
    }
  }

  /** Adds m P, m the lowest octet, so that this octet becomes zero, and drops it. */
  private static void reduce(byte[] work) {
    short factor = (short) (work[SUM] & 0xFF);
    // What m P adds at octets 0, 12, 24, 28 and 32, each with the carry or borrow that comes from below.
    work[SUM] = 0;
    short carry = 0;
    for (short j = 1; j < (short) (SIZE + 2); ++j) {
      short sum = (short) ((work[(short) (SUM + j)] & 0xFF) + carry);
      if (j == 12 || j == 24 || j == 32) {
        sum = (short) (sum + factor);
      } else if (j == 28) {
        sum = (short) (sum - factor);
      }
      work[(short) (SUM + j - 1)] = (byte) sum;
      carry = (short) (sum >> 8);
    }
    work[(short) (SUM + SIZE + 1)] = 0;
  }

  private static short high(short sum) {
    return (short) ((short) (sum >> 8) & 0xFF);
  }

  private static boolean add(byte[] work, short to, byte[] what) {
    short sum = 0;
    for (short i = (short) (SIZE - 1); i >= 0; --i) {
      sum = (short) ((work[(short) (to + i)] & 0xFF) + (what[i] & 0xFF) + high(sum));
      work[(short) (to + i)] = (byte) sum;
    }
    return high(sum) != 0;
  }

  private static boolean subtract(byte[] work, short to, byte[] what) {
    short borrow = 0;
    for (short i = (short) (SIZE - 1); i >= 0; --i) {
      short difference = (short) ((work[(short) (to + i)] & 0xFF) - (what[i] & 0xFF) - borrow);
      work[(short) (to + i)] = (byte) difference;
      borrow = difference < 0 ? (short) 1 : (short) 0;
    }
    return borrow != 0;
  }
}
