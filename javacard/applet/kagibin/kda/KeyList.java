// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * Key information, GET DATA 00E0 (GPCS 11.3.3.1), read as strictly as the native application does: E0 { C0 { KID | KVN |
 * components } ... }, a key in the basic format or in the extended one.
 */
final class KeyList {
  private static final byte EXTENDED = (byte) 0xFF;

  private final Cursor list;
  private final byte[] octets;

  KeyList(Engines engines) {
    octets = engines.ram.exchange;
    list = engines.cursor;
  }

  /** Throws 6A80 when it is none. */
  void read(short at, short size) {
    list.open(octets, at, size);
    short value = list.expect((short) 0xE0, (short) 0, Cursor.ANY_LENGTH);
    short length = list.length();
    list.finish();
    list.open(octets, value, length);
    while (!list.isEmpty()) {
      list.expect((short) 0xC0, (short) 4, (short) 407);
      if (!isEntry(list.value(), list.length())) {
        ISOException.throwIt(ISO7816.SW_WRONG_DATA);
      }
    }
    list.open(octets, value, length);
  }

  private boolean isEntry(short at, short size) {
    short end = (short) (at + size);
    short next = (short) (at + 2);
    if (octets[next] != EXTENDED) {
      while (next < end && octets[next] != EXTENDED && (short) (end - next) >= 2) {
        next = (short) (next + 2);
      }
      return next == end && size <= 202;
    }
    while (next < end && octets[next] == EXTENDED && (short) (end - next) >= 4) {
      next = (short) (next + 4);
    }
    return next < end && octets[next] >= 0 && isPolicy(next, end);
  }

  /** Usage of up to two octets, access of up to one, each behind its length. */
  private boolean isPolicy(short next, short end) {
    short usage = octets[next];
    short access = (short) (next + 1 + usage);
    if (usage > 2 || access >= end || octets[access] < 0 || octets[access] > 1) {
      return false;
    }
    return (short) (access + 1 + octets[access]) == end;
  }

  /** Goes to the next key; false when there is none. */
  private boolean next() {
    if (list.isEmpty()) {
      return false;
    }
    list.read();
    return true;
  }

  /** How many of the keys from {@code first} on, {@code count} of them, are there in a version. */
  short count(byte version, byte first, short count) {
    short there = 0;
    short start = list.next();
    short size = list.left();
    for (short i = 0; i < count; ++i) {
      boolean isThere = false;
      list.open(octets, start, size);
      while (next()) {
        short at = list.value();
        isThere = isThere || (octets[at] == (byte) (first + i) && octets[(short) (at + 1)] == version);
      }
      there += isThere ? (short) 1 : (short) 0;
    }
    list.open(octets, start, size);
    return there;
  }

  boolean holds(byte version) {
    boolean isThere = false;
    short start = list.next();
    short size = list.left();
    while (next()) {
      isThere = isThere || octets[(short) (list.value() + 1)] == version;
    }
    list.open(octets, start, size);
    return isThere;
  }

  /** The highest version up to 7F: FF is a factory set. */
  byte highestVersion() {
    byte highest = 0;
    short start = list.next();
    short size = list.left();
    while (next()) {
      byte version = octets[(short) (list.value() + 1)];
      highest = version > highest ? version : highest;
    }
    list.open(octets, start, size);
    return highest;
  }
}
