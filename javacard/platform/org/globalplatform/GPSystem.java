// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.AID;

/**
 * A stand-in like SecureChannel: the simulation says which channel the associated security domain gives, and which global
 * service there is.
 */
public final class GPSystem {
  private static SecureChannel channel;
  private static GlobalService service;
  private static final GPRegistryEntry OWN = new GPRegistryEntry() { };

  private GPSystem() {}

  public static SecureChannel getSecureChannel() {
    return channel;
  }

  public static GPRegistryEntry getRegistryEntry(AID application) {
    return application == null ? OWN : null;
  }

  public static GlobalService getService(AID server, short name) {
    return service;
  }

  /** Of the simulation alone. */
  public static void simulate(SecureChannel ofDomain) {
    channel = ofDomain;
  }

  /** Of the simulation alone; null: the card has none. */
  public static void simulate(GlobalService ofCasd) {
    service = ofCasd;
  }
}
