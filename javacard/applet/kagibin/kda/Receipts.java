// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;
import javacard.security.MessageDigest;

/**
 * Receipts that wait to be acknowledged: eight for each slot and one place more, in which the next one is written before
 * a transaction puts it in force.
 */
final class Receipts {
  static final byte MOST_OF_SLOT = 8;
  private static final short E3 = 288;
  private static final short IN_FORCE = 0;
  private static final short SLOT = 1;
  private static final short HANDLE = 2; // 16
  private static final short COUNTER = 18; // 4, of the application, as E3 states it: tells older from newer
  private static final short SIZE = 22; // 2
  static final short OCTETS = 24;
  private static final short PLACE = (short) (OCTETS + E3);

  private final byte[][] places;

  Receipts(short slots) {
    places = new byte[(short) (slots * MOST_OF_SLOT + 1)][];
    for (short i = 0; i < places.length; ++i) {
      places[i] = new byte[PLACE];
    }
  }

  /** The place of this handle's receipt, null when there is none. */
  byte[] find(byte[] handle, short at) {
    for (short i = 0; i < places.length; ++i) {
      byte[] place = places[i];
      if (place[IN_FORCE] != 0 && Numbers.equal(place, HANDLE, handle, at, (short) 16)) {
        return place;
      }
    }
    return null;
  }

  static short size(byte[] place) {
    return Util.getShort(place, SIZE);
  }

  short countOf(short slot) {
    short count = 0;
    for (short i = 0; i < places.length; ++i) {
      if (places[i][IN_FORCE] != 0 && places[i][SLOT] == slot) {
        ++count;
      }
    }
    return count;
  }

  /** A place that is not in force, with this content; {@code putInForce} follows in a transaction. */
  byte[] write(short slot, byte[] handle, short handleAt, byte[] counter, short counterAt, byte[] e3, short at,
      short size) {
    byte[] place = null;
    for (short i = 0; i < places.length; ++i) {
      if (places[i][IN_FORCE] == 0) {
        place = places[i];
      }
    }
    place[SLOT] = (byte) slot;
    Util.arrayCopyNonAtomic(handle, handleAt, place, HANDLE, (short) 16);
    Util.arrayCopyNonAtomic(counter, counterAt, place, COUNTER, (short) 4);
    Util.setShort(place, SIZE, size);
    Util.arrayCopyNonAtomic(e3, at, place, OCTETS, size);
    return place;
  }

  /** In a transaction: the handle's earlier receipt gives way. */
  void putInForce(byte[] place) {
    byte[] before = find(place, HANDLE);
    if (before != null) {
      before[IN_FORCE] = 0;
    }
    place[IN_FORCE] = 1;
  }

  /** The receipt of this slot whose E3 has this hash, null when none has it. */
  byte[] named(short slot, byte[] hash, short at, MessageDigest sha, byte[] work) {
    byte[] found = null;
    for (short i = 0; i < places.length; ++i) {
      byte[] place = places[i];
      if (place[IN_FORCE] != 0 && place[SLOT] == slot) {
        sha.doFinal(place, OCTETS, size(place), work, Ram.HASH);
        if (Numbers.equal(work, Ram.HASH, hash, at, (short) 32)) {
          found = place;
        }
      }
    }
    return found;
  }

  /** How many receipts this one acknowledges, itself among them. */
  short countUpTo(short slot, byte[] last) {
    short count = 0;
    for (short i = 0; i < places.length; ++i) {
      count += isUpTo(places[i], slot, last) ? (short) 1 : (short) 0;
    }
    return count;
  }

  /** In a transaction: this one and every older one of the slot go. */
  void acknowledge(short slot, byte[] last) {
    for (short i = 0; i < places.length; ++i) {
      if (places[i] != last && isUpTo(places[i], slot, last)) {
        places[i][IN_FORCE] = 0;
      }
    }
    last[IN_FORCE] = 0;
  }

  private static boolean isUpTo(byte[] place, short slot, byte[] last) {
    return place[IN_FORCE] != 0 && place[SLOT] == slot
        && Numbers.compare(place, COUNTER, last, COUNTER, (short) 4) <= 0;
  }
}
