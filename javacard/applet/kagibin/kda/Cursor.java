// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;

/**
 * Reads BER-TLV strictly (doc/wire_format.md, 1): definite lengths in the one minimal form, tags of one or two octets, in
 * the order in which the caller expects them. Whatever is otherwise is 6A80.
 *
 * <p>Reads octets of an array, or of the payload of an envelope, which decrypts block by block. Its place is kept in
 * memory that a reset clears; it must be opened before each use.
 */
final class Cursor {
  private static final byte NEXT = 0;
  private static final byte END = 1;
  private static final byte TAG = 2;
  private static final byte START = 3;
  private static final byte VALUE = 4;
  private static final byte LENGTH = 5;
  private static final byte FIELDS = 6;
  static final short ANY_LENGTH = 0x7FFF;

  private final short[] place = JCSystem.makeTransientShortArray(FIELDS, JCSystem.CLEAR_ON_RESET);
  private final Object[] octets = JCSystem.makeTransientObjectArray((short) 1, JCSystem.CLEAR_ON_RESET);
  private final Payload payload;

  /** Of arrays. */
  Cursor() {
    payload = null;
  }

  /** Of a payload. */
  Cursor(Payload opened) {
    payload = opened;
  }

  void open(byte[] buffer, short offset, short length) {
    octets[0] = buffer;
    open(offset, length);
  }

  void open(short offset, short length) {
    place[NEXT] = offset;
    place[END] = (short) (offset + length);
  }

  private byte at(short offset) {
    return payload == null ? ((byte[]) octets[0])[offset] : payload.at(offset);
  }

  boolean isEmpty() {
    return place[NEXT] == place[END];
  }

  short next() {
    return place[NEXT];
  }

  short left() {
    return (short) (place[END] - place[NEXT]);
  }

  private byte take() {
    if (isEmpty()) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    return at(place[NEXT]++);
  }

  private short takeLength() {
    short first = (short) (take() & 0xFF);
    if (first < 0x80) {
      return first;
    }
    short length = (short) (take() & 0xFF);
    if (first == 0x81 && length >= 0x80) {
      return length;
    }
    if (first != 0x82 || length == 0 || length > 0x7F) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    return (short) ((short) (length << 8) | (short) (take() & 0xFF));
  }

  /** The next data object, whatever it is. */
  void read() {
    place[START] = place[NEXT];
    short tag = (short) (take() & 0xFF);
    if ((short) (tag & 0x1F) == 0x1F) {
      short second = (short) (take() & 0xFF);
      if (second < 0x1F || second > 0x7F) {
        ISOException.throwIt(ISO7816.SW_WRONG_DATA);
      }
      tag = (short) ((short) (tag << 8) | second);
    }
    short length = takeLength();
    if (length > left()) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    place[TAG] = tag;
    place[VALUE] = place[NEXT];
    place[LENGTH] = length;
    place[NEXT] = (short) (place[NEXT] + length);
  }

  /** The next data object, which has this tag and a length within limits. Answers where its value starts. */
  short expect(short tag, short least, short most) {
    read();
    if (place[TAG] != tag || place[LENGTH] < least || place[LENGTH] > most) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    return place[VALUE];
  }

  short expect(short tag, short length) {
    return expect(tag, length, length);
  }

  byte expectByte(short tag) {
    return at(expect(tag, (short) 1));
  }

  /** Whether the next data object has this tag; then it is read, and its length within limits. */
  boolean optional(short tag, short least, short most) {
    if (isEmpty()) {
      return false;
    }
    short before = place[NEXT];
    read();
    if (place[TAG] != tag) {
      place[NEXT] = before;
      return false;
    }
    if (place[LENGTH] < least || place[LENGTH] > most) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    return true;
  }

  void finish() {
    if (!isEmpty()) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  /** Of the data object read last. */
  short tag() {
    return place[TAG];
  }

  short value() {
    return place[VALUE];
  }

  short length() {
    return place[LENGTH];
  }

  /** Where its tag stands. */
  short start() {
    return place[START];
  }

  /** With tag and length. */
  short size() {
    return (short) (place[NEXT] - place[START]);
  }
}
