// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * What one run with the target remembers from one answer to the next: the stage, the journal as it is to be committed, the
 * slot. All of it is in memory that a reset clears; the journal that lasts says enough to begin again.
 */
final class SessionState {
  // Stages: what the R-APDU to come answers.
  static final byte IDLE = 0;
  static final byte PROBE_UPDATE = 1;
  static final byte CHANNEL_UPDATE = 2;
  static final byte CHANNEL_AUTHENTICATION = 3;
  static final byte KEY_LIST = 4;
  static final byte PROBE_COMMAND = 5;
  static final byte PERSONALIZATION = 6;
  static final byte ACTION = 7;
  static final byte CARD_DATA = 8;
  static final byte HOST_CERTIFICATE = 9;
  static final byte AGREEMENT = 10;

  private static final short IS_ACTIVE = 0;
  static final short STAGE = 1;
  static final short PURPOSE = 2; // of the channel, one of Probe's kinds; SEND_AGAIN delivers
  static final short IS_ABSENCE_PROVED = 3; // of the current action, in this run
  static final short IS_S16 = 4;
  static final short IS_COUNTED = 5; // this channel is in the journal's sessions
  static final short IS_CHANGED = 6; // results are proved that are not committed yet
  static final short HIGHEST_VERSION = 7;
  static final short IS_FIRST = 8; // the next command is the first that carries something of the action
  private static final short OF_ONE_RUN = 9; // the fields above
  /** A command of an action left since the last reset and its answer proved nothing; of whichever delivery. */
  static final short IS_UNANSWERED = 9;
  private static final short FIELDS = 10;

  final byte[] fields = JCSystem.makeTransientByteArray(FIELDS, JCSystem.CLEAR_ON_RESET);
  final byte[] journal = JCSystem.makeTransientByteArray(Journal.SIZE, JCSystem.CLEAR_ON_RESET);
  private final Object[] slots = JCSystem.makeTransientObjectArray((short) 1, JCSystem.CLEAR_ON_RESET);

  void begin(Slot slot, byte isS16) {
    slots[0] = slot;
    Util.arrayCopyNonAtomic(slot.journal, (short) 0, journal, (short) 0, Journal.SIZE);
    Util.arrayFillNonAtomic(fields, (short) 0, OF_ONE_RUN, (byte) 0);
    fields[IS_ACTIVE] = 1;
    fields[IS_S16] = isS16;
    fields[HIGHEST_VERSION] = slot.record[Slot.HIGHEST_VERSION];
  }

  void end() {
    Util.arrayFillNonAtomic(fields, (short) 0, OF_ONE_RUN, (byte) 0);
    slots[0] = null;
  }

  boolean isActive() {
    return fields[IS_ACTIVE] != 0;
  }

  boolean is(short field) {
    return fields[field] != 0;
  }

  void set(short field, boolean value) {
    fields[field] = value ? (byte) 1 : (byte) 0;
  }

  Slot slot() {
    return (Slot) slots[0];
  }

  boolean isSent() {
    return journal[Journal.STATE] == Journal.SENT;
  }

  /** The action that is to be proved next. */
  short current() {
    return journal[Journal.PROVED];
  }

  void commit() {
    JCSystem.beginTransaction();
    Util.arrayCopy(journal, (short) 0, slot().journal, (short) 0, Journal.SIZE);
    JCSystem.commitTransaction();
    fields[IS_CHANGED] = 0;
  }
}
