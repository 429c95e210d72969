// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;

/** The place of one receipt: E3, whose it is, and whether it is in force. */
final class Receipt {
  static final short IN_FORCE = 0;
  static final short SLOT = 1;
  static final short HANDLE = 2; // 16
  static final short COUNTER = 18; // 4, of the provider, as E3 states it: tells older from newer
  private static final short SIZE = 22; // 2
  static final short E3 = 24;
  private static final short MOST = 288;

  final byte[] octets = new byte[(short) (E3 + MOST)];

  boolean isInForce() {
    return octets[IN_FORCE] != 0;
  }

  boolean isOf(short slot) {
    return isInForce() && octets[SLOT] == slot;
  }

  /** Its number. */
  short slot() {
    return octets[SLOT];
  }

  /** Of E3. */
  short size() {
    return Util.getShort(octets, SIZE);
  }

  void write(byte[] e3, short at, short size) {
    Util.setShort(octets, SIZE, size);
    Util.arrayCopyNonAtomic(e3, at, octets, E3, size);
  }

  /** Of the same slot, and not newer than that one. */
  boolean isUpTo(Receipt last, short slot) {
    return isOf(slot) && Numbers.compare(octets, COUNTER, last.octets, COUNTER, (short) 4) <= 0;
  }
}
