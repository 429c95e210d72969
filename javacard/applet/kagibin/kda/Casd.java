// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.globalplatform.GPSystem;
import org.globalplatform.GlobalService;

/**
 * A controlling authority's security domain (CASD) that says which code this instance is: attestation profile ATT-2
 * (kagibin/se/kda/attestation/casd_attestation.h). No interface of the GlobalPlatform API says that; javacard/README.md has
 * the evidence. So the service is one of ours, {@code SERVICE}, and is asked through {@code GlobalService}, which the API
 * has from 1.1 on: the request lies in the APDU buffer, and what comes takes its place, a length of two octets before it.
 * A card without it has a null where this one looks, and is served under ATT-1 alone.
 *
 * <p>Who asks is the card's to know, by JCSystem.getPreviousContextAID() in the service, and not what an application says.
 */
final class Casd {
  /** Of the family Authority (83), with a number of ours. */
  static final short SERVICE = (short) 0x834B;
  static final byte CERTIFICATE = 1; // -> CERT.CASD.AUT
  static final byte TRUST = 2; // -> PK.AUTH | minEpoch
  static final byte SIGN = 3; // 32 octets -> E6
  private static final short TRUST_SIZE = (short) (Curve.POINT + 2);
  private static final byte KIND = 7;
  private static final short LEAST_STATEMENT = 104; // octets of TLVs 80, 4F .. 84 and 5F37 with AIDs of five octets, less
  private static final byte[] LABEL = {'K', 'B', '1', '-', 'A', 'T', 'T'};

  private final Engines engines;
  private final Store store;
  private final Certificate certificate;
  private final byte[] aid;

  /** {@code ownAid}: length, then the AID of this instance. */
  Casd(Engines all, Store memory, Certificate reader, byte[] ownAid) {
    engines = all;
    store = memory;
    certificate = reader;
    aid = ownAid;
  }

  private static GlobalService service() {
    return GPSystem.getService(null, SERVICE);
  }

  /** At installation: 6985 where there is none. */
  static void require() {
    if (service() == null) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
  }

  /** What it says stands in the APDU buffer behind two octets; answers how much. 6A88: nothing. */
  private static short ask(byte[] buffer, byte what, short octets) {
    GlobalService casd = service();
    buffer[0] = what;
    short size = 0;
    if (casd != null) {
      Shareable heard = casd.getServiceInterface(GPSystem.getRegistryEntry(null), SERVICE, buffer, (short) 0,
          (short) (octets + 1));
      size = heard == null ? (short) 0 : Util.getShort(buffer, (short) 0);
    }
    if (size <= 0 || (short) (size + 2) > (short) buffer.length) {
      ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
    }
    return size;
  }

  /** Before the first enrolment: SEID, PK.AUTH and minEpoch, and the code hash that the CASD states. */
  void adopt() {
    Identity identity = store.identity;
    if (!identity.isAttested || identity.isCertified) {
      return;
    }
    byte[] buffer = APDU.getCurrentAPDUBuffer();
    byte[] trust = store.trust.record;
    require(ask(buffer, TRUST, (short) 0) == TRUST_SIZE && CurveEquation.holds(engines.ram.work, buffer, (short) 2));
    Util.arrayCopyNonAtomic(buffer, (short) 2, trust, Trust.ROOT, Curve.POINT);
    Util.arrayCopyNonAtomic(buffer, (short) (2 + Curve.POINT), trust, Trust.MIN_EPOCH, (short) 2);
    certificate.read(buffer, (short) 2, ask(buffer, CERTIFICATE, (short) 0));
    require(certificate.kind() == KIND);
    Util.arrayCopyNonAtomic(buffer, certificate.subject(), identity.record, Identity.SEID, (short) 16);
    Util.arrayFillNonAtomic(buffer, (short) 1, (short) 32, (byte) 0);
    readStatement(buffer, ask(buffer, SIGN, (short) 32));
    JCSystem.beginTransaction();
    identity.isCertified = true;
    JCSystem.commitTransaction();
  }

  private static void require(boolean holds) {
    if (!holds) {
      ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
    }
  }

  /** What E6 says of this instance: its load file's hash. A bare signature, as a CASD of another kind gives it, is none. */
  private void readStatement(byte[] buffer, short size) {
    Cursor cursor = engines.cursor;
    require(size > LEAST_STATEMENT && buffer[2] == (byte) 0xE6);
    cursor.open(buffer, (short) 2, size);
    short value = cursor.expect((short) 0xE6, (short) 1, (short) 255);
    short length = cursor.length();
    cursor.finish();
    cursor.open(buffer, value, length);
    require(cursor.expectByte((short) 0x80) == 1);
    short application = cursor.expect((short) 0x4F, (short) 5, (short) 16);
    require(cursor.length() == aid[0] && Numbers.equal(buffer, application, aid, (short) 1, aid[0]));
    cursor.expect((short) 0x81, (short) 5, (short) 16);
    Util.arrayCopyNonAtomic(buffer, cursor.expect((short) 0x82, (short) 32), store.identity.record, Identity.CODE_HASH,
        (short) 32);
  }

  /** E5 for the statement E1 that ends here, behind it; answers where the next octet goes. */
  short attest(byte[] out, short e1, short end) {
    byte[] buffer = APDU.getCurrentAPDUBuffer();
    short body = (short) (end + 4);
    short next = Tlv.put(out, body, (byte) 0x80, (byte) 2);
    short key = next;
    next = Tlv.head(out, next, (byte) 0x81, Curve.POINT);
    next = (short) (next + store.identity.signingPoint(out, next));
    engines.sha.update(LABEL, (short) 0, (short) LABEL.length);
    engines.sha.update(out, key, (short) (next - key));
    short size = ask(buffer, CERTIFICATE, (short) 0);
    require(size <= Certificate.MOST);
    next = Util.arrayCopyNonAtomic(buffer, (short) 2, out, next, size);
    engines.sha.doFinal(out, e1, (short) (end - e1), buffer, (short) 1);
    size = ask(buffer, SIGN, (short) 32);
    require(size > LEAST_STATEMENT && size <= (short) 258 && buffer[2] == (byte) 0xE6);
    next = Util.arrayCopyNonAtomic(buffer, (short) 2, out, next, size);
    require((short) (next - body) >= 0x100);
    Tlv.head(out, end, (byte) 0xE5, (short) (next - body));
    return next;
  }
}
