// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * ENROL: E0 in, a fresh attempt and E4 out (kagibin/se/kda/enrolment/kda_enrolment.h). The attempt is made as the spare
 * one; a transaction brings it into force, the old keys go, and only then E4 leaves.
 */
final class Enrolment {
  private static final byte[] LABEL_STATEMENT = {'K', 'B', '1', '-', 'E', 'S'};
  private static final byte[] LABEL_ANSWER = {'K', 'B', '1', '-', 'A', 'N', 'S'};
  private static final short STATEMENT = 4; // in the exchange memory, behind the longest head
  private static final short NONCE = Ram.HELD; // 16
  private static final short COUNTER = (short) (Ram.HELD + 16); // 4
  private static final byte[] FIRST_JOURNAL = new byte[Journal.SIZE];

  private final Engines engines;
  private final Store store;
  private final Request request;
  private final Cursor cursor;
  private final Casd casd;
  private final byte[] aid;

  /** {@code ownAid}: length, then the AID of this instance. */
  Enrolment(Engines all, Store memory, Request reader, byte[] ownAid) {
    casd = new Casd(all, memory, reader.certificate, ownAid);
    engines = all;
    cursor = all.cursor;
    store = memory;
    request = reader;
    aid = ownAid;
  }

  /** {@code E0 | CERT.SD (opt)}, at the start of the exchange memory. */
  void enrol(short size, Answer answer) {
    byte[] message = engines.ram.exchange;
    casd.adopt();
    cursor.open(message, (short) 0, size);
    cursor.expect((short) 0xE0, (short) 1, Cursor.ANY_LENGTH);
    short e0 = cursor.size();
    boolean hasDomain = cursor.optional((short) 0x7F21, (short) 1, Cursor.ANY_LENGTH);
    short domain = cursor.start();
    short domainSize = cursor.size();
    cursor.finish();
    request.read(message, (short) 0, e0);
    if (request.cancels()) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    if (hasDomain) {
      checkDomain(message, domain, domainSize);
    }
    if (!hasDomain || !store.identity.oce.isThere()) {
      domainSize = 0;
    }
    Slot slot = store.find(message, request.spid(), message, request.target(), request.targetSize());
    if (slot == null || !isRepeated(slot, message, e0)) {
      slot = enrolAfresh(slot, message, e0, domainSize);
    }
    answer.set(slot.attempt.message, (short) 0, Util.getShort(slot.attempt.head, Attempt.MESSAGE_SIZE));
  }

  /** CERT.SD names this element, its maker, the target and the provider of E0. */
  private void checkDomain(byte[] message, short at, short size) {
    Certificate certificate = request.certificate;
    certificate.read(message, at, size);
    boolean fits = store.acceptsDomain(certificate, message)
        && Numbers.equal(message, certificate.subject(), store.identity.record, Identity.SEID, (short) 16)
        && certificate.isForAid(message, request.target(), request.targetSize())
        && Numbers.equal(message, certificate.owner(), message, request.spid(), (short) 16);
    if (!fits) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
  }

  /** Whether this very E0 waits for an envelope already. 6985: an open outcome. 6986: nA is not new. */
  private boolean isRepeated(Slot slot, byte[] message, short e0) {
    byte[] work = engines.ram.work;
    if (Journal.isDelivering(slot.journal) && Journal.hasBegun(slot.journal)) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    engines.sha.doFinal(message, (short) 0, e0, work, Ram.HASH);
    if (slot.state() == Journal.ENROLLED
        && Numbers.equal(work, Ram.HASH, slot.attempt.head, Attempt.REQUEST_HASH, (short) 32)) {
      return true;
    }
    if (slot.knows(message, request.nonce())) {
      ISOException.throwIt(ISO7816.SW_COMMAND_NOT_ALLOWED);
    }
    return false;
  }

  /** {@code domainSize}: of CERT.SD behind E0, 0 when none is of use. */
  private Slot enrolAfresh(Slot old, byte[] message, short e0, short domainSize) {
    Receipt acknowledged = null;
    Slot slot = old;
    if (old != null) {
      short number = store.numberOf(old);
      if (request.acknowledged() != 0) {
        acknowledged = store.receipts.named(number, message, request.acknowledged(), engines.sha, engines.ram.work);
      }
      short gone = acknowledged == null ? (short) 0 : store.receipts.countUpTo(number, acknowledged);
      if ((short) (store.receipts.countOf(number) - gone) >= Receipts.MOST_OF_SLOT) {
        ISOException.throwIt(Status.NOT_ENOUGH_MEMORY);
      }
    } else {
      slot = store.free(message, request.spid());
      prepare(slot, message);
    }
    boolean isOfUse = (offeredLevels(slot, domainSize) & Suites.OFFERS_RL2) != 0;
    fillSpare(slot, message, e0, isOfUse ? domainSize : (short) 0);
    makeAnswer(slot, makeStatement(slot));
    JCSystem.beginTransaction();
    if (acknowledged != null) {
      store.receipts.acknowledge(store.numberOf(slot), acknowledged);
    }
    store.exchange(slot);
    slot.remember(engines.ram.work, NONCE);
    Util.arrayCopy(FIRST_JOURNAL, (short) 0, slot.journal, (short) 0, Journal.SIZE);
    slot.journal[Journal.STATE] = Journal.ENROLLED;
    Util.arrayCopy(engines.ram.work, COUNTER, store.counting(slot).record, Slot.ENROLMENTS, (short) 4);
    JCSystem.commitTransaction();
    store.spare.wipe();
    return slot;
  }

  /** Bits of E1/88: what this application can do here, and nothing below the floor of the target. */
  private static byte offeredLevels(Slot slot, short domainSize) {
    byte floor = slot.record[Slot.LEVEL_FLOOR];
    byte able = Suites.OFFERS_RL3;
    if (domainSize > 0 && floor <= Suites.BY_CERTIFICATES) {
      able |= Suites.OFFERS_RL2;
    }
    return floor < Suites.BY_CERTIFICATES ? (byte) (able | Suites.OFFERS_RL1) : able;
  }

  /** A slot that is free and stays free until the transaction. */
  private void prepare(Slot slot, byte[] message) {
    byte[] record = slot.record;
    Util.arrayFillNonAtomic(record, (short) 0, Slot.RECORD, (byte) 0);
    Util.arrayCopyNonAtomic(message, request.spid(), record, Slot.SPID, (short) 16);
    record[Slot.TARGET_SIZE] = (byte) request.targetSize();
    Util.arrayCopyNonAtomic(message, request.target(), record, Slot.TARGET, request.targetSize());
    Slot sibling = store.sibling(slot, message, request.spid());
    if (sibling != null) {
      Util.arrayCopyNonAtomic(sibling.record, Slot.LAST_ISSUED, record, Slot.LAST_ISSUED, (short) 4);
    }
  }

  /** All that is kept of E0, whose memory is needed now. */
  private void fillSpare(Slot slot, byte[] message, short e0, short domainSize) {
    Attempt spare = store.spare;
    byte[] work = engines.ram.work;
    engines.random.generateData(spare.head, Attempt.HANDLE, (short) 16);
    Util.arrayCopyNonAtomic(message, request.kemKey(), spare.head, Attempt.KEM_KEY, Curve.POINT);
    engines.sha.doFinal(message, (short) 0, e0, spare.head, Attempt.REQUEST_HASH);
    Util.arrayCopyNonAtomic(message, request.certificateAt(), spare.certificate, (short) 0, request.certificateSize());
    Util.setShort(spare.head, Attempt.CERTIFICATE_SIZE, request.certificateSize());
    Util.arrayCopyNonAtomic(message, e0, spare.domain, (short) 0, domainSize);
    Util.setShort(spare.head, Attempt.DOMAIN_SIZE, domainSize);
    Util.arrayCopyNonAtomic(message, request.nonce(), work, NONCE, (short) 16);
    Util.arrayCopyNonAtomic(store.counting(slot).record, Slot.ENROLMENTS, work, COUNTER, (short) 4);
    Numbers.increment(work, COUNTER, (short) 4);
    spare.newKey();
  }

  /**
   * T but for CERT.SD in the exchange memory: E1 | CERT.KDA | CERT.EUM, or E1 | E5. Answers where it starts, its end is in the cursor.
   */
  private short makeStatement(Slot slot) {
    byte[] out = engines.ram.exchange;
    Attempt spare = store.spare;
    short end = putStatement(slot, out);
    engines.ecdsa.beginSigning(store.identity.signingKey());
    engines.ecdsa.add(LABEL_STATEMENT);
    engines.ecdsa.add(out, STATEMENT, (short) (end - STATEMENT));
    short size = engines.ecdsa.sign(out, (short) (end + 2));
    Tlv.head(out, end, (byte) 0x9E, size);
    end = (short) (end + 2 + size);
    short start = Tlv.headBefore(out, STATEMENT, (byte) 0xE1, (short) (end - STATEMENT));
    engines.sha.doFinal(out, start, (short) (end - start), spare.head, Attempt.STATEMENT_HASH);
    if (store.identity.isAttested) {
      end = casd.attest(out, start, end);
    } else {
      end = store.identity.kda.copy(out, end);
      end = store.identity.maker.copy(out, end);
    }
    cursor.open(out, start, (short) (end - start));
    return start;
  }

  private short putStatement(Slot slot, byte[] out) {
    byte[] own = store.identity.record;
    byte[] head = store.spare.head;
    byte[] work = engines.ram.work;
    short end = Tlv.put(out, STATEMENT, (byte) 0x80, Suites.VERSION);
    end = Tlv.put(out, end, (byte) 0x81, work, NONCE, (short) 16);
    engines.random.generateData(work, Ram.BLOCK, (short) 16);
    end = Tlv.put(out, end, (byte) 0x82, work, Ram.BLOCK, (short) 16);
    end = Tlv.put(out, end, (byte) 0x83, Suites.SUITE);
    end = Tlv.head(out, end, (byte) 0x84, Curve.POINT);
    store.spare.point(out, end);
    end = (short) (end + Curve.POINT);
    end = Tlv.put(out, end, (byte) 0x85, own, Identity.SEID, (short) 16);
    end = Tlv.put(out, end, (byte) 0x86, aid, (short) 1, aid[0]);
    end = Tlv.put(out, end, (byte) 0x87, own, Identity.CODE_HASH, (short) 32);
    end = Tlv.put(out, end, (byte) 0x88, offeredLevels(slot, store.spare.domainSize()));
    end = Tlv.put(out, end, (byte) 0x89, work, COUNTER, (short) 4);
    end = Tlv.put(out, end, (byte) 0x8A, slot.record, Slot.TARGET, slot.record[Slot.TARGET_SIZE]);
    end = Tlv.put(out, end, (byte) 0x8B, slot.record[Slot.HIGHEST_VERSION]);
    end = Tlv.put(out, end, (byte) 0x8C, slot.record, Slot.COMMITTED_SEQ, (short) 4);
    end = Tlv.put(out, end, (byte) 0x8D, store.trust.record, Trust.MIN_EPOCH, (short) 2);
    end = Tlv.put(out, end, (byte) 0x8E, head, Attempt.HANDLE, (short) 16);
    end = Tlv.put(out, end, (byte) 0x8F, slot.record, Slot.SPID, (short) 16);
    if (store.spare.domainSize() > 0) {
      end = Tlv.head(out, end, (byte) 0x90, (short) 32);
      end = (short) (end + engines.sha.doFinal(store.spare.domain, (short) 0, store.spare.domainSize(), out, end));
    }
    return end;
  }

  /** E4 into the spare attempt, from T: CERT.SD, which has no room beside the rest of it, is encrypted behind it. */
  private void makeAnswer(Slot slot, short start) {
    byte[] text = engines.ram.exchange;
    byte[] work = engines.ram.work;
    byte[] head = store.spare.head;
    byte[] out = store.spare.message;
    short plain = cursor.left();
    short domainSize = store.spare.domainSize();
    short sealed = (short) ((short) ((short) (plain + domainSize) & (short) 0xFFF0) + 16);
    short inner = (short) (3 + 3 + 18 + 18 + 67 + Tlv.headSize(sealed) + sealed + 18);
    short body = Tlv.head(out, (short) 0, (byte) 0xE4, inner);
    short end = Tlv.put(out, body, (byte) 0x80, Suites.VERSION);
    end = Tlv.put(out, end, (byte) 0x81, Suites.SUITE);
    end = Tlv.put(out, end, (byte) 0x82, head, Attempt.HANDLE, (short) 16);
    end = Tlv.put(out, end, (byte) 0x83, work, NONCE, (short) 16);
    end = Tlv.head(out, end, (byte) 0x84, Curve.POINT);
    engines.newEphemeral(out, end);
    end = (short) (end + Curve.POINT);
    engines.hash(LABEL_ANSWER);
    engines.sha.update(out, body, (short) (end - body));
    engines.hash(ReceiptWriter.KEM_KEY_HEAD);
    engines.sha.update(head, Attempt.KEM_KEY, Curve.POINT);
    engines.finishHash(work, Ram.CONTEXT);
    engines.agreeEphemeral(head, Attempt.KEM_KEY);
    end = Tlv.head(out, end, (byte) 0x85, sealed);
    short whole = (short) (plain & (short) 0xFFF0);
    engines.sealBlocks(text, start, whole);
    end = Util.arrayCopyNonAtomic(text, start, out, end, whole);
    short rest = Util.arrayCopyNonAtomic(text, (short) (start + whole), text, (short) 0, (short) (plain - whole));
    rest = Util.arrayCopyNonAtomic(store.spare.domain, (short) 0, text, rest, domainSize);
    rest = engines.seal(text, (short) 0, rest);
    end = Util.arrayCopyNonAtomic(text, (short) 0, out, end, rest);
    engines.beginSealMac();
    engines.cmac.add(out, body, (short) (end - body));
    out[end++] = (byte) 0x86;
    out[end++] = (byte) Cmac.SIZE;
    engines.cmac.finish(out, end);
    Util.setShort(head, Attempt.MESSAGE_SIZE, (short) (end + Cmac.SIZE));
  }
}
