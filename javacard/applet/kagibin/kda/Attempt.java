// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;
import javacard.security.ECPrivateKey;
import javacard.security.ECPublicKey;
import javacard.security.KeyPair;

/**
 * What belongs to one enrolment and goes with it: handle, CERT.SP, PK.SP.KEM, hashes, skE, CERT.SD where the enrolment
 * offers RL2, and one message: E4 until an envelope was good, then E2 until the outcome is final.
 *
 * <p>There is one attempt more than there are slots. A new one is written into the spare, in the open, and comes into
 * force when a transaction exchanges the two; a tear before that has changed nothing. {@code wipe} is owed by whoever
 * makes an attempt the spare.
 */
final class Attempt {
  static final short HANDLE = 0; // 16
  static final short KEM_KEY = 16; // 65
  static final short REQUEST_HASH = 81; // 32, SHA-256(TLV E0)
  static final short STATEMENT_HASH = 113; // 32, SHA-256(TLV E1)
  static final short CERTIFICATE_SIZE = 145; // 2
  static final short MESSAGE_SIZE = 147; // 2; 0: none
  static final short DOMAIN_SIZE = 149; // 2, of CERT.SD; 0: none
  static final short HEAD = 151;
  // The longest E4: T of 365 + 3 * 320 octets, padded, and 135 around it.
  static final short MESSAGE = 1472;

  final byte[] head = new byte[HEAD];
  final byte[] certificate = new byte[Certificate.MOST];
  final byte[] domain = new byte[Certificate.MOST];
  byte[] message = new byte[MESSAGE];
  private final KeyPair pair = Curve.pair();

  void newKey() {
    Curve.generate(pair);
  }

  ECPrivateKey key() {
    return (ECPrivateKey) pair.getPrivate();
  }

  /** pkE. */
  void point(byte[] to, short at) {
    ((ECPublicKey) pair.getPublic()).getW(to, at);
  }

  /** Of CERT.SD; 0: the enrolment offers no RL2. */
  short domainSize() {
    return Util.getShort(head, DOMAIN_SIZE);
  }

  /** skE goes. The message stays as ciphertext that nobody opens. */
  void wipe() {
    if (key().isInitialized()) {
      key().clearKey();
    }
  }
}
