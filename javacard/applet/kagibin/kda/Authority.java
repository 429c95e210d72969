// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** STATEMENT: the controlling authority's ticks, epochs and roots (kagibin/se/kda/authority/authority_orders.h). */
final class Authority {
  private static final byte TICK = 1;
  private static final byte MIN_EPOCH = 2;
  private static final byte ROOT = 3;
  private static final byte[] LABEL = {'K', 'B', '1', '-', 'A', 'U', 'T'};

  private final Engines engines;
  private final Store store;
  private final Cursor cursor;

  Authority(Engines all, Store memory) {
    engines = all;
    cursor = all.cursor;
    store = memory;
  }

  /** At this place in the exchange memory. */
  void obey(short at, short size) {
    byte[] message = engines.ram.exchange;
    if (!store.identity.isCertified) {
      ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
    }
    cursor.open(message, at, size);
    byte kind = cursor.expectByte((short) 0x80);
    if (kind < TICK || kind > ROOT) {
      ISOException.throwIt(ISO7816.SW_FUNC_NOT_SUPPORTED);
    }
    short length = kind == TICK ? (short) 4 : kind == MIN_EPOCH ? (short) 2 : (short) 69;
    short value = cursor.expect((short) 0x81, length);
    short body = (short) (cursor.next() - at);
    short signature = cursor.expect((short) 0x9E, Ecdsa.LEAST, Ecdsa.MOST);
    short signatureSize = cursor.length();
    cursor.finish();
    byte[] trust = store.trust.record;
    boolean isByFirst = isSigned(message, at, body, signature, signatureSize, Trust.ROOT);
    boolean isSigned = isByFirst || (trust[Trust.HAS_SECOND] != 0
        && isSigned(message, at, body, signature, signatureSize, Trust.SECOND_ROOT));
    if (!isSigned) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    switch (kind) {
      case TICK:
        tick(message, value);
        break;
      case MIN_EPOCH:
        raiseEpoch(message, value);
        break;
      default:
        putRoot(message, value, isByFirst);
    }
  }

  private boolean isSigned(byte[] message, short at, short body, short signature, short size, short root) {
    engines.ecdsa.beginVerifying(store.trust.record, root);
    engines.ecdsa.add(LABEL);
    engines.ecdsa.add(message, at, body);
    return engines.ecdsa.verifyDer(message, signature, size);
  }

  private void requireNotBelow(byte[] message, short at, short known, short size) {
    if (Numbers.compare(message, at, store.trust.record, known, size) < 0) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
  }

  private void tick(byte[] message, short at) {
    byte[] work = engines.ram.work;
    requireNotBelow(message, at, Trust.AUTH_TIME, (short) 4);
    Dates.fromMinutes(message, at, work, Ram.BLOCK, work, (short) (Ram.BLOCK + 4));
    JCSystem.beginTransaction();
    Util.arrayCopy(message, at, store.trust.record, Trust.AUTH_TIME, (short) 4);
    Util.arrayCopy(work, (short) (Ram.BLOCK + 4), store.trust.record, Trust.AUTH_DATE, (short) 4);
    JCSystem.commitTransaction();
  }

  private void raiseEpoch(byte[] message, short at) {
    requireNotBelow(message, at, Trust.MIN_EPOCH, (short) 2);
    JCSystem.beginTransaction();
    Util.arrayCopy(message, at, store.trust.record, Trust.MIN_EPOCH, (short) 2);
    JCSystem.commitTransaction();
  }

  private void putRoot(byte[] message, short at, boolean isByFirst) {
    byte[] trust = store.trust.record;
    short point = (short) (at + 4);
    if (!CurveEquation.holds(engines.ram.work, message, point)) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    if (Numbers.compare(message, at, trust, Trust.ROOT_NUMBER, (short) 4) <= 0) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    boolean isKnown = Numbers.equal(message, point, trust, Trust.ROOT, Curve.POINT)
        || (trust[Trust.HAS_SECOND] != 0 && Numbers.equal(message, point, trust, Trust.SECOND_ROOT, Curve.POINT));
    JCSystem.beginTransaction();
    Util.arrayCopy(message, at, trust, Trust.ROOT_NUMBER, (short) 4);
    if (!isKnown) {
      Util.arrayCopy(message, point, trust, isByFirst ? Trust.SECOND_ROOT : Trust.ROOT, Curve.POINT);
      if (isByFirst) {
        trust[Trust.HAS_SECOND] = 1;
      }
    }
    JCSystem.commitTransaction();
  }
}
