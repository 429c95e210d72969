// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.security.KeyPair;
import java.util.Arrays;

/**
 * The maker at a card with the applet: opens a session of the domain's secure channel, has the keys generated, certifies
 * them (attestation profile ATT-1) and stores the certificates.
 */
public final class MakerSession {
  private static final int LEVEL = 0x33;
  private final SimulatedCard card;
  private final Scp03Card.KeySet keys;
  private byte[] sEnc;
  private byte[] sMac;
  private byte[] sRmac;
  private byte[] chaining = new byte[16];
  private int counter;

  public MakerSession(SimulatedCard card, Scp03Card.KeySet makers) {
    this.card = card;
    keys = makers;
  }

  public static byte[] data(byte[] answer) {
    return Arrays.copyOf(answer, answer.length - 2);
  }

  public static int status(byte[] answer) {
    return (answer[answer.length - 2] & 0xFF) << 8 | answer[answer.length - 1] & 0xFF;
  }

  private byte[] ok(byte[] answer) {
    if (status(answer) != 0x9000) {
      throw new IllegalStateException("the applet answered " + Octets.hex(answer));
    }
    return data(answer);
  }

  public void open() {
    ok(card.transmit(Octets.join(Octets.of(0, 0xA4, 4, 0, SimulatedCard.KDA.length), SimulatedCard.KDA, Octets.of(0))));
    byte[] host = Octets.hex("0102030405060708");
    byte[] update = ok(card.transmit(Octets.join(Octets.hex("8050000008"), host, Octets.of(0))));
    byte[] challenges = Octets.join(host, Octets.cut(update, 13, 21));
    sEnc = Scp03Card.derive(keys.enc, 4, challenges, keys.enc.length);
    sMac = Scp03Card.derive(keys.mac, 6, challenges, keys.enc.length);
    sRmac = Scp03Card.derive(keys.mac, 7, challenges, keys.enc.length);
    byte[] head = Octets.join(Octets.of(0x84, 0x82, LEVEL, 0, 0x10), Scp03Card.derive(sMac, 1, challenges, 8));
    chaining = Cryptography.cmac(sMac, new byte[16], head);
    ok(card.transmit(Octets.join(head, Arrays.copyOf(chaining, 8))));
  }

  private byte[] icv(int mark) {
    byte[] block = new byte[16];
    block[0] = (byte) mark;
    block[15] = (byte) counter;
    return Cryptography.block(sEnc, block);
  }

  /** The whole answer, its data out of the secure messaging. */
  public byte[] send(int cla, int instruction, int p2, byte[] data) {
    ++counter;
    byte[] body = data.length == 0 ? data : Cryptography.cbcEncrypt(sEnc, icv(0), Cryptography.pad(data));
    byte[] command = Octets.join(Octets.of(cla | 0x04, instruction, 0, p2, body.length + 8), body);
    chaining = Cryptography.cmac(sMac, chaining, command);
    byte[] answer = card.transmit(Octets.join(command, Arrays.copyOf(chaining, 8), Octets.of(0)));
    byte[] wrapped = data(answer);
    byte[] sw = Octets.cut(answer, answer.length - 2, answer.length);
    if (status(answer) != 0x9000) {
      return answer;
    }
    byte[] secured = Octets.cut(wrapped, 0, wrapped.length - 8);
    byte[] mac = Arrays.copyOf(Cryptography.cmac(sRmac, chaining, secured, sw), 8);
    if (!Arrays.equals(mac, Octets.cut(wrapped, wrapped.length - 8, wrapped.length))) {
      throw new IllegalStateException("wrong R-MAC");
    }
    byte[] plain = secured.length == 0 ? secured : Cryptography.unpad(Cryptography.cbcDecrypt(sEnc, icv(0x80), secured));
    return Octets.join(plain, sw);
  }

  /** The answer of GENERATE. */
  public byte[] generate() {
    return ok(send(0x80, 0x20, 0, new byte[0]));
  }

  /** The last status word. */
  public int storeCertificates(byte[] message) {
    int block = 0;
    for (int at = 0; ; at += 223, ++block) {
      boolean isLast = message.length - at <= 223;
      byte[] part = Octets.cut(message, at, isLast ? message.length : at + 223);
      byte[] answer = send(isLast ? 0x80 : 0x90, 0x22, block, part);
      if (isLast || status(answer) != 0x9000) {
        return status(answer);
      }
    }
  }

  /** Generates, certifies and stores. */
  public void make(Issuer issuer) {
    make(issuer, false);
  }

  /** The same, with CERT.OCE or without. */
  public void make(Issuer issuer, boolean withOce) {
    open();
    byte[] generated = generate();
    byte[] kda = issuer.certifyKda(Octets.value(generated, 0));
    int status = storeCertificates(
        withOce ? issuer.stored(kda, issuer.certifyOce(Octets.value(generated, 1))) : issuer.stored(kda));
    if (status != 0x9000) {
      throw new IllegalStateException("STORE CERTIFICATES answered " + Integer.toHexString(status));
    }
  }

  /** For the platform's own pairs. */
  public static byte[] point(KeyPair pair) {
    return Cryptography.point(pair.getPublic());
  }
}
