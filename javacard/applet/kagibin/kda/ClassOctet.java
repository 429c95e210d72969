// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/** The class octet (ISO/IEC 7816-4, 5.4.1; GPCS 11.1.4), brought to channel 0 in the form of the first four channels. */
final class ClassOctet {
  private static final byte PROPRIETARY = (byte) 0x80;
  private static final byte FURTHER = 0x40;
  private static final byte CHAINING = 0x10;
  private static final byte SECURE = 0x04;

  private ClassOctet() {}

  /** 6E00 for a class that is reserved, 6882 for one that asks for secure messaging of ISO/IEC 7816-4. */
  static byte plain(byte cla) {
    byte kept = (byte) (cla & (PROPRIETARY | CHAINING));
    if (cla == (byte) 0xFF) {
      ISOException.throwIt(ISO7816.SW_CLA_NOT_SUPPORTED);
    }
    if ((byte) (cla & FURTHER) != 0) {
      return (byte) (cla & 0x20) != 0 ? (byte) (kept | SECURE) : kept;
    }
    if ((byte) (cla & 0x28) != 0) {
      boolean isReserved = (byte) (cla & 0x20) != 0;
      ISOException.throwIt(isReserved ? ISO7816.SW_CLA_NOT_SUPPORTED : Status.SECURE_MESSAGING_NOT_SUPPORTED);
    }
    return (byte) (kept | (cla & SECURE));
  }

  static boolean isProprietary(byte cla) {
    return cla < 0;
  }

  static boolean isChained(byte cla) {
    return (byte) (cla & CHAINING) != 0;
  }

  static boolean isSecure(byte cla) {
    return (byte) (cla & SECURE) != 0;
  }
}
