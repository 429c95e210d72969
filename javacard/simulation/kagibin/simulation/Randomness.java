// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.lang.reflect.Field;
import java.security.SecureRandom;

/**
 * jCardSim draws from a fixed stream: every card, and every key pair object in it, makes the same keys in the same order,
 * and the first random number is the beginning of the first private key. Here random data and key pairs get the Java
 * platform's randomness.
 *
 * <p>What cannot be reached are ECDSA's nonces: jCardSim signs with the same one every time. A simulated card keeps no
 * secret from anyone who sees two of its signatures; it is for tests alone.
 */
final class Randomness {
  private static final String KEY_PAIR = "com.licel.jcardsim.crypto.KeyPairImpl";

  private Randomness() {}

  /** Before the first RandomData is made. */
  static void ofRandomData() {
    System.setProperty("com.licel.jcardsim.randomdata.secure", "1");
  }

  /** To the key pairs that an applet holds, before they make their first keys. */
  static void giveTo(Object applet) {
    for (Object one : ObjectGraph.of(applet).objects()) {
      if (one.getClass().getName().equals(KEY_PAIR)) {
        try {
          Field source = one.getClass().getDeclaredField("rnd");
          source.setAccessible(true);
          source.set(one, new LongScalars());
        } catch (ReflectiveOperationException changed) {
          throw new IllegalStateException("this jCardSim keeps its randomness otherwise", changed);
        }
      }
    }
  }

  /**
   * No private key begins with a zero octet: jCardSim drops such an octet when it keeps a key, and then reads one too many
   * behind it where a longer key lay before.
   */
  private static final class LongScalars extends SecureRandom {
    private static final long serialVersionUID = 1;

    @Override
    public void nextBytes(byte[] out) {
      do {
        super.nextBytes(out);
      } while (out[0] == 0);
    }
  }
}
