// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

/**
 * The answer of NEXT (kagibin/kda/next.h): D0 C-APDU, D1 AID, D2 hint, built around a command that stands at COMMAND in
 * the exchange memory.
 */
final class NextAnswer {
  static final short COMMAND = 8;
  static final byte RESET = 1;
  static final byte SELECT = 2;
  static final byte WAIT = 3;
  static final byte DONE = 4;

  private final byte[] out;
  private final Answer answer;

  NextAnswer(Ram ram, Answer to) {
    out = ram.exchange;
    answer = to;
  }

  void send(short size) {
    finish((short) (COMMAND + size), size);
  }

  void selectAndSend(short size, Slot slot) {
    short end = Tlv.put(out, (short) (COMMAND + size), (byte) 0xD1, slot.record, Slot.TARGET,
        slot.record[Slot.TARGET_SIZE]);
    finish(Tlv.put(out, end, (byte) 0xD2, SELECT), size);
  }

  private void finish(short end, short size) {
    short start = Tlv.headBefore(out, COMMAND, (byte) 0xD0, size);
    answer.set(out, start, (short) (end - start));
  }

  /** RESET, WAIT and DONE come alone. */
  void hint(byte value) {
    Tlv.put(out, (short) 0, (byte) 0xD2, value);
    answer.set(out, (short) 0, (short) 3);
  }

  /** Whether the session ends with this answer. */
  boolean isHint() {
    return answer.size() == 3;
  }
}
