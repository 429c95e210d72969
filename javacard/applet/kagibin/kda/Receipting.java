// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Receipts (E3): GET RECEIPT, CANCEL, and the end of a slot (kagibin/se/kda/records/kda_receipts.h). A final one is made
 * before the transaction that ends the slot and comes into force in it.
 */
final class Receipting {
  static final byte INSTALLED = 0;
  static final byte INSTALLED_BY_PROBE = 1;
  static final byte PROVED_ABSENT = 2;
  static final byte RESULT_UNKNOWN = 3;
  static final byte REFUSED_BEFORE_OPENING = 4;
  static final byte CHANNEL_KEYS_REFUSED = 5;
  static final byte RESULT_CANCELLED = 6;
  private static final short COUNT = 8; // of results

  final Envelope envelope;
  private final Store store;
  private final Request request;
  private final Engines engines;
  private final ReceiptWriter writer;
  private final byte[] results = JCSystem.makeTransientByteArray((short) 9, JCSystem.CLEAR_ON_RESET);

  Receipting(Engines all, Store memory, Request reader) {
    engines = all;
    store = memory;
    request = reader;
    envelope = new Envelope(all);
    writer = new ReceiptWriter(all, memory);
  }

  private void setOne(byte result) {
    results[0] = result;
    results[COUNT] = 1;
  }

  /** The proved results, then {@code rest} for the actions that follow. */
  private void setWithRest(byte[] journal, byte rest) {
    Util.arrayFillNonAtomic(results, (short) 0, COUNT, rest);
    Util.arrayCopyNonAtomic(journal, Journal.RESULTS, results, (short) 0, journal[Journal.PROVED]);
    results[COUNT] = journal[Journal.ACTIONS];
  }

  /** Opens the envelope of a slot that is delivering. 6400 when the memory is damaged. */
  void open(Slot slot) {
    Attempt attempt = slot.attempt;
    envelope.read(attempt.message, (short) 0, Util.getShort(attempt.head, Attempt.MESSAGE_SIZE));
    if (!envelope.open(attempt, true)) {
      ISOException.throwIt(Status.NO_DIAGNOSIS);
    }
  }

  boolean isOpenFor(Slot slot) {
    return envelope.actions.payload.isOpen() && envelope.octets() == slot.attempt.message;
  }

  /** E3 under a handle. 6A88: no such handle, or acknowledged. 6985: nothing to tell yet. */
  void get(byte[] handle, short at, Blocks blocks, Answer answer) {
    Slot slot = store.find(handle, at);
    Receipt kept = store.receipts.find(handle, at);
    if (slot != null && !Journal.isFinal(slot.state())) {
      setInterim(slot.journal);
      if (kept == null || !writer.tells(kept, slot.journal, results)) {
        blocks.drop();
        kept = makeInterim(slot);
      }
    }
    if (kept == null) {
      ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
    }
    answer.set(kept.octets, Receipt.E3, kept.size());
  }

  private void setInterim(byte[] journal) {
    boolean isToldNothing = false;
    if (journal[Journal.STATE] == Journal.ENROLLED) {
      setOne(REFUSED_BEFORE_OPENING);
      isToldNothing = journal[Journal.REFUSALS] == 0;
    } else if (Journal.hasBegun(journal)) {
      setWithRest(journal, RESULT_UNKNOWN);
    } else {
      setOne(CHANNEL_KEYS_REFUSED);
      isToldNothing = journal[Journal.CHANNEL_REFUSED] == 0;
    }
    if (isToldNothing) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
  }

  private Receipt makeInterim(Slot slot) {
    boolean isOpened = Journal.isDelivering(slot.journal);
    if (isOpened && !isOpenFor(slot)) {
      open(slot);
    }
    Receipt place = writer.write(slot, slot.journal, results, isOpened ? envelope.actions : null);
    JCSystem.beginTransaction();
    writer.putInForce(place);
    JCSystem.commitTransaction();
    return place;
  }

  /** Ends a slot of which nothing has left with the receipt 04. {@code journal}: as it ends. */
  void closeRefused(Slot slot, byte[] journal) {
    setOne(REFUSED_BEFORE_OPENING);
    // The work memory is the writer's: the journal goes where the slot keeps it, in the transaction.
    Util.arrayCopyNonAtomic(journal, (short) 0, engines.ram.exchange, (short) (Ram.EXCHANGE - Journal.SIZE), Journal.SIZE);
    close(slot, engines.ram.exchange, (short) (Ram.EXCHANGE - Journal.SIZE), null);
  }

  /** The end that a session came to: its journal is final. */
  void closeSession(Slot slot, byte[] journal, byte rest, byte highestVersion) {
    setWithRest(journal, rest);
    Receipt place = writer.write(slot, journal, results, envelope.actions);
    JCSystem.beginTransaction();
    if (journal[Journal.STATE] == Journal.DONE) {
      Util.arrayCopy(journal, Journal.SEQ, slot.record, Slot.COMMITTED_SEQ, (short) 4);
      // RL2 and RL3 are of one height: what stands behind either is the floor of RL2.
      byte floor = journal[Journal.LEVEL] == Suites.EXCLUSIVE ? Suites.BY_CERTIFICATES : journal[Journal.LEVEL];
      if (slot.record[Slot.LEVEL_FLOOR] < floor) {
        slot.record[Slot.LEVEL_FLOOR] = floor;
      }
    }
    slot.record[Slot.HIGHEST_VERSION] = highestVersion;
    end(slot, journal, (short) 0, place);
    JCSystem.commitTransaction();
    forget(slot);
  }

  private void close(Slot slot, byte[] journal, short at, Actions opened) {
    Receipt place = writer.write(slot, journal, at, results, opened);
    JCSystem.beginTransaction();
    end(slot, journal, at, place);
    JCSystem.commitTransaction();
    forget(slot);
  }

  /** In a transaction. */
  private void end(Slot slot, byte[] journal, short at, Receipt place) {
    writer.putInForce(place);
    Util.arrayCopy(journal, at, slot.journal, (short) 0, Journal.SIZE);
    Util.setShort(slot.attempt.head, Attempt.MESSAGE_SIZE, (short) 0);
  }

  private void forget(Slot slot) {
    forget();
    slot.attempt.wipe();
  }

  /** No payload is open between commands but a session's. */
  void forget() {
    envelope.actions.payload.close();
  }

  /** CANCEL: an E0 with the flag, at the start of the exchange memory. */
  void cancel(short size) {
    byte[] message = engines.ram.exchange;
    byte[] work = engines.ram.work;
    request.read(message, (short) 0, size);
    if (!request.cancels()) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    Slot slot = store.find(message, request.spid(), message, request.target(), request.targetSize());
    if (slot == null) {
      ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
    }
    if (!Numbers.equal(slot.attempt.head, Attempt.KEM_KEY, message, request.kemKey(), Curve.POINT)) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    if (slot.state() == Journal.CANCELLED && slot.knewLast(message, request.nonce())) {
      return;
    }
    if (Journal.isFinal(slot.state())) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    if (slot.knows(message, request.nonce())) {
      ISOException.throwIt(ISO7816.SW_COMMAND_NOT_ALLOWED);
    }
    short number = store.numberOf(slot);
    Receipt acknowledged = request.acknowledged() == 0 ? null
        : store.receipts.named(number, message, request.acknowledged(), engines.sha, work);
    Util.arrayCopyNonAtomic(message, request.nonce(), work, Ram.HELD, (short) 16);
    finishCancelled(slot, number, acknowledged);
  }

  private void finishCancelled(Slot slot, short number, Receipt acknowledged) {
    boolean isOpened = Journal.isDelivering(slot.journal);
    if (isOpened) {
      open(slot);
    }
    setCancelled(slot.journal);
    Receipt place = writer.write(slot, slot.journal, results, isOpened ? envelope.actions : null);
    JCSystem.beginTransaction();
    if (acknowledged != null) {
      store.receipts.acknowledge(number, acknowledged);
    }
    slot.remember(engines.ram.work, Ram.HELD);
    writer.putInForce(place);
    slot.journal[Journal.STATE] = Journal.CANCELLED;
    Util.setShort(slot.attempt.head, Attempt.MESSAGE_SIZE, (short) 0);
    JCSystem.commitTransaction();
    forget(slot);
  }

  private void setCancelled(byte[] journal) {
    if (journal[Journal.ACTIONS] == 0) {
      setOne(RESULT_CANCELLED);
      return;
    }
    setWithRest(journal, RESULT_CANCELLED);
    if (journal[Journal.STATE] == Journal.SENT && journal[Journal.PROVED] < journal[Journal.ACTIONS]) {
      results[journal[Journal.PROVED]] = RESULT_UNKNOWN;
    }
  }
}
