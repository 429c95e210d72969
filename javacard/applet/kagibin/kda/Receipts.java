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

  private final Receipt[] places;

  Receipts(short slots) {
    places = new Receipt[(short) (slots * MOST_OF_SLOT + 1)];
    for (short i = 0; i < places.length; ++i) {
      places[i] = new Receipt();
    }
  }

  /** This handle's receipt, null when there is none. */
  Receipt find(byte[] handle, short at) {
    for (short i = 0; i < places.length; ++i) {
      Receipt place = places[i];
      if (place.isInForce() && Numbers.equal(place.octets, Receipt.HANDLE, handle, at, (short) 16)) {
        return place;
      }
    }
    return null;
  }

  short countOf(short slot) {
    short count = 0;
    for (short i = 0; i < places.length; ++i) {
      count += places[i].isOf(slot) ? (short) 1 : (short) 0;
    }
    return count;
  }

  /** A place that is not in force, with this content; {@code putInForce} follows in a transaction. */
  Receipt write(short slot, byte[] handle, short handleAt, byte[] counter, short counterAt, byte[] e3, short at,
      short size) {
    Receipt place = null;
    for (short i = 0; i < places.length; ++i) {
      if (!places[i].isInForce()) {
        place = places[i];
      }
    }
    place.octets[Receipt.SLOT] = (byte) slot;
    Util.arrayCopyNonAtomic(handle, handleAt, place.octets, Receipt.HANDLE, (short) 16);
    Util.arrayCopyNonAtomic(counter, counterAt, place.octets, Receipt.COUNTER, (short) 4);
    place.write(e3, at, size);
    return place;
  }

  /** In a transaction: the handle's earlier receipt gives way. */
  void putInForce(Receipt place) {
    Receipt before = find(place.octets, Receipt.HANDLE);
    if (before != null) {
      before.octets[Receipt.IN_FORCE] = 0;
    }
    place.octets[Receipt.IN_FORCE] = 1;
  }

  /** The receipt of this slot whose E3 has this hash, null when none has it. */
  Receipt named(short slot, byte[] hash, short at, MessageDigest sha, byte[] work) {
    Receipt found = null;
    for (short i = 0; i < places.length; ++i) {
      Receipt place = places[i];
      if (place.isOf(slot)) {
        sha.doFinal(place.octets, Receipt.E3, place.size(), work, Ram.HASH);
        if (Numbers.equal(work, Ram.HASH, hash, at, (short) 32)) {
          found = place;
        }
      }
    }
    return found;
  }

  /** How many receipts this one acknowledges, itself among them. */
  short countUpTo(short slot, Receipt last) {
    short count = 0;
    for (short i = 0; i < places.length; ++i) {
      count += places[i].isUpTo(last, slot) ? (short) 1 : (short) 0;
    }
    return count;
  }

  /** In a transaction: this one and every older one of the slot go. */
  void acknowledge(short slot, Receipt last) {
    for (short i = 0; i < places.length; ++i) {
      if (places[i] != last && places[i].isUpTo(last, slot)) {
        places[i].octets[Receipt.IN_FORCE] = 0;
      }
    }
    last.octets[Receipt.IN_FORCE] = 0;
  }
}
