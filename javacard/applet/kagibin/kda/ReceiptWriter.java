// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;

/** Makes E3 (doc/wire_format.md, 6) in the exchange memory and lays it in a receipt's place, not yet in force. */
final class ReceiptWriter {
  private static final byte[] LABEL_SIGNATURE = {'K', 'B', '1', '-', 'R', 'C', 'P'};
  private static final byte[] LABEL_MAC = {'K', 'B', '1', '-', 'R', 'C', 'M'};
  private static final byte[] LABEL_SEALED = {'K', 'B', '1', '-', 'R', 'C', 'S'};
  static final byte[] KEM_KEY_HEAD = {(byte) 0x85, 0x41};
  private static final short COUNT = 8; // of results
  private static final short BODY = 4; // behind the longest head
  private static final short HANDLE_TLV = 38; // behind 80 20 SHA-256(A0)
  private static final short PLAIN = 512; // S, until it is sealed
  private static final short COUNTER = (short) (Ram.HELD + 16);

  private final Engines engines;
  private final Store store;
  private final byte[] out;
  private final byte[] work;

  ReceiptWriter(Engines all, Store memory) {
    engines = all;
    store = memory;
    out = all.ram.exchange;
    work = all.ram.work;
  }

  Receipt write(Slot slot, byte[] journal, byte[] results, Actions opened) {
    return write(slot, journal, (short) 0, results, opened);
  }

  /** {@code opened}: where Kr is, null when the envelope did not open. Answers the place. */
  Receipt write(Slot slot, byte[] journal, short journalAt, byte[] results, Actions opened) {
    Util.arrayCopyNonAtomic(store.counting(slot).record, Slot.RECEIPTS, work, COUNTER, (short) 4);
    Numbers.increment(work, COUNTER, (short) 4);
    Attempt attempt = slot.attempt;
    short bodyEnd = putBody(attempt, journal, journalAt, results);
    short macEnd = bodyEnd;
    if (opened != null) {
      out[bodyEnd] = (byte) 0x8E;
      out[(short) (bodyEnd + 1)] = Cmac.SIZE;
      opened.payload.copy(opened.receiptKey(), work, Ram.KEY, (short) 16);
      engines.cmac.begin(work, Ram.KEY, (short) 16);
      engines.cmac.add(LABEL_MAC, (short) 0, (short) LABEL_MAC.length);
      engines.cmac.add(out, BODY, (short) (bodyEnd - BODY));
      engines.cmac.add(attempt.head, Attempt.STATEMENT_HASH, (short) 32);
      engines.cmac.finish(out, (short) (bodyEnd + 2));
      macEnd = (short) (bodyEnd + 2 + Cmac.SIZE);
    }
    short end = putSealed(attempt, bodyEnd, macEnd, sign(attempt, macEnd));
    short start = Tlv.headBefore(out, BODY, (byte) 0xE3, (short) (end - BODY));
    return store.receipts.write(store.numberOf(slot), attempt.head, Attempt.HANDLE, work, COUNTER, out, start,
        (short) (end - start));
  }

  private short putBody(Attempt attempt, byte[] journal, short at, byte[] results) {
    short end = Tlv.put(out, BODY, (byte) 0x80, journal, (short) (at + Journal.HEADER_HASH), (short) 32);
    end = Tlv.put(out, end, (byte) 0x81, attempt.head, Attempt.HANDLE, (short) 16);
    end = Tlv.put(out, end, (byte) 0x82, journal, (short) (at + Journal.SEQ), (short) 4);
    end = Tlv.put(out, end, (byte) 0x83, results, (short) 0, results[COUNT]);
    end = Tlv.put(out, end, (byte) 0x84, journal[(short) (at + Journal.LEVEL)]);
    return Tlv.put(out, end, (byte) 0x85, Suites.SUITE);
  }

  /** S behind PLAIN; answers its length. */
  private short sign(Attempt attempt, short macEnd) {
    short end = Tlv.put(out, PLAIN, (byte) 0x88, work, COUNTER, (short) 4);
    engines.ecdsa.beginSigning(store.identity.signingKey());
    engines.ecdsa.add(LABEL_SIGNATURE);
    engines.ecdsa.add(out, BODY, (short) (macEnd - BODY));
    engines.ecdsa.add(out, PLAIN, (short) 6);
    engines.ecdsa.add(attempt.head, Attempt.STATEMENT_HASH, (short) 32);
    short size = engines.ecdsa.sign(out, (short) (end + 2));
    Tlv.head(out, end, (byte) 0x9E, size);
    return (short) (end + 2 + size - PLAIN);
  }

  /** 8F; answers where E3 ends. */
  private short putSealed(Attempt attempt, short bodyEnd, short macEnd, short plain) {
    short sealed = (short) ((short) (plain & (short) 0xFFF0) + 16);
    short value = Tlv.head(out, macEnd, (byte) 0x8F, (short) (67 + 2 + sealed + 18));
    out[value] = (byte) 0x84;
    out[(short) (value + 1)] = (byte) Curve.POINT;
    engines.newEphemeral(out, (short) (value + 2));
    engines.hash(LABEL_SEALED);
    engines.sha.update(out, HANDLE_TLV, (short) 18);
    engines.sha.update(out, bodyEnd, (short) (macEnd - bodyEnd));
    engines.sha.update(out, value, (short) 67);
    engines.hash(KEM_KEY_HEAD);
    engines.sha.update(attempt.head, Attempt.KEM_KEY, Curve.POINT);
    engines.finishHash(work, Ram.CONTEXT);
    engines.agreeEphemeral(attempt.head, Attempt.KEM_KEY);
    engines.seal(out, PLAIN, plain);
    short end = Tlv.put(out, (short) (value + 67), (byte) 0x85, out, PLAIN, sealed);
    engines.beginSealMac();
    engines.cmac.add(LABEL_SEALED, (short) 0, (short) LABEL_SEALED.length);
    engines.cmac.add(out, HANDLE_TLV, (short) 18);
    engines.cmac.add(out, bodyEnd, (short) (macEnd - bodyEnd));
    engines.cmac.add(out, value, (short) (end - value));
    out[end++] = (byte) 0x86;
    out[end++] = (byte) Cmac.SIZE;
    engines.cmac.finish(out, end);
    return (short) (end + Cmac.SIZE);
  }

  /** In a transaction. */
  void putInForce(Receipt place) {
    store.receipts.putInForce(place);
    Util.arrayCopy(work, COUNTER, store.counting(store.slots[place.slot()]).record, Slot.RECEIPTS, (short) 4);
  }

  /** Whether a kept receipt still tells how things stand. */
  boolean tells(Receipt kept, byte[] journal, byte[] results) {
    byte[] octets = kept.octets;
    short body = (short) (Receipt.E3 + Tlv.headSize((short) (kept.size() - 4)));
    short told = (short) (body + 34 + 18 + 6);
    return Numbers.equal(octets, (short) (body + 2), journal, Journal.HEADER_HASH, (short) 32)
        && octets[(short) (told + 1)] == results[COUNT]
        && Numbers.equal(octets, (short) (told + 2), results, (short) 0, results[COUNT]);
  }
}
