// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;

/**
 * What an open payload asks for (doc/wire_format.md, 5): up to eight actions, the channel's keys, Kr. {@code read} checks
 * all of it, and that every action can be sent at all; afterwards the places are known and nothing is checked again.
 *
 * <p>Key offsets are into the payload; keys are copied out only to be used.
 */
final class Actions {
  static final byte MOST = 8;
  static final byte PUT_KEY = (byte) 0xA1;
  static final byte STORE_DATA = (byte) 0xA2;
  static final byte DELETE_KEY = (byte) 0xA3;
  static final byte COMMAND = (byte) 0xA4;

  private static final byte COUNT = 16;
  private static final byte CHANNEL = 17; // value of C1; 0: none
  private static final byte RECEIPT_KEY = 18;
  private static final byte PLACES = 19;

  final Payload payload;
  private final Cursor outer;
  private final Cursor inner;
  private final Cursor deepest;
  // 0..7 where an action's value starts, 8..15 where it ends
  private final short[] places = JCSystem.makeTransientShortArray(PLACES, JCSystem.CLEAR_ON_RESET);
  private final byte[] kinds = JCSystem.makeTransientByteArray(MOST, JCSystem.CLEAR_ON_RESET);

  Actions(Payload opened) {
    payload = opened;
    outer = new Cursor(opened);
    inner = new Cursor(opened);
    deepest = new Cursor(opened);
  }

  /**
   * Throws 6A80 when anything is not as it has to be. {@code version}: of the key or keys that open the channel, as the
   * header says it. By certificates there is no C1, and no action may touch that version: it opens the channel again.
   */
  void read(byte version, boolean isByCertificates) {
    outer.open((short) 0, payload.length());
    outer.expect((short) 0xC0, (short) 1, Cursor.ANY_LENGTH);
    readActions(outer.value(), outer.length());
    places[CHANNEL] = 0;
    if (isByCertificates) {
      requireUntouched(version);
    } else {
      outer.expect((short) 0xC1, (short) 1, Cursor.ANY_LENGTH);
      readChannelKeys(outer.value(), outer.length(), version);
    }
    places[RECEIPT_KEY] = outer.expect((short) 0xC2, (short) 16);
    outer.finish();
  }

  private void readActions(short at, short octets) {
    places[COUNT] = 0;
    inner.open(at, octets);
    while (!inner.isEmpty()) {
      inner.read();
      short number = places[COUNT];
      require(number < MOST && inner.tag() >= 0xA1 && inner.tag() <= 0xA4);
      kinds[number] = (byte) inner.tag();
      places[number] = inner.value();
      places[(short) (MOST + number)] = inner.next();
      places[COUNT] = (short) (number + 1);
      deepest.open(inner.value(), inner.length());
      switch (kinds[number]) {
        case PUT_KEY:
          checkPutKey();
          break;
        case STORE_DATA:
          checkStoreData();
          break;
        case DELETE_KEY:
          require(isVersion(deepest.expectByte((short) 0x80)));
          break;
        default:
          checkCommand();
      }
      deepest.finish();
    }
    require(places[COUNT] > 0);
  }

  private void checkPutKey() {
    require(deepest.expectByte((short) 0x80) >= 0);
    require(isVersion(deepest.expectByte((short) 0x81)));
    short identifier = deepest.expectByte((short) 0x82);
    short keys = 0;
    while (!deepest.isEmpty()) {
      short at = deepest.expect((short) 0xA0, (short) 1, Cursor.ANY_LENGTH);
      require(deepest.length() >= 26);
      short size = payload.number((short) (at + 4)); // 80 01 88 | 81 size key | 82 03 KCV
      boolean isKey = deepest.length() == (short) (size + 10) && payload.at(at) == (byte) 0x80
          && payload.at((short) (at + 1)) == 1 && payload.at((short) (at + 2)) == (byte) 0x88
          && payload.at((short) (at + 3)) == (byte) 0x81 && Aes.isKeySize(size)
          && payload.at((short) (at + 5 + size)) == (byte) 0x82 && payload.at((short) (at + 6 + size)) == 3;
      require(isKey);
      ++keys;
    }
    require(keys >= 1 && keys <= 3 && identifier >= 1 && (short) (identifier + keys - 1) <= 0x7F);
  }

  private void checkStoreData() {
    deepest.optional((short) 0x80, (short) 5, (short) 16);
    byte flags = deepest.expectByte((short) 0x81);
    require(flags == 0 || flags == 1);
    short at = deepest.expect((short) 0x82, (short) 3, (short) 900);
    short end = (short) (at + deepest.length());
    while (at < end) {
      require((short) (end - at) >= 3);
      short first = payload.number((short) (at + 2));
      require(first < 0xFF || ((short) (end - at) >= 5 && groupLength(at) >= 0xFF));
      require(groupLength(at) <= (short) (end - groupValue(at)));
      at = (short) (groupValue(at) + groupLength(at));
    }
    checkProbe();
  }

  private void checkCommand() {
    short at = deepest.expect((short) 0x80, (short) 4);
    require(isPlainClass(payload.at(at)));
    deepest.expect((short) 0x81, (short) 0, (short) 223);
    checkProbe();
  }

  private void checkProbe() {
    if (!deepest.optional((short) 0x83, (short) 4, (short) 229)) {
      return;
    }
    short at = deepest.value();
    short octets = deepest.length();
    boolean isShort = octets <= 5;
    if (!isShort) {
      short data = payload.number((short) (at + 4));
      isShort = data > 0 && (octets == (short) (5 + data) || octets == (short) (6 + data));
    }
    require(isShort && isPlainClass(payload.at(at)));
  }

  /** On channel 0, without secure messaging and chaining. */
  private static boolean isPlainClass(byte cla) {
    return (byte) (cla & 0x7F) == 0;
  }

  private void readChannelKeys(short at, short octets, byte version) {
    deepest.open(at, octets);
    byte own = deepest.expectByte((short) 0x80);
    deepest.expect((short) 0x81, (short) 16, (short) 32);
    short size = deepest.length();
    deepest.expect((short) 0x82, size);
    deepest.expect((short) 0x83, size);
    deepest.finish();
    require(isVersion(own) && own == version && Aes.isKeySize(size));
    places[CHANNEL] = at;
  }

  private void requireUntouched(byte version) {
    for (short action = 0; action < count(); ++action) {
      boolean isTouched = kinds[action] == PUT_KEY
          ? oldVersion(action) == version || newVersion(action) == version
          : kinds[action] == DELETE_KEY && deletedVersion(action) == version;
      require(!isTouched);
    }
  }

  private static void require(boolean holds) {
    if (!holds) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  private static boolean isVersion(byte number) {
    return number >= 0x01;
  }

  short count() {
    return places[COUNT];
  }

  byte kind(short action) {
    return kinds[action];
  }

  short value(short action) {
    return places[action];
  }

  short end(short action) {
    return places[(short) (MOST + action)];
  }

  boolean hasProbe(short action) {
    return (kinds[action] == STORE_DATA || kinds[action] == COMMAND) && find(action, (short) 0x83) != null;
  }

  /** Whether the target is sent anything that the provider wrote itself: a COMMAND, a probe. */
  boolean haveOwnCommand() {
    for (short action = 0; action < count(); ++action) {
      if (kinds[action] == COMMAND || hasProbe(action)) {
        return true;
      }
    }
    return false;
  }

  /** Of PUT KEY. */
  byte oldVersion(short action) {
    return payload.at((short) (places[action] + 2));
  }

  byte newVersion(short action) {
    return payload.at((short) (places[action] + 5));
  }

  byte firstIdentifier(short action) {
    return payload.at((short) (places[action] + 8));
  }

  /** Where key {@code index} starts (its length octet is one before); 0 when there is none. */
  short key(short action, short index) {
    short at = (short) (places[action] + 9);
    while (at < end(action)) {
      short key = (short) (at + 7); // A0 xx 80 01 88 81 xx
      if (index-- == 0) {
        return key;
      }
      at = (short) (key + keySize(key) + 5);
    }
    return 0;
  }

  short keySize(short key) {
    return payload.number((short) (key - 1));
  }

  /** Of DELETE KEY. */
  byte deletedVersion(short action) {
    return payload.at((short) (places[action] + 2));
  }

  /** Whether there is C1. */
  boolean haveChannelKeys() {
    return places[CHANNEL] != 0;
  }

  /** The channel's version, its Key-ENC, Key-MAC and Key-DEK. */
  byte channelVersion() {
    return payload.at((short) (places[CHANNEL] + 2));
  }

  short channelKey(short index) {
    short size = payload.number((short) (places[CHANNEL] + 4));
    return (short) (places[CHANNEL] + 5 + (short) (index * (short) (size + 2)));
  }

  short receiptKey() {
    return places[RECEIPT_KEY];
  }

  /** Of a data group of STORE DATA: DGI (2) | length (1, or FF and 2) | value. */
  short groupLength(short group) {
    short first = payload.number((short) (group + 2));
    return first < 0xFF ? first
        : (short) ((short) (payload.number((short) (group + 3)) << 8) | payload.number((short) (group + 4)));
  }

  short groupValue(short group) {
    return (short) (group + (payload.number((short) (group + 2)) < 0xFF ? 3 : 5));
  }

  /** The data object with this tag in an action, tags of one octet, in order; its value through the cursor. */
  Cursor find(short action, short tag) {
    deepest.open(places[action], (short) (end(action) - places[action]));
    while (!deepest.isEmpty()) {
      deepest.read();
      if (deepest.tag() == tag) {
        return deepest;
      }
    }
    return null;
  }
}
