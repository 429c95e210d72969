// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** A stand-in like SecureChannel: what the registry says of an application, of which the applet asks nothing. */
public interface GPRegistryEntry extends Shareable {}
