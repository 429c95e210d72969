// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

/** A stand-in like SecureChannel: the simulation says which channel the associated security domain gives. */
public final class GPSystem {
  private static SecureChannel channel;

  private GPSystem() {}

  public static SecureChannel getSecureChannel() {
    return channel;
  }

  /** Of the simulation alone. */
  public static void simulate(SecureChannel ofDomain) {
    channel = ofDomain;
  }
}
