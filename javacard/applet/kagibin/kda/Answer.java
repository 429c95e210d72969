// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;

/**
 * The answer to a command, wherever it stands, and what of it waits for GET RESPONSE. Up to Le octets go at a time, 256
 * without one; the rest by 61xx.
 */
final class Answer {
  private static final byte AT = 0;
  private static final byte LEFT = 1;
  private static final short MOST = 256;

  private final Object[] octets = JCSystem.makeTransientObjectArray((short) 1, JCSystem.CLEAR_ON_RESET);
  /** For answers of a few octets, so that they leave a message that is coming in alone. */
  final byte[] small = JCSystem.makeTransientByteArray((short) 16, JCSystem.CLEAR_ON_RESET);
  private final short[] place = JCSystem.makeTransientShortArray((short) 2, JCSystem.CLEAR_ON_RESET);

  void clear() {
    place[LEFT] = 0;
  }

  void set(byte[] from, short at, short size) {
    octets[0] = from;
    place[AT] = at;
    place[LEFT] = size;
  }

  boolean isEmpty() {
    return place[LEFT] == 0;
  }

  short at() {
    return place[AT];
  }

  short size() {
    return place[LEFT];
  }

  void send(APDU apdu) {
    if (isEmpty()) {
      return;
    }
    short le = apdu.setOutgoing();
    short most = le > 0 && le < MOST ? le : MOST;
    short count = place[LEFT] < most ? place[LEFT] : most;
    apdu.setOutgoingLength(count);
    apdu.sendBytesLong((byte[]) octets[0], place[AT], count);
    place[AT] = (short) (place[AT] + count);
    place[LEFT] = (short) (place[LEFT] - count);
    if (!isEmpty()) {
      short left = place[LEFT] < MOST ? place[LEFT] : (short) 0;
      ISOException.throwIt((short) (ISO7816.SW_BYTES_REMAINING_00 | left));
    }
  }

  /** GET RESPONSE. */
  void goOn(APDU apdu, byte[] header) {
    if (isEmpty()) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    if (header[ISO7816.OFFSET_P1] != 0 || header[ISO7816.OFFSET_P2] != 0) {
      ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
    }
    send(apdu);
  }
}
