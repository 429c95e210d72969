// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * The card's end of command chaining (kagibin/kda/block_assembler.h): blocks count from 00 in P2; the one that came last
 * is taken again without effect; a gap is 6A80 and ends the chain; more than the buffer is 6700.
 */
final class Blocks {
  private static final byte IS_OPEN = 0;
  private static final byte INSTRUCTION = 1;
  private static final byte NUMBER = 2;
  private static final byte LAST_AT = 3;
  private static final byte SIZE = 4;

  private final byte[] message;
  private final short[] chain = JCSystem.makeTransientShortArray((short) 5, JCSystem.CLEAR_ON_RESET);

  Blocks(Ram ram) {
    message = ram.exchange;
  }

  /** True when the message is whole; it stands at the start of the exchange memory. */
  boolean accept(byte[] header, boolean hasMore, byte[] from, short at, short octets) {
    short instruction = header[ISO7816.OFFSET_INS];
    short number = (short) (header[ISO7816.OFFSET_P2] & 0xFF);
    if (header[ISO7816.OFFSET_P1] != 0) {
      refuse(ISO7816.SW_INCORRECT_P1P2);
    }
    boolean isSameChain = chain[IS_OPEN] != 0 && chain[INSTRUCTION] == instruction;
    boolean isAgain = isSameChain && number == chain[NUMBER] && hasMore
        && (short) (chain[SIZE] - chain[LAST_AT]) == octets
        && Numbers.equal(message, chain[LAST_AT], from, at, octets);
    if (isAgain) {
      return false;
    }
    if (number == 0) {
      chain[SIZE] = 0;
      chain[INSTRUCTION] = instruction;
    } else if (!isSameChain || number != (short) (chain[NUMBER] + 1)) {
      refuse(ISO7816.SW_WRONG_DATA);
    }
    if (octets > (short) (Ram.EXCHANGE - chain[SIZE])) {
      refuse(ISO7816.SW_WRONG_LENGTH);
    }
    chain[LAST_AT] = chain[SIZE];
    Util.arrayCopyNonAtomic(from, at, message, chain[SIZE], octets);
    chain[SIZE] = (short) (chain[SIZE] + octets);
    chain[NUMBER] = number;
    chain[IS_OPEN] = hasMore ? (short) 1 : (short) 0;
    return !hasMore;
  }

  /** Of the message that is whole. */
  short size() {
    return chain[SIZE];
  }

  /** Where so many octets have room behind a message that is coming in; where they have none, the chain ends. */
  short roomFor(short octets) {
    if (chain[IS_OPEN] == 0 || octets > (short) (Ram.EXCHANGE - chain[SIZE])) {
      drop();
    }
    return chain[SIZE];
  }

  /** Something else uses the exchange memory. */
  void drop() {
    chain[IS_OPEN] = 0;
    chain[SIZE] = 0;
  }

  private void refuse(short status) {
    drop();
    ISOException.throwIt(status);
  }
}
