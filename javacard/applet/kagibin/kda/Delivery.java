// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/** NEXT and STATUS: finds the slot, keeps the one session that is under way (kagibin/se/kda/kda_delivery.h). */
final class Delivery {
  private static final short MOST_ANSWER = 960;

  private final Engines engines;
  private final Store store;
  private final Loading loading;
  private final Receipting receipting;
  private final NextAnswer out;
  private final TargetSession session;
  private final Cursor cursor;

  Delivery(Engines all, Store memory, Loading loader, Receipting receipts, Answer answer, Scp11 scp11) {
    engines = all;
    cursor = all.cursor;
    store = memory;
    loading = loader;
    receipting = receipts;
    out = new NextAnswer(all.ram, answer);
    session = new TargetSession(all, receipts, out, scp11);
  }

  /** Before anything else changes a slot. */
  void drop() {
    session.drop();
  }

  boolean hasSession() {
    return session.isActive();
  }

  /** {@code 83 10 handle | D3 02 SW | D4 data}, D3 and D4 both or neither, at the start of the exchange memory. */
  void next(short size) {
    byte[] message = engines.ram.exchange;
    cursor.open(message, (short) 0, size);
    short handle = cursor.expect((short) 0x83, (short) 16);
    boolean hasLast = !cursor.isEmpty();
    short sw = 0;
    short data = 0;
    short length = 0;
    if (hasLast) {
      sw = Util.getShort(message, cursor.expect((short) 0xD3, (short) 2));
      data = cursor.expect((short) 0xD4, (short) 0, MOST_ANSWER);
      length = cursor.length();
    }
    cursor.finish();
    boolean isGoing = false;
    try {
      if (hasLast && session.isFor(message, handle)) {
        session.answered(sw, data, length);
      } else {
        session.drop();
        begin(message, handle);
      }
      isGoing = !out.isHint();
    } finally {
      if (!isGoing) {
        session.drop();
      }
    }
  }

  private void begin(byte[] message, short handle) {
    Slot slot = store.find(message, handle);
    if (slot == null) {
      if (store.receipts.find(message, handle) == null) {
        ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
      }
      out.hint(NextAnswer.DONE);
      return;
    }
    if (Journal.isFinal(slot.state())) {
      out.hint(NextAnswer.DONE);
      return;
    }
    if (!Journal.isDelivering(slot.journal)) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    receipting.open(slot);
    if (!Journal.hasBegun(slot.journal) && !loading.isStillAccepted(slot)) {
      byte[] work = engines.ram.work;
      Util.arrayCopyNonAtomic(slot.journal, (short) 0, work, (short) 0, Journal.SIZE);
      work[Journal.STATE] = Journal.REFUSED;
      receipting.closeRefused(slot, work);
      out.hint(NextAnswer.DONE);
      return;
    }
    session.begin(slot);
  }

  /** {@code 80 01 state | 81 01 key-bearing sessions left}. 6A88: no such handle. */
  void status(byte[] handle, short at, Answer answer) {
    Slot slot = store.find(handle, at);
    byte state = Journal.SUPERSEDED;
    byte left = 0;
    if (slot != null) {
      state = slot.state();
      if (session.isFor(handle, at)) {
        state = session.shownState();
      } else if (state == Journal.SENT) {
        state = Journal.UNKNOWN;
      }
      if (!Journal.isFinal(state)) {
        left = (byte) (Journal.MOST_SESSIONS - slot.journal[Journal.SESSIONS]);
      }
    } else if (store.receipts.find(handle, at) == null) {
      ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
    }
    short end = Tlv.put(answer.small, (short) 0, (byte) 0x80, state);
    end = Tlv.put(answer.small, end, (byte) 0x81, left);
    answer.set(answer.small, (short) 0, end);
  }
}
