// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * LOAD, and the envelope of a slot opened again for a session or a receipt (kagibin/se/kda/opened_delivery.h). Behind the
 * provider's signature every check is gone through to the end, one status word answers for all, and a refusal counts.
 */
final class Loading {
  private final Engines engines;
  private final Store store;
  private final Certificate certificate;
  private final Receipting receipting;
  private final Cursor cursor;
  final Envelope envelope;

  Loading(Engines all, Store memory, Certificate reader, Receipting receipts) {
    engines = all;
    cursor = all.cursor;
    store = memory;
    certificate = reader;
    receipting = receipts;
    envelope = receipts.envelope;
  }

  /** {@code 83 10 handle | E2}, at the start of the exchange memory. */
  void load(short size) {
    byte[] message = engines.ram.exchange;
    cursor.open(message, (short) 0, size);
    short handle = cursor.expect((short) 0x83, (short) 16);
    short e2 = cursor.next();
    short e2Size = cursor.left();
    envelope.read(message, e2, e2Size);
    Slot slot = store.find(message, handle);
    if (slot == null) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    Attempt attempt = slot.attempt;
    boolean isSame = slot.state() == Journal.LOADED && Util.getShort(attempt.head, Attempt.MESSAGE_SIZE) == e2Size
        && Numbers.equal(attempt.message, (short) 0, message, e2, e2Size);
    if (isSame) {
      return;
    }
    boolean isProviders = slot.state() == Journal.ENROLLED && isProviderAccepted(attempt)
        && envelope.isSignedBy(attempt.certificate, certificate.point(), attempt);
    if (!isProviders) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    if (envelope.asksNext()) {
      ISOException.throwIt(ISO7816.SW_FUNC_NOT_SUPPORTED);
    }
    boolean isHeaderGood = isHeaderAccepted(slot);
    boolean isOpen = envelope.open(attempt, false);
    if (isHeaderGood && isOpen) {
      accept(slot, e2, e2Size);
    } else {
      countRefusal(slot);
    }
  }

  /** CERT.SP of an attempt, once more: root, epoch, date. */
  private boolean isProviderAccepted(Attempt attempt) {
    certificate.readKnown(attempt.certificate, (short) 0, Util.getShort(attempt.head, Attempt.CERTIFICATE_SIZE));
    return store.trust.accepts(certificate, attempt.certificate, Certificate.SERVICE_PROVIDER);
  }

  /** Whether the enrolment offered RL2, and its CERT.SD counts now. */
  private boolean isDomainAccepted(Attempt attempt) {
    short size = attempt.domainSize();
    if (size == 0) {
      return false;
    }
    certificate.readKnown(attempt.domain, (short) 0, size);
    return store.acceptsDomain(certificate, attempt.domain);
  }

  private boolean isHeaderAccepted(Slot slot) {
    byte[] from = envelope.octets();
    byte[] record = slot.record;
    short notAfter = envelope.notAfter();
    byte isGood = 1;
    isGood &= Numbers.equal(from, envelope.spid(), record, Slot.SPID, (short) 16) ? (byte) 1 : 0;
    isGood &= Numbers.equal(from, envelope.handle(), slot.attempt.head, Attempt.HANDLE, (short) 16) ? (byte) 1 : 0;
    isGood &= Numbers.compare(from, envelope.seq(), record, Slot.COMMITTED_SEQ, (short) 4) > 0 ? (byte) 1 : 0;
    isGood &= envelope.level() >= record[Slot.LEVEL_FLOOR] ? (byte) 1 : 0;
    isGood &= !envelope.isByCertificates() || isDomainAccepted(slot.attempt) ? (byte) 1 : 0;
    isGood &= Numbers.compare(from, notAfter, record, Slot.LAST_ISSUED, (short) 4) >= 0 ? (byte) 1 : 0;
    isGood &= Numbers.compare(from, notAfter, store.trust.record, Trust.AUTH_TIME, (short) 4) >= 0 ? (byte) 1 : 0;
    isGood &= Numbers.compare(from, notAfter, from, envelope.issuedAt(), (short) 4) >= 0 ? (byte) 1 : 0;
    return isGood != 0;
  }

  /** Writes a journal of this envelope into the work memory, from HASH on. */
  private void describe(byte state, byte refusals) {
    byte[] work = engines.ram.work;
    byte[] from = envelope.octets();
    Util.arrayFillNonAtomic(work, (short) 0, Journal.SIZE, (byte) 0);
    envelope.hashHeader(work, Journal.HEADER_HASH);
    work[Journal.STATE] = state;
    work[Journal.REFUSALS] = refusals;
    Util.arrayCopyNonAtomic(from, envelope.seq(), work, Journal.SEQ, (short) 4);
    work[Journal.LEVEL] = envelope.level();
  }

  private void countRefusal(Slot slot) {
    byte refusals = (byte) (slot.journal[Journal.REFUSALS] + 1);
    describe(Journal.ENROLLED, refusals);
    if (refusals == Journal.MOST_REFUSALS) {
      engines.ram.work[Journal.STATE] = Journal.REFUSED;
      receipting.closeRefused(slot, engines.ram.work);
    } else {
      JCSystem.beginTransaction();
      Util.arrayCopy(engines.ram.work, (short) 0, slot.journal, (short) 0, Journal.SIZE);
      JCSystem.commitTransaction();
    }
    ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
  }

  private void accept(Slot slot, short e2, short size) {
    byte[] message = engines.ram.exchange;
    byte[] work = engines.ram.work;
    describe(Journal.LOADED, slot.journal[Journal.REFUSALS]);
    work[Journal.ACTIONS] = (byte) envelope.actions.count();
    envelope.actions.payload.close();
    Util.arrayCopyNonAtomic(message, e2, store.spare.message, (short) 0, size);
    boolean isLater =
        Numbers.compare(message, envelope.issuedAt(), slot.record, Slot.LAST_ISSUED, (short) 4) > 0;
    JCSystem.beginTransaction();
    store.exchangeMessage(slot);
    Util.setShort(slot.attempt.head, Attempt.MESSAGE_SIZE, size);
    Util.arrayCopy(work, (short) 0, slot.journal, (short) 0, Journal.SIZE);
    for (short i = 0; isLater && i < store.slots.length; ++i) {
      if (store.slots[i].isOfProvider(slot.record, Slot.SPID)) {
        Util.arrayCopy(message, envelope.issuedAt(), store.slots[i].record, Slot.LAST_ISSUED, (short) 4);
      }
    }
    JCSystem.commitTransaction();
  }

  /** What LOAD asked of CERT.SP, CERT.SD and of the header, asked once more before the first key leaves. */
  boolean isStillAccepted(Slot slot) {
    return isProviderAccepted(slot.attempt) && isHeaderAccepted(slot);
  }
}
