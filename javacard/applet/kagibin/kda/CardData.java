// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * What GET DATA 0066 answers: the card data (GPCS H.2), which say how a channel to the card's domains is opened, and which
 * hosts ask for with whatever application is selected. No interface of a card tells an applet; whoever installs it read
 * them, and gives the whole data object, 66 and its length in one octet, behind the number of pairs.
 */
final class CardData {
  private static final byte TAG = 0x66;
  private static final byte GET_DATA = (byte) 0xCA;

  private final byte[] object; // empty when none was given

  /** 6A80 for anything that is no data object 66. */
  CardData(byte[] from, short at, short size) {
    boolean isObject = size >= 2 && from[at] == TAG && from[(short) (at + 1)] == (byte) (size - 2);
    if (size != 0 && !isObject) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    object = new byte[size];
    if (size != 0) {
      Util.arrayCopyNonAtomic(from, at, object, (short) 0, size);
    }
  }

  /** {@code cla}: without its channel. */
  boolean areAskedFor(byte[] header, byte cla) {
    return object.length > 0 && (byte) (cla & 0x7F) == 0 && header[ISO7816.OFFSET_INS] == GET_DATA
        && header[ISO7816.OFFSET_P1] == 0 && header[ISO7816.OFFSET_P2] == TAG;
  }

  void tell(Answer answer) {
    answer.set(object, (short) 0, (short) object.length);
  }
}
