// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

/**
 * Unsigned big-endian numbers as octet strings: what the protocol counts has four octets, and a card may have no
 * {@code int}. Every function runs through all octets.
 */
final class Numbers {
  private Numbers() {}

  /** Less than 0, 0 or more than 0, as a is less than, equal to or greater than b. */
  static byte compare(byte[] a, short aAt, byte[] b, short bAt, short length) {
    byte result = 0;
    for (short i = 0; i < length; ++i) {
      short left = (short) (a[(short) (aAt + i)] & 0xFF);
      short right = (short) (b[(short) (bAt + i)] & 0xFF);
      if (result == 0 && left != right) {
        result = left < right ? (byte) -1 : (byte) 1;
      }
    }
    return result;
  }

  /** Equality in a time that tells nothing of where two strings differ. */
  static boolean equal(byte[] a, short aAt, byte[] b, short bAt, short length) {
    byte differs = 0;
    for (short i = 0; i < length; ++i) {
      differs |= (byte) (a[(short) (aAt + i)] ^ b[(short) (bAt + i)]);
    }
    return differs == 0;
  }

  static boolean isZero(byte[] a, short at, short length) {
    byte all = 0;
    for (short i = 0; i < length; ++i) {
      all |= a[(short) (at + i)];
    }
    return all == 0;
  }

  /** Adds one, modulo the length. */
  static void increment(byte[] a, short at, short length) {
    short i = (short) (at + length);
    do {
      --i;
      ++a[i];
    } while (i > at && a[i] == 0);
  }

  /** Subtracts a number below 8000; false, and nothing changed, where that would be less than 0. */
  static boolean subtract(byte[] a, short at, short length, short what) {
    boolean isLess = isZero(a, at, (short) (length - 2));
    short low = (short) (at + length - 2);
    short rest = javacard.framework.Util.getShort(a, low);
    if (isLess && rest >= 0 && rest < what) {
      return false;
    }
    boolean borrows = rest >= 0 && rest < what;
    javacard.framework.Util.setShort(a, low, (short) (rest - what));
    for (short i = (short) (low - 1); borrows && i >= at; --i) {
      borrows = a[i] == 0;
      --a[i];
    }
    return true;
  }
}
