// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.security.SecureRandom;
import java.util.Arrays;

/** The card's end of SCP03 (Amendment D 1.2), over the Java platform: for domains of the simulation. */
public final class Scp03Card {
  /** Key-ENC, Key-MAC, Key-DEK. */
  public static final class KeySet {
    public byte[] enc;
    public byte[] mac;
    public byte[] dek;

    public KeySet(byte[] enc, byte[] mac, byte[] dek) {
      this.enc = enc;
      this.mac = mac;
      this.dek = dek;
    }
  }

  private static final int R_MAC = 0x10;
  private static final int R_ENCRYPTION = 0x20;
  private final int parameter;
  private int mode;
  private final SecureRandom random = new SecureRandom();
  private KeySet keys;
  private byte[] challenges;
  private byte[] sEnc;
  private byte[] sMac;
  private byte[] sRmac;
  private byte[] chaining = new byte[16];
  private int counter;
  private int level;
  private boolean isOpen;
  private int sequence;

  public Scp03Card(int i) {
    parameter = i;
    close();
  }

  public int mode() {
    return mode;
  }

  public boolean isOpen() {
    return isOpen;
  }

  public int level() {
    return isOpen ? level : 0;
  }

  public KeySet keys() {
    return keys;
  }

  public final void close() {
    isOpen = false;
    sMac = null;
    mode = (parameter & 1) != 0 ? 16 : 8;
  }

  /** A session that SCP11 agreed on: of the key material the first key is the receipt's; its Key-DEK is the session's. */
  void openAgreed(byte[] material, byte[] receipt, int macSize) {
    sEnc = Octets.cut(material, 16, 32);
    sMac = Octets.cut(material, 32, 48);
    sRmac = Octets.cut(material, 48, 64);
    keys = new KeySet(sEnc, sMac, Octets.cut(material, 64, 80));
    chaining = receipt;
    counter = 0;
    level = 0x33;
    mode = macSize;
    isOpen = true;
  }

  static byte[] derive(byte[] key, int constant, byte[] context, int size) {
    byte[] out = new byte[0];
    for (int i = 1; out.length < size; ++i) {
      byte[] head = Octets.join(new byte[11], Octets.of(constant, 0, size * 8 >> 8, size * 8, i));
      out = Octets.join(out, Cryptography.cmac(key, head, context));
    }
    return Arrays.copyOf(out, size);
  }

  /** The data of the answer. */
  public byte[] initializeUpdate(int version, KeySet set, byte[] hostChallenge, byte[] aid) {
    close();
    keys = set;
    byte[] cardChallenge = new byte[mode()];
    byte[] tail = new byte[0];
    if ((parameter & 0x10) != 0) {
      tail = Octets.number(++sequence, 3);
      cardChallenge = derive(set.enc, 2, Octets.join(tail, aid), mode());
    } else {
      random.nextBytes(cardChallenge);
    }
    challenges = Octets.join(hostChallenge, cardChallenge);
    sEnc = derive(set.enc, 4, challenges, set.enc.length);
    sMac = derive(set.mac, 6, challenges, set.enc.length);
    sRmac = derive(set.mac, 7, challenges, set.enc.length);
    byte[] cryptogram = derive(sMac, 0, challenges, mode());
    return Octets.join(new byte[10], Octets.of(version, 3, parameter), cardChallenge, cryptogram, tail);
  }

  /** Whether a whole EXTERNAL AUTHENTICATE (header, Lc, data) opens the session. */
  public boolean externalAuthenticate(byte[] command) {
    if (sMac == null || command.length < 5 + 2 * mode()) {
      return false;
    }
    level = command[2];
    chaining = new byte[16];
    counter = 0;
    byte[] expected = derive(sMac, 1, challenges, mode());
    boolean isGood = Arrays.equals(expected, Octets.cut(command, 5, 5 + mode())) && isMacGood(command, 5 + mode());
    isOpen = isGood;
    return isGood;
  }

  private boolean isMacGood(byte[] command, int end) {
    byte[] covered = Octets.cut(command, 0, end);
    covered[0] = (byte) ((covered[0] & 0xFC) | 0x04);
    byte[] mac = Cryptography.cmac(sMac, chaining, covered);
    boolean isGood = Arrays.equals(Arrays.copyOf(mac, mode()), Octets.cut(command, end, end + mode()));
    chaining = mac;
    return isGood;
  }

  private byte[] icv(int mark) {
    byte[] block = new byte[16];
    block[0] = (byte) mark;
    System.arraycopy(Octets.number(counter, 4), 0, block, 12, 4);
    return Cryptography.block(sEnc, block);
  }

  /** The data in the clear of a wrapped command without its Le; null, and the session is over, when it is wrong. */
  public byte[] unwrap(byte[] command) {
    int end = command.length - mode();
    if (!isOpen || end < 5 || !isMacGood(command, end)) {
      close();
      return null;
    }
    ++counter;
    byte[] body = Octets.cut(command, 5, end);
    if ((level & 2) == 0 || body.length == 0) {
      return body;
    }
    byte[] plain = Cryptography.unpad(Cryptography.cbcDecrypt(sEnc, icv(0), body));
    if (plain == null) {
      close();
    }
    return plain;
  }

  /** Data as they leave with this status word. */
  public byte[] wrap(byte[] data, int sw) {
    boolean isCovered = sw == 0x9000 || sw >> 8 == 0x62 || sw >> 8 == 0x63;
    if (!isOpen || (level & R_MAC) == 0) {
      return data;
    }
    if (!isCovered) {
      return new byte[0];
    }
    byte[] body = data;
    if ((level & R_ENCRYPTION) != 0 && data.length > 0) {
      body = Cryptography.cbcEncrypt(sEnc, icv(0x80), Cryptography.pad(data));
    }
    byte[] mac = Cryptography.cmac(sRmac, chaining, body, Octets.number(sw, 2));
    return Octets.join(body, Arrays.copyOf(mac, mode()));
  }
}
