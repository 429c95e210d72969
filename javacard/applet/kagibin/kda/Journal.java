// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

/**
 * Where a delivery stands, as octets (doc/wire_format.md, 6 and 9 of the protocol): the lasting one in a slot, and a copy
 * of it in a session. States are those of STATUS; CHANNEL and UNKNOWN are a session's and never last.
 */
final class Journal {
  static final byte ENROLLED = 1;
  static final byte LOADED = 2;
  static final byte CHANNEL = 3;
  static final byte SENT = 4;
  static final byte UNKNOWN = 5;
  static final byte DONE = 6;
  static final byte ABSENT = 7;
  static final byte REFUSED = 8;
  static final byte CANCELLED = 9;
  static final byte SUPERSEDED = 10;

  static final short STATE = 0;
  static final short REFUSALS = 1; // envelopes that A signed and that did not open
  static final short SESSIONS = 2; // in which a key has left
  static final short CHANNEL_REFUSED = 3;
  static final short ACTIONS = 4; // of the envelope that opened; 0: none did
  static final short PROVED = 5; // how many of the first actions are proved
  static final short RESULTS = 6; // 8
  static final short HEADER_HASH = 14; // 32, SHA-256(TLV A0) of the last envelope that A signed
  static final short SEQ = 46; // 4
  static final short LEVEL = 50;
  static final short SIZE = 51;

  static final byte MOST_REFUSALS = 3;
  static final byte MOST_SESSIONS = 3;

  private Journal() {}

  static boolean isFinal(byte state) {
    return state >= DONE;
  }

  static boolean isDelivering(byte[] journal) {
    return journal[STATE] == LOADED || journal[STATE] == SENT;
  }

  /** Whether a command that bears a key may have left already. */
  static boolean hasBegun(byte[] journal) {
    return journal[STATE] == SENT || journal[SESSIONS] > 0 || journal[PROVED] > 0;
  }
}
