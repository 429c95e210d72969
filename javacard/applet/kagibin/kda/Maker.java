// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * GENERATE and STORE CERTIFICATES: how the application gets its identity from its maker (kagibin/se/kda/maker_commands.h;
 * attestation profile ATT-1). The caller has checked the maker's session. The code hash is what CERT.KDA says: an applet
 * cannot read its load file, and under ATT-1 it is the maker who loaded it and who vouches for it.
 */
final class Maker {
  private final Engines engines;
  private final Store store;
  private final Certificate own;
  private final Certificate maker;
  private final Cursor cursor;
  private final byte[] aid;

  Maker(Engines all, Store memory, Certificate reader, byte[] ownAid) {
    engines = all;
    cursor = all.cursor;
    store = memory;
    own = reader;
    maker = new Certificate(all);
    aid = ownAid;
  }

  /** Answers the public keys, at the start of the exchange memory; again the same, while nothing is certified. */
  short generate() {
    byte[] out = engines.ram.exchange;
    Identity identity = store.identity;
    if (!identity.isGenerated) {
      identity.generate();
    }
    short end = Tlv.head(out, (short) 0, (byte) 0x80, Curve.POINT);
    end = (short) (end + identity.signingPoint(out, end));
    end = Tlv.head(out, end, (byte) 0x81, Curve.POINT);
    return (short) (end + identity.agreementPoint(out, end));
  }

  /** {@code 80 PK.AUTH | 81 CERT.EUM | 82 CERT.KDA | 83 CERT.OCE (opt)}, at the start of the exchange memory. */
  void storeCertificates(short size) {
    byte[] message = engines.ram.exchange;
    if (!store.identity.isGenerated) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    cursor.open(message, (short) 0, size);
    short root = cursor.expect((short) 0x80, Curve.POINT);
    short eum = cursor.expect((short) 0x81, (short) 1, (short) 323);
    short eumSize = cursor.length();
    short kda = cursor.expect((short) 0x82, (short) 1, (short) 323);
    short kdaSize = cursor.length();
    boolean hasOce = cursor.optional((short) 0x83, (short) 1, (short) 323);
    short oce = cursor.value();
    short oceSize = hasOce ? cursor.length() : (short) 0;
    cursor.finish();
    if (!CurveEquation.holds(engines.ram.work, message, root)) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    maker.read(message, eum, eumSize);
    own.read(message, kda, kdaSize);
    boolean isChained = isMakers(message, root) && isOfThisInstance(message);
    if (!isChained) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    Identity identity = store.identity;
    identity.maker.store(message, eum, eumSize);
    identity.kda.store(message, kda, kdaSize);
    Util.arrayCopyNonAtomic(message, own.subject(), identity.record, Identity.SEID, (short) 16);
    Util.arrayCopyNonAtomic(message, own.codeHash(), identity.record, Identity.CODE_HASH, (short) 32);
    engines.sha.doFinal(message, maker.point(), Curve.POINT, identity.record, Identity.MAKER_KEY);
    if (hasOce) {
      checkOce(message, oce, oceSize, root);
    }
    identity.oce.store(message, oce, oceSize);
    JCSystem.beginTransaction();
    Util.arrayCopy(message, root, store.trust.record, Trust.ROOT, Curve.POINT);
    identity.isCertified = true;
    JCSystem.commitTransaction();
  }

  /** CERT.EUM under PK.AUTH, CERT.KDA under CERT.EUM, and a day on which both count. */
  private boolean isMakers(byte[] message, short root) {
    boolean areOfOneTime = Numbers.compare(message, maker.effective(), message, own.expiration(), (short) 4) <= 0
        && Numbers.compare(message, own.effective(), message, maker.expiration(), (short) 4) <= 0;
    return areOfOneTime && maker.kind() == Certificate.MAKER && own.kind() == Certificate.KDA
        && own.hasIssuer(message, maker.subject()) && maker.isSignedBy(message, root)
        && own.isSignedBy(message, maker.point());
  }

  private boolean isOfThisInstance(byte[] message) {
    store.identity.signingPoint(engines.ram.work, Ram.KEYS);
    return Numbers.equal(engines.ram.work, Ram.KEYS, message, own.point(), Curve.POINT)
        && own.isForAid(aid, (short) 1, aid[0]) && own.attestation() == Certificate.ATT_1;
  }

  /** CERT.OCE under either, for the same SEID and the generated key. */
  private void checkOce(byte[] message, short at, short size, short root) {
    own.read(message, at, size);
    store.identity.agreementPoint(engines.ram.work, Ram.KEYS);
    boolean fits = own.kind() == Certificate.OCE
        && Numbers.equal(engines.ram.work, Ram.KEYS, message, own.point(), Curve.POINT)
        && Numbers.equal(message, own.subject(), store.identity.record, Identity.SEID, (short) 16)
        && (own.isSignedBy(message, root) || own.isSignedBy(message, maker.point()));
    if (!fits) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
  }
}
