// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * A TargetDomain as an applet, beside the key delivery application in one card: an application that speaks SCP03 by itself.
 * For the simulation: it computes with the Java platform, and no card can load it.
 */
public final class TargetApplet extends Applet {
  private static final int KEY_VERSION = 0x30;
  private static final int PARAMETER = 0x70;
  private static TargetDomain prepared;
  private final TargetDomain domain;
  private final byte[] aid;

  private TargetApplet(byte[] own) {
    aid = own;
    domain = prepared;
  }

  /** What the next instance holds: a card's own way would be its personalization. */
  public static TargetDomain prepare(byte[] aid, Scp03Card.KeySet keys) {
    prepared = new TargetDomain(aid, PARAMETER);
    prepared.keySets.put(KEY_VERSION, keys);
    return prepared;
  }

  public static void install(byte[] parameters, short at, byte length) {
    byte[] own = Octets.cut(parameters, at + 1, at + 1 + parameters[at]);
    new TargetApplet(own).register(parameters, (short) (at + 1), parameters[at]);
  }

  @Override
  public void process(APDU apdu) {
    byte[] buffer = apdu.getBuffer();
    if (selectingApplet()) {
      send(apdu, Octets.tlv(0x6F, Octets.tlv(0x84, aid), Octets.tlv(0xA5)));
      return;
    }
    short size = apdu.setIncomingAndReceive();
    byte[] command = Octets.cut(buffer, 0, ISO7816.OFFSET_CDATA + size);
    command[0] &= (byte) 0xFC;
    byte[] answer = domain.process(command);
    send(apdu, Octets.cut(answer, 0, answer.length - 2));
    short status = Util.getShort(answer, (short) (answer.length - 2));
    if (status != (short) 0x9000) {
      ISOException.throwIt(status);
    }
  }

  private static void send(APDU apdu, byte[] data) {
    if (data.length > 0) {
      byte[] buffer = apdu.getBuffer();
      System.arraycopy(data, 0, buffer, 0, data.length);
      apdu.setOutgoingAndSend((short) 0, (short) data.length);
    }
  }
}
