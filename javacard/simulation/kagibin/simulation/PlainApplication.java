// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

/** An application of a simulated card that is plain Java and no applet: short APDUs on channel 0, without SELECT. */
public interface PlainApplication {
  byte[] process(byte[] command);

  /** Selected, or the power was off. */
  void reset();
}
