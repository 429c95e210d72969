// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISOException;

/** All that lasts, allocated at install: nothing grows afterwards. */
final class Store {
  static final byte MOST_TARGETS_OF_PROVIDER = 4;

  final Identity identity = new Identity();
  final Trust trust = new Trust();
  final Receipts receipts;
  final Slot[] slots;
  Attempt spare = new Attempt();
  private final Attempt[] reserve; // what a slot that is still free gives for its first attempt

  Store(short count) {
    slots = new Slot[count];
    for (short i = 0; i < count; ++i) {
      slots[i] = new Slot();
    }
    reserve = new Attempt[count];
    for (short i = 0; i < count; ++i) {
      reserve[i] = new Attempt();
    }
    receipts = new Receipts(count);
  }

  /** The slot that serves this handle, null when none does. */
  Slot find(byte[] handle, short at) {
    for (short i = 0; i < slots.length; ++i) {
      Attempt attempt = slots[i].attempt;
      if (attempt != null && Numbers.equal(attempt.head, Attempt.HANDLE, handle, at, (short) 16)) {
        return slots[i];
      }
    }
    return null;
  }

  Slot find(byte[] spid, short spidAt, byte[] target, short targetAt, short size) {
    for (short i = 0; i < slots.length; ++i) {
      if (slots[i].isOf(spid, spidAt, target, targetAt, size)) {
        return slots[i];
      }
    }
    return null;
  }

  /** Whether this is a CERT.SD that counts now, on the word of the maker that certified this instance. */
  boolean acceptsDomain(Certificate certificate, byte[] octets) {
    return trust.accepts(certificate, octets, Certificate.SECURITY_DOMAIN)
        && Numbers.equal(octets, certificate.makerKey(), identity.record, Identity.MAKER_KEY, (short) 32);
  }

  short numberOf(Slot slot) {
    short i = 0;
    while (slots[i] != slot) {
      ++i;
    }
    return i;
  }

  /** A slot for a new (SPID, target); 6A84 when the provider or the card has none left. */
  Slot free(byte[] spid, short at) {
    Slot free = null;
    short ofProvider = 0;
    for (short i = 0; i < slots.length; ++i) {
      if (slots[i].attempt == null) {
        free = free == null ? slots[i] : free;
      } else if (slots[i].isOfProvider(spid, at)) {
        ++ofProvider;
      }
    }
    if (free == null || ofProvider >= MOST_TARGETS_OF_PROVIDER) {
      ISOException.throwIt(Status.NOT_ENOUGH_MEMORY);
    }
    return free;
  }

  /** A slot of the same provider other than this one, null when there is none. */
  Slot sibling(Slot slot, byte[] spid, short at) {
    for (short i = 0; i < slots.length; ++i) {
      if (slots[i] != slot && slots[i].isOfProvider(spid, at)) {
        return slots[i];
      }
    }
    return null;
  }

  /**
   * The slot that counts for this one's provider: its first, for slots are taken in order and for good; this one, while
   * it is the provider's first.
   */
  Slot counting(Slot slot) {
    for (short i = 0; i < slots.length; ++i) {
      if (slots[i].isOfProvider(slot.record, Slot.SPID)) {
        return slots[i];
      }
    }
    return slot;
  }

  /** In a transaction: the spare attempt comes into force in this slot, and the one before it becomes the spare. */
  void exchange(Slot slot) {
    Attempt before = slot.attempt == null ? reserve[numberOf(slot)] : slot.attempt;
    slot.attempt = spare;
    spare = before;
  }

  /** In a transaction: the spare's message comes into force in this slot's attempt. */
  void exchangeMessage(Slot slot) {
    byte[] before = slot.attempt.message;
    slot.attempt.message = spare.message;
    spare.message = before;
  }
}
