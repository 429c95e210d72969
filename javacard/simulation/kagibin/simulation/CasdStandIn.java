// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.security.KeyPair;
import javacard.framework.Shareable;
import org.globalplatform.GPRegistryEntry;
import org.globalplatform.GlobalService;

/**
 * A CASD as the applet asks for one (kagibin.kda.Casd), and as the maker reaches it by APDUs (kagibin/se/casd). A stand-in of
 * ours in plain Java: it shows the applet's end of ATT-2 and says nothing about any card. It believes that whoever asks is
 * the applet and runs the code that it was told of; a card has to know both by itself.
 */
public final class CasdStandIn implements GlobalService, PlainApplication {
  public static final byte[] AID = Octets.hex("A00000015153504341534400");
  private static final byte[] PACKAGE = Octets.hex("F04B41474942494E");
  private static final byte[] DOMAIN = Octets.hex("A000000151000000");
  private static final int AGREEMENT = 6;
  private static final int SIGNATURE = 7;
  private static final byte[] OK = Octets.of(0x90, 0x00);
  private final KeyPair agreement = Cryptography.newKeyPair();
  private final KeyPair signature = Cryptography.newKeyPair();
  private final byte[] authority;
  private final byte[] codeHash;
  /** CERT.CASD.AUT; null: none yet. */
  public byte[] certificate;
  /** What it says is changed by this on its way, for tests. */
  public java.util.function.UnaryOperator<byte[]> lie = said -> said;

  public CasdStandIn(byte[] authorityPoint, byte[] hashOfLoadFile) {
    authority = authorityPoint;
    codeHash = hashOfLoadFile;
  }

  public byte[] point() {
    return Cryptography.point(signature.getPublic());
  }

  @Override
  public Shareable getServiceInterface(GPRegistryEntry client, short name, byte[] buffer, short offset, short length) {
    byte[] request = Octets.cut(buffer, offset, offset + length);
    byte[] said = lie.apply(answer(request));
    if (said == null) {
      return null;
    }
    byte[] framed = Octets.join(Octets.number(said.length, 2), said);
    System.arraycopy(framed, 0, buffer, offset, framed.length);
    return this;
  }

  private byte[] answer(byte[] request) {
    switch (request[0]) {
      case 1:
        return certificate;
      case 2:
        return Octets.join(authority, Octets.number(0, 2));
      case 3:
        return statement(Octets.cut(request, 1, 33));
      default:
        return null;
    }
  }

  /** E6, what an application had signed (kagibin/gp/confidential/authority_signature.h). */
  private byte[] statement(byte[] data) {
    byte[] body = Octets.join(Octets.tlv(0x80, Octets.of(1)), Octets.tlv(0x4F, SimulatedCard.KDA),
        Octets.tlv(0x81, PACKAGE), Octets.tlv(0x82, codeHash), Octets.tlv(0x83, DOMAIN),
        Octets.tlv(0x84, Cryptography.sha256(data)));
    return Octets.tlv(0xE6, body,
        Octets.tlv(0x5F37, Cryptography.signRaw(signature.getPrivate(), Octets.ascii("KB1-CSD"), body)));
  }

  @Override
  public byte[] process(byte[] command) {
    int length = command.length > 4 ? command[4] & 0xFF : 0;
    byte[] data = command.length > 5 ? Octets.cut(command, 5, 5 + length) : new byte[0];
    int header = (command[0] & 0xFF) << 24 | (command[1] & 0xFF) << 16 | (command[2] & 0xFF) << 8 | command[3] & 0xFF;
    if (header == 0x80CA00E5) {
      return Octets.join(request(Octets.find(data, 0x81)[0], Octets.find(data, 0x82)), OK);
    }
    if (header == 0x80E29000) {
      byte[] kind = Octets.find(Octets.find(Octets.value(data, 0), 0x53), 0x80);
      certificate = kind[0] == SIGNATURE ? data : certificate;
      return OK;
    }
    return Octets.of(0x6D, 0x00);
  }

  /** A certification request (kagibin/pki/certification_request.h). */
  private byte[] request(int kind, byte[] name) {
    KeyPair pair = kind == AGREEMENT ? agreement : signature;
    byte[] body = Octets.join(Octets.tlv(0x80, Octets.of(1)), Octets.tlv(0x81, Octets.of(kind)), Octets.tlv(0x82, name),
        Octets.tlv(0x83, Cryptography.point(pair.getPublic())));
    return Octets.tlv(0xE5, body,
        Octets.tlv(0x9E, Cryptography.sign(pair.getPrivate(), Octets.ascii("KB1-REQ"), body)));
  }

  @Override
  public void reset() {
    // It keeps nothing of a session.
  }
}
