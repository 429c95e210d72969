// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** A stand-in like SecureChannel: how an application asks a global service (in the real API from export file 1.1 on). */
public interface GlobalService extends Shareable {
  Shareable getServiceInterface(GPRegistryEntry client, short name, byte[] buffer, short offset, short length);
}
