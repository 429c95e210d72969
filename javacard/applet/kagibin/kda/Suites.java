// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/** What this application offers of what the protocol defines; what is defined and not offered is 6A81, the rest 6A80. */
final class Suites {
  static final byte VERSION = 0x01;
  static final byte SUITE = 0x01;
  static final byte BY_CERTIFICATES = 0x02; // RL2
  static final byte EXCLUSIVE = 0x03; // RL3: as RL1 on the wire, under keys that the provider alone knows
  // Bits of CAPABILITIES and of E1/88.
  static final byte OFFERS_RL1 = 0x01;
  static final byte OFFERS_RL2 = 0x02;
  static final byte OFFERS_RL3 = 0x04;

  private Suites() {}

  static void requireVersion(byte version) {
    if (version != VERSION) {
      ISOException.throwIt(ISO7816.SW_FUNC_NOT_SUPPORTED);
    }
  }

  static void require(byte suite) {
    switch (suite) {
      case SUITE:
        return;
      case 0x02:
      case 0x03:
      case 0x08:
      case 0x10:
      case 0x11:
      case 0x20:
      case 0x21:
        ISOException.throwIt(ISO7816.SW_FUNC_NOT_SUPPORTED);
        break;
      default:
        ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  static void requireLevel(byte level) {
    if (level < 0x01 || level > EXCLUSIVE) {
      ISOException.throwIt(level == 0x00 || level == 0x04 ? ISO7816.SW_FUNC_NOT_SUPPORTED : ISO7816.SW_WRONG_DATA);
    }
  }
}
