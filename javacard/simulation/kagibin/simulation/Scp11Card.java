// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.security.KeyPair;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * The card's end of SCP11a (GlobalPlatform Amendment F) on P-256 with AES-128, over the Java platform: what a domain of the
 * simulation tells of itself, whom it lets in, and the session that it agrees on.
 */
public final class Scp11Card {
  public static final int KEY_VERSION = 0x03;
  private static final byte[] OK = Octets.of(0x90, 0x00);
  private static final byte[] SHARED_INFO = Octets.hex("3C8810");
  /** SK.SD.ECKA. */
  public final KeyPair own = Cryptography.newKeyPair();
  /** Changes the answer of MUTUAL AUTHENTICATE, its status word behind it. */
  public UnaryOperator<byte[]> fault = answer -> answer;
  private final byte[] authority;
  private final int macSize;
  private byte[] host;

  /** {@code authorityPoint}: PK.CA-KLOC.ECDSA, KID 10. */
  public Scp11Card(byte[] authorityPoint, int octetsOfMac) {
    authority = authorityPoint;
    macSize = octetsOfMac;
  }

  public byte[] point() {
    return Cryptography.point(own.getPublic());
  }

  public void reset() {
    host = null;
  }

  private static byte[] oid(String arcs) {
    return Octets.tlv(0x06, Octets.hex("2A864886FC6B" + arcs));
  }

  /** GET DATA 0066: SCP03 with i = 70, and SCP11 a, b and c in both certificate formats. */
  public byte[] cardData() {
    String parameter = macSize == 16 ? "DB02" : "9B02";
    return Octets.tlv(0x66, Octets.tlv(0x73, oid("01"), Octets.tlv(0x60, oid("02020301")), Octets.tlv(0x63, oid("03")),
        Octets.tlv(0x64, oid("040370")), Octets.tlv(0x64, oid("0411" + parameter))));
  }

  /** PERFORM SECURITY OPERATION, one block: the whole answer. */
  public byte[] verify(byte[] command) {
    host = null;
    if (command[2] != 0 || command[3] != 0x10) {
      return Octets.of(0x6A, 0x88);
    }
    byte[] value = Octets.value(Octets.cut(command, 5, 5 + (command[4] & 0xFF)), 0);
    boolean agrees = Arrays.equals(Octets.find(value, 0x95), Octets.hex("0080"));
    if (!agrees || !Provider.isCertifiedBy(value, authority)) {
      return Octets.of(0x66, 0x40);
    }
    host = Octets.find(Octets.find(value, 0x7F49), 0xB0);
    return OK;
  }

  /** MUTUAL AUTHENTICATE; opens the session in {@code channel}. */
  public byte[] authenticate(byte[] command, Scp03Card channel) {
    channel.close();
    byte[] data = Octets.cut(command, 5, 5 + (command[4] & 0xFF));
    byte[] expected = Octets.hex("9002110195013C800188810110");
    if (host == null || command[2] != KEY_VERSION || command[3] != 0x11 || !Arrays.equals(Octets.value(data, 0), expected)) {
      return Octets.of(0x6A, 0x80);
    }
    KeyPair ephemeral = Cryptography.newKeyPair();
    byte[] z = Octets.join(Cryptography.agree(ephemeral.getPrivate(), Octets.value(data, 1)),
        Cryptography.agree(own.getPrivate(), host));
    byte[] material = new byte[0];
    for (int i = 1; i <= 3; ++i) {
      material = Octets.join(material, Cryptography.sha256(z, Octets.number(i, 4), SHARED_INFO));
    }
    byte[] point = Octets.tlv(0x5F49, Cryptography.point(ephemeral.getPublic()));
    byte[] receipt = Cryptography.cmac(Octets.cut(material, 0, 16), data, point);
    channel.openAgreed(material, receipt, macSize);
    return fault.apply(Octets.join(point, Octets.tlv(0x86, receipt), OK));
  }
}
