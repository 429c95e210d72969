// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.globalplatform.SecureChannel;

/** What the security domain that loaded the applet gives it: the card's end of SCP03 under the maker's keys. */
public final class DomainChannel implements SecureChannel {
  private final Scp03Card channel;
  private final Scp03Card.KeySet keys;
  private final byte[] aid;

  public DomainChannel(Scp03Card.KeySet makers, int i, byte[] domainAid) {
    keys = makers;
    channel = new Scp03Card(i);
    aid = domainAid;
  }

  public void reset() {
    channel.close();
  }

  @Override
  public short processSecurity(APDU apdu) {
    byte[] buffer = apdu.getBuffer();
    short size = apdu.setIncomingAndReceive();
    byte[] command = Octets.cut(buffer, 0, ISO7816.OFFSET_CDATA + size);
    switch (command[1] & 0xFF) {
      case 0x50:
        if (size != channel.mode()) {
          ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        int version = command[2] == 0 ? 1 : command[2];
        byte[] answer = channel.initializeUpdate(version, keys, Octets.cut(command, 5, 5 + size), aid);
        System.arraycopy(answer, 0, buffer, ISO7816.OFFSET_CDATA, answer.length);
        return (short) answer.length;
      case 0x82:
        if (!channel.externalAuthenticate(command)) {
          ISOException.throwIt((short) 0x6300);
        }
        return 0;
      default:
        ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        return 0;
    }
  }

  @Override
  public short unwrap(byte[] buffer, short offset, short length) {
    byte[] plain = channel.unwrap(Octets.cut(buffer, offset, offset + length));
    if (plain == null) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    buffer[offset] = (byte) (buffer[offset] & ~0x04);
    buffer[offset + ISO7816.OFFSET_LC] = (byte) plain.length;
    System.arraycopy(plain, 0, buffer, offset + ISO7816.OFFSET_CDATA, plain.length);
    return (short) (ISO7816.OFFSET_CDATA + plain.length);
  }

  @Override
  public short wrap(byte[] buffer, short offset, short length) {
    byte[] data = Octets.cut(buffer, offset, offset + length - 2);
    byte[] sw = Octets.cut(buffer, offset + length - 2, offset + length);
    byte[] wrapped = Octets.join(channel.wrap(data, (sw[0] & 0xFF) << 8 | sw[1] & 0xFF), sw);
    System.arraycopy(wrapped, 0, buffer, offset, wrapped.length);
    return (short) wrapped.length;
  }

  @Override
  public byte getSecurityLevel() {
    return channel.isOpen() ? (byte) (AUTHENTICATED | channel.level()) : NO_SECURITY_LEVEL;
  }
}
