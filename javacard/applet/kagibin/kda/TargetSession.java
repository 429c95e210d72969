// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * One run with the target: the channel, the actions, the probes; one R-APDU in, one C-APDU or hint out
 * (kagibin/se/kda/target/target_session.h, whose decisions it follows one by one). All of it is in memory that a reset
 * clears; the journal that lasts says enough to begin again.
 *
 * <p>Nothing that the relay hands in is believed without a proof: an R-MAC over 9000, or a card cryptogram. (SEQ, i, SENT)
 * is committed before the first C-APDU of action i leaves.
 */
final class TargetSession {
  // Stages: what the R-APDU to come answers.
  private static final byte IDLE = 0;
  private static final byte PROBE_UPDATE = 1;
  private static final byte CHANNEL_UPDATE = 2;
  private static final byte CHANNEL_AUTHENTICATION = 3;
  private static final byte KEY_LIST = 4;
  private static final byte PROBE_COMMAND = 5;
  private static final byte PERSONALIZATION = 6;
  private static final byte ACTION = 7;

  // Fields of state.
  private static final short IS_ACTIVE = 0;
  private static final short STAGE = 1;
  private static final short PURPOSE = 2; // of the channel, one of Probe's kinds; SEND_AGAIN delivers
  private static final short IS_ABSENCE_PROVED = 3; // of the current action, in this run
  private static final short IS_S16 = 4;
  private static final short IS_COUNTED = 5; // this channel is in the journal's sessions
  private static final short IS_CHANGED = 6; // results are proved that are not committed yet
  private static final short HIGHEST_VERSION = 7;
  private static final short IS_FIRST = 8; // the next command is the first that carries something of the action
  private static final short FIELDS = 9;

  private static final byte REQUIRED_BITS = 0x7F;
  private static final short NO_PSEUDO_RANDOM = 0x80;

  private final Engines engines;
  private final Receipting receipting;
  private final NextAnswer out;
  private final Actions actions;
  private final ChannelKeys keys;
  private final Probe probe;
  private final TargetCommands commands;
  private final KeyList keyList;
  private final Scp03 channel;
  private final byte[] exchange;
  private final byte[] state = JCSystem.makeTransientByteArray(FIELDS, JCSystem.CLEAR_ON_RESET);
  private final byte[] journal = JCSystem.makeTransientByteArray(Journal.SIZE, JCSystem.CLEAR_ON_RESET);
  private final Object[] slots = JCSystem.makeTransientObjectArray((short) 1, JCSystem.CLEAR_ON_RESET);

  TargetSession(Engines all, Receipting receipts, NextAnswer answer) {
    engines = all;
    receipting = receipts;
    out = answer;
    actions = receipts.envelope.actions;
    exchange = all.ram.exchange;
    channel = new Scp03(all);
    keys = new ChannelKeys(actions, all.ram);
    probe = new Probe(actions, keys, channel, all.ram);
    commands = new TargetCommands(all, actions, keys);
    keyList = new KeyList(all);
  }

  boolean isActive() {
    return state[IS_ACTIVE] != 0;
  }

  boolean isFor(byte[] handle, short at) {
    return isActive() && Numbers.equal(slot().attempt.head, Attempt.HANDLE, handle, at, (short) 16);
  }

  private Slot slot() {
    return (Slot) slots[0];
  }

  /** Ends it and wipes all that was opened. */
  void drop() {
    if (isActive()) {
      channel.close();
      actions.payload.close();
      Util.arrayFillNonAtomic(state, (short) 0, FIELDS, (byte) 0);
      slots[0] = null;
    }
  }

  /** As STATUS shows it. */
  byte shownState() {
    if (state[STAGE] == ACTION) {
      return Journal.SENT;
    }
    if (isSent()) {
      return Journal.UNKNOWN;
    }
    return channel.isOpen() ? Journal.CHANNEL : Journal.LOADED;
  }

  private boolean isSent() {
    return journal[Journal.STATE] == Journal.SENT;
  }

  private short current() {
    return journal[Journal.PROVED];
  }

  /** The first C-APDU. The envelope of the slot is open. */
  void begin(Slot slot) {
    slots[0] = slot;
    Util.arrayCopyNonAtomic(slot.journal, (short) 0, journal, (short) 0, Journal.SIZE);
    Util.arrayFillNonAtomic(state, (short) 0, FIELDS, (byte) 0);
    state[IS_ACTIVE] = 1;
    state[IS_S16] = (byte) (receipting.envelope.mask() & Scp03.S16);
    state[HIGHEST_VERSION] = slot.record[Slot.HIGHEST_VERSION];
    restart();
  }

  private void restart() {
    if (isSent()) {
      startProbe();
    } else {
      openChannel(Probe.SEND_AGAIN);
    }
  }

  /** The R-APDU to the last C-APDU; its data stand in the exchange memory. */
  void answered(short sw, short at, short size) {
    if (!receipting.isOpenFor(slot())) {
      receipting.open(slot());
    }
    byte stage = state[STAGE];
    state[STAGE] = IDLE;
    switch (stage) {
      case PROBE_UPDATE:
        cryptogramAnswered(sw, at, size);
        break;
      case CHANNEL_UPDATE:
        updateAnswered(sw, at, size);
        break;
      case CHANNEL_AUTHENTICATION:
        authenticationAnswered(sw, size);
        break;
      case KEY_LIST:
        keyListAnswered(sw, at, size);
        break;
      case PROBE_COMMAND:
        probeAnswered(sw, at, size);
        break;
      case PERSONALIZATION:
        personalizationAnswered(sw, at, size);
        break;
      case ACTION:
        actionAnswered(sw, at, size);
        break;
      default:
        restart();
    }
  }

  // --- finding out ---

  private void startProbe() {
    closeChannel();
    state[IS_ABSENCE_PROVED] = 0;
    proceedWith(probe.kindFor(current(), commands.hasProbe(current())));
  }

  private void proceedWith(byte kind) {
    if (kind == Probe.CARD_CRYPTOGRAM) {
      askCryptogram();
    } else {
      openChannel(kind);
    }
  }

  private void askCryptogram() {
    update(PROBE_UPDATE, actions.newVersion(current()));
  }

  private void update(byte stage, byte version) {
    short size = channel.initializeUpdate(version, state[IS_S16] != 0, exchange, NextAnswer.COMMAND);
    state[STAGE] = stage;
    out.selectAndSend(size, slot());
  }

  private void cryptogramAnswered(short sw, short at, short size) {
    if (sw == (short) 0x6700 && state[IS_S16] == 0) {
      state[IS_S16] = 1;
      askCryptogram();
      return;
    }
    byte finding = Probe.OPEN;
    if (sw == Status.OK && channel.readUpdate(exchange, at, size)) {
      finding = probe.judgeCryptogram(current());
    }
    if (finding == Probe.PRESENT) {
      proved(Receipting.INSTALLED_BY_PROBE);
    } else if (finding == Probe.ABSENT) {
      provedAbsent();
    } else {
      byte next = probe.afterOpenCryptogram(current());
      if (next == Probe.CARD_CRYPTOGRAM) {
        unresolved();
      } else {
        openChannel(next);
      }
    }
  }

  private void keyListAnswered(short sw, short at, short size) {
    short plain = authenticated(sw, at, size);
    if (plain < 0 || sw != Status.OK || !readKeyList(at, plain)) {
      unresolved();
      return;
    }
    state[HIGHEST_VERSION] = keyList.highestVersion();
    byte finding = probe.judgeKeyList(current(), keyList);
    if (finding == Probe.PRESENT) {
      proved(Receipting.INSTALLED_BY_PROBE);
    } else if (finding == Probe.ABSENT) {
      provedAbsent();
    } else {
      unresolved();
    }
  }

  private boolean readKeyList(short at, short size) {
    try {
      keyList.read(at, size);
      return true;
    } catch (ISOException malformed) {
      return false;
    }
  }

  private void probeAnswered(short sw, short at, short size) {
    if (isDone(sw, at, size)) {
      proved(Receipting.INSTALLED_BY_PROBE);
    } else if (channel.isOpen()) {
      sendAction();
    } else {
      unresolved();
    }
  }

  // --- the channel ---

  private boolean findSet() {
    short action = current();
    boolean isKnown = keys.follow(action, ChannelKeys.BEFORE);
    boolean mayBeGone = isSent() && isKnown && actions.kind(action) == Actions.DELETE_KEY
        && actions.deletedVersion(action) == keys.version(ChannelKeys.BEFORE);
    if (mayBeGone && keys.follow((short) (action + 1), ChannelKeys.AFTER)) {
      keys.preferAfter();
    }
    return isKnown;
  }

  private void openChannel(byte purpose) {
    closeChannel();
    state[PURPOSE] = purpose;
    if (!findSet() || !keys.isUsable(ChannelKeys.BEFORE)) {
      blocked();
      return;
    }
    update(CHANNEL_UPDATE, (byte) keys.version(ChannelKeys.BEFORE));
  }

  private void updateAnswered(short sw, short at, short size) {
    if (sw == (short) 0x6700 && state[IS_S16] == 0) {
      state[IS_S16] = 1;
      openChannel(state[PURPOSE]);
      return;
    }
    short required = (short) (receipting.envelope.mask() & REQUIRED_BITS);
    boolean isAccepted = sw == Status.OK && channel.readUpdate(exchange, at, size)
        && (short) (channel.parameter() & required) == required;
    if (!isAccepted) {
      blocked();
      return;
    }
    if (isSent() && probe.isProvedByChannel(current())) {
      closeChannel();
      proved(Receipting.INSTALLED_BY_PROBE);
      return;
    }
    findSet();
    if (channel.offersRmac()) {
      authenticate();
    } else {
      withoutRmac();
    }
  }

  private void withoutRmac() {
    for (short action = current(); action < actions.count(); ++action) {
      if (!keys.isWholeSet(action)) {
        blocked();
        return;
      }
    }
    if (state[PURPOSE] != Probe.KEY_LIST) {
      authenticate();
    } else if (probe.isDisprovedByChannel(current())) {
      provedAbsent();
    } else {
      unresolved();
    }
  }

  private void authenticate() {
    Slot slot = slot();
    boolean mayBePseudoRandom = (short) (receipting.envelope.mask() & NO_PSEUDO_RANDOM) == 0;
    boolean isGood = channel.fitsMode()
        && (mayBePseudoRandom || (byte) (channel.parameter() & Scp03.PSEUDO_RANDOM) == 0);
    if (isGood) {
      short size = keys.copy(ChannelKeys.BEFORE, ChannelKeys.ENC);
      isGood = channel.isChallengeUnder(engines.ram.work, Ram.KEY, size, slot.record, Slot.TARGET,
          slot.record[Slot.TARGET_SIZE]);
    }
    if (isGood) {
      short size = keys.copy(ChannelKeys.BEFORE, ChannelKeys.MAC);
      isGood = channel.isCryptogramUnder(engines.ram.work, Ram.KEY, size);
      channel.deriveFromMac(engines.ram.work, Ram.KEY, size);
      size = keys.copy(ChannelKeys.BEFORE, ChannelKeys.ENC);
      channel.deriveFromEnc(engines.ram.work, Ram.KEY, size);
    }
    keys.wipeCopy();
    if (!isGood) {
      blocked();
      return;
    }
    state[STAGE] = CHANNEL_AUTHENTICATION;
    out.send(channel.externalAuthenticate(exchange, NextAnswer.COMMAND));
  }

  private void authenticationAnswered(short sw, short size) {
    if (sw != Status.OK || size != 0) {
      blocked();
      return;
    }
    channel.setOpen();
    if (state[PURPOSE] == Probe.KEY_LIST) {
      transmit(KEY_LIST, TargetCommands.keyInformation(exchange, NextAnswer.COMMAND));
    } else if (state[PURPOSE] == Probe.COMMAND) {
      transmit(PROBE_COMMAND, commands.probe(current(), exchange, NextAnswer.COMMAND));
    } else {
      sendAction();
    }
  }

  // --- the actions ---

  private void sendAction() {
    if (state[IS_COUNTED] == 0 && journal[Journal.SESSIONS] >= Journal.MOST_SESSIONS) {
      if (isSent() && state[IS_ABSENCE_PROVED] == 0) {
        unresolved();
      } else {
        finish(Journal.ABSENT, Receipting.PROVED_ABSENT);
      }
      return;
    }
    short action = current();
    findSet();
    commands.start(action);
    state[IS_FIRST] = 1;
    if (commands.personalizes(action)) {
      if (state[IS_CHANGED] != 0) {
        commit();
      }
      transmit(PERSONALIZATION, commands.personalization(action, exchange, NextAnswer.COMMAND));
      return;
    }
    sendCommand();
  }

  private void personalizationAnswered(short sw, short at, short size) {
    if (isDone(sw, at, size)) {
      sendCommand();
    } else if (isSent()) {
      unresolved();
    } else {
      blocked();
    }
  }

  private void sendCommand() {
    short size = commands.next(current(), exchange, NextAnswer.COMMAND, channel.plainLimit());
    if (size < 0) {
      blocked();
      return;
    }
    if (state[IS_FIRST] != 0) {
      state[IS_FIRST] = 0;
      journal[Journal.STATE] = Journal.SENT;
      journal[Journal.CHANNEL_REFUSED] = 0;
      if (state[IS_COUNTED] == 0) {
        ++journal[Journal.SESSIONS];
      }
      state[IS_COUNTED] = 1;
      state[IS_ABSENCE_PROVED] = 0;
      commit();
    }
    transmit(ACTION, size);
  }

  private void actionAnswered(short sw, short at, short size) {
    if (!isDone(sw, at, size)) {
      startProbe();
      return;
    }
    short action = current();
    if (commands.hasMore(action)) {
      sendCommand();
      return;
    }
    if (actions.kind(action) == Actions.PUT_KEY && actions.newVersion(action) > state[HIGHEST_VERSION]) {
      state[HIGHEST_VERSION] = actions.newVersion(action);
    }
    proved(Receipting.INSTALLED);
  }

  /** 9000 under R-MAC. */
  private boolean isDone(short sw, short at, short size) {
    return authenticated(sw, at, size) >= 0 && sw == Status.OK;
  }

  /** The length of the data in the clear when an R-MAC covers the answer; -1 otherwise. */
  private short authenticated(short sw, short at, short size) {
    return channel.isOpen() && channel.isCovered(sw) ? channel.unwrap(exchange, at, size, sw) : (short) -1;
  }

  // --- outcomes ---

  private void proved(byte result) {
    journal[(short) (Journal.RESULTS + journal[Journal.PROVED])] = result;
    ++journal[Journal.PROVED];
    journal[Journal.STATE] = Journal.LOADED;
    state[IS_ABSENCE_PROVED] = 0;
    state[IS_CHANGED] = 1;
    if (journal[Journal.PROVED] == journal[Journal.ACTIONS]) {
      finish(Journal.DONE, result);
    } else if (channel.isOpen()) {
      sendAction();
    } else {
      commit();
      openChannel(Probe.SEND_AGAIN);
    }
  }

  private void provedAbsent() {
    state[IS_ABSENCE_PROVED] = 1;
    if (journal[Journal.SESSIONS] >= Journal.MOST_SESSIONS && state[IS_COUNTED] == 0) {
      finish(Journal.ABSENT, Receipting.PROVED_ABSENT);
    } else if (channel.isOpen()) {
      sendAction();
    } else {
      openChannel(Probe.SEND_AGAIN);
    }
  }

  /** Nothing of the current action has left in this session. */
  private void blocked() {
    closeChannel();
    boolean isUntouched = !Journal.hasBegun(journal);
    if (isUntouched && journal[Journal.CHANNEL_REFUSED] == 0) {
      journal[Journal.CHANNEL_REFUSED] = 1;
      commit();
    } else if (state[IS_CHANGED] != 0) {
      commit();
    }
    out.hint(NextAnswer.WAIT);
  }

  /** No proof is to be had now. */
  private void unresolved() {
    closeChannel();
    out.hint(NextAnswer.WAIT);
  }

  private void finish(byte end, byte rest) {
    closeChannel();
    journal[Journal.STATE] = end;
    receipting.closeSession(slot(), journal, rest, state[HIGHEST_VERSION]);
    out.hint(NextAnswer.DONE);
  }

  private void transmit(byte stage, short octets) {
    short size = channel.wrap(exchange, NextAnswer.COMMAND, octets);
    if (size == 0) {
      if (isSent()) {
        unresolved();
      } else {
        blocked();
      }
      return;
    }
    state[STAGE] = stage;
    out.send(size);
  }

  private void commit() {
    JCSystem.beginTransaction();
    Util.arrayCopy(journal, (short) 0, slot().journal, (short) 0, Journal.SIZE);
    JCSystem.commitTransaction();
    state[IS_CHANGED] = 0;
  }

  private void closeChannel() {
    channel.close();
    state[IS_COUNTED] = 0;
  }
}
