// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.APDU;
import javacard.framework.Shareable;

/**
 * A stand-in for the interface of the GlobalPlatform Card API (annex A of the card specification) of this name, for
 * compiling and simulating: what the applet uses of it. A CAP file is built against the real export file, without this
 * folder.
 */
public interface SecureChannel extends Shareable {
  byte AUTHENTICATED = (byte) 0x80;
  byte C_MAC = 0x01;
  byte C_DECRYPTION = 0x02;
  byte R_MAC = 0x10;
  byte R_ENCRYPTION = 0x20;
  byte NO_SECURITY_LEVEL = 0x00;

  /** Receives and processes a command of the protocol; answers how many octets at OFFSET_CDATA are to be sent. */
  short processSecurity(APDU apdu);

  /** Unwraps a whole C-APDU in place; answers its length. */
  short unwrap(byte[] buffer, short offset, short length);

  /** Wraps data and status word in place; answers their length. */
  short wrap(byte[] buffer, short offset, short length);

  byte getSecurityLevel();
}
