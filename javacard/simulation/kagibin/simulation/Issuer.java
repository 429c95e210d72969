// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.security.PrivateKey;

/** The controlling authority and a maker in one: issues certificates of the delivery PKI (doc/wire_format.md, 2). */
public final class Issuer {
  public static final byte[] CODE_HASH = Cryptography.sha256(Octets.ascii("a load file of the simulation"));
  public final byte[] seid;
  public final byte[] rootPoint;
  private final byte[] makerCertificate;
  private final PrivateKey makerKey;
  private final byte[] makerName;
  private int serial = 1;

  /** With a maker that somebody certified. */
  public Issuer(byte[] root, byte[] certificateOfMaker, PrivateKey keyOfMaker, byte[] ofElement) {
    rootPoint = root;
    makerCertificate = certificateOfMaker;
    makerKey = keyOfMaker;
    makerName = Octets.find(Octets.value(certificateOfMaker, 0), 0x5F20);
    seid = ofElement;
  }

  /** A certificate: {@code discretionary} are the TLVs of 53. */
  public static byte[] certificate(int serial, byte[] issuer, byte[] subject, byte[] usage, byte[] discretionary,
      byte[] point, PrivateKey key) {
    byte[] body = Octets.join(Octets.tlv(0x93, Octets.of(serial)), Octets.tlv(0x42, issuer),
        Octets.tlv(0x5F20, subject), Octets.tlv(0x95, usage), Octets.tlv(0x5F25, Octets.hex("20260101")),
        Octets.tlv(0x5F24, Octets.hex("20361231")), Octets.tlv(0x53, discretionary),
        Octets.tlv(0x7F49, Octets.tlv(0xB0, point), Octets.tlv(0xF0, Octets.of(0))));
    return Octets.tlv(0x7F21, body, Octets.tlv(0x5F37, Cryptography.signRaw(key, body)));
  }

  public static byte[] kind(int kind, int epoch) {
    return Octets.join(Octets.tlv(0x80, Octets.of(kind)), Octets.tlv(0x81, Octets.number(epoch, 2)));
  }

  public byte[] certifyKda(byte[] point) {
    byte[] discretionary = Octets.join(kind(2, 1), Octets.tlv(0x82, SimulatedCard.KDA), Octets.tlv(0x83, CODE_HASH),
        Octets.tlv(0x85, Octets.of(1)));
    return certificate(++serial, makerName, seid, Octets.of(0x82), discretionary, point, makerKey);
  }

  /** CERT.OCE for this point. */
  public byte[] certifyOce(byte[] point) {
    return certificate(++serial, makerName, seid, Octets.of(0x00, 0x80), kind(3, 1), point, makerKey);
  }

  /** CERT.SD by the authority, whose key is {@code root}: of this element, for a domain of a provider's, on our word. */
  public byte[] certifyDomain(PrivateKey root, byte[] ofElement, byte[] aid, byte[] owner, byte[] point) {
    return certifyDomain(root, ofElement, aid, owner, point, makerPoint());
  }

  /** The same on the word of the maker with this key. */
  public byte[] certifyDomain(PrivateKey root, byte[] ofElement, byte[] aid, byte[] owner, byte[] point, byte[] maker) {
    byte[] discretionary = Octets.join(kind(4, 1), Octets.tlv(0x82, aid), Octets.tlv(0x86, owner),
        Octets.tlv(0x87, Cryptography.sha256(maker)));
    return certificate(++serial, Octets.ascii("AUTH"), ofElement, Octets.of(0x00, 0x80), discretionary, point, root);
  }

  /** CERT.CASD.AUT by the authority, whose key is {@code root}: of the CASD in this element. */
  public byte[] certifyCasd(PrivateKey root, byte[] point) {
    byte[] discretionary = Octets.join(kind(7, 0), Octets.tlv(0x82, CasdStandIn.AID), Octets.tlv(0x84, new byte[16]));
    return certificate(++serial, Octets.ascii("AUTH"), seid, Octets.of(0x82), discretionary, point, root);
  }

  /** The maker's public key, which its domains hold as PK.CA-KLOC. */
  public byte[] makerPoint() {
    return Octets.find(Octets.find(Octets.value(makerCertificate, 0), 0x7F49), 0xB0);
  }

  /** The data of STORE CERTIFICATES with a CERT.OCE. */
  public byte[] stored(byte[] kdaCertificate, byte[] oceCertificate) {
    return Octets.join(stored(kdaCertificate), Octets.tlv(0x83, oceCertificate));
  }

  /** The data of STORE CERTIFICATES. */
  public byte[] stored(byte[] kdaCertificate) {
    return Octets.join(Octets.tlv(0x80, rootPoint), Octets.tlv(0x81, makerCertificate),
        Octets.tlv(0x82, kdaCertificate));
  }
}
