// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISOException;

/**
 * One run with the target: the actions, the probes and the outcomes; one R-APDU in, one C-APDU or hint out
 * (kagibin/se/kda/target/target_session.h, whose decisions it follows one by one).
 *
 * <p>Nothing that the relay hands in is believed without a proof: an R-MAC over 9000, or a card cryptogram. (SEQ, i, SENT)
 * is committed before the first C-APDU of action i leaves.
 */
final class TargetSession {
  private final Receipting receipting;
  private final NextAnswer out;
  private final Actions actions;
  private final Probe probe;
  private final TargetCommands commands;
  private final KeyList keyList;
  private final SessionState state = new SessionState();
  private final TargetChannel channel;
  private final byte[] exchange;
  private final byte[] journal;

  TargetSession(Engines all, Receipting receipts, NextAnswer answer, Scp11 scp11) {
    receipting = receipts;
    out = answer;
    actions = receipts.envelope.actions;
    exchange = all.ram.exchange;
    journal = state.journal;
    channel = new TargetChannel(all, state, receipts.envelope, answer, scp11);
    probe = channel.probe();
    commands = new TargetCommands(all, actions, channel);
    keyList = new KeyList(all);
  }

  boolean isActive() {
    return state.isActive();
  }

  boolean isFor(byte[] handle, short at) {
    return isActive() && Numbers.equal(state.slot().attempt.head, Attempt.HANDLE, handle, at, (short) 16);
  }

  /** Ends it and wipes all that was opened. */
  void drop() {
    if (isActive()) {
      channel.close();
      actions.payload.close();
      state.end();
    }
  }

  /** As STATUS shows it. */
  byte shownState() {
    if (state.fields[SessionState.STAGE] == SessionState.ACTION) {
      return Journal.SENT;
    }
    if (state.isSent()) {
      return Journal.UNKNOWN;
    }
    return channel.isOpen() ? Journal.CHANNEL : Journal.LOADED;
  }

  /** The first C-APDU. The envelope of the slot is open. */
  void begin(Slot slot) {
    state.begin(slot, (byte) (receipting.envelope.mask() & Scp03.S16));
    restart();
  }

  private void restart() {
    if (state.isSent()) {
      startProbe();
    } else if (state.is(SessionState.IS_UNANSWERED)) {
      resetFirst();
    } else {
      openChannel(Probe.SEND_AGAIN);
    }
  }

  /** The R-APDU to the last C-APDU; its data stand in the exchange memory. */
  void answered(short sw, short at, short size) {
    if (!receipting.isOpenFor(state.slot())) {
      receipting.open(state.slot());
    }
    byte stage = state.fields[SessionState.STAGE];
    state.fields[SessionState.STAGE] = SessionState.IDLE;
    switch (stage) {
      case SessionState.PROBE_UPDATE:
        cryptogramAnswered(sw, at, size);
        break;
      case SessionState.CHANNEL_UPDATE:
        follow(channel.updateAnswered(sw, at, size));
        break;
      case SessionState.CHANNEL_AUTHENTICATION:
        follow(channel.authenticationAnswered(sw, size));
        break;
      case SessionState.CARD_DATA:
        follow(channel.cardDataAnswered(sw, at, size));
        break;
      case SessionState.HOST_CERTIFICATE:
        follow(channel.certificateAnswered(sw));
        break;
      case SessionState.AGREEMENT:
        follow(channel.agreementAnswered(sw, at, size));
        break;
      case SessionState.KEY_LIST:
        keyListAnswered(sw, at, size);
        break;
      case SessionState.PROBE_COMMAND:
        probeAnswered(sw, at, size);
        break;
      case SessionState.PERSONALIZATION:
        personalizationAnswered(sw, at, size);
        break;
      case SessionState.ACTION:
        actionAnswered(sw, at, size);
        break;
      default:
        restart();
    }
  }

  private void openChannel(byte purpose) {
    follow(channel.open(purpose));
  }

  private void follow(byte outcome) {
    switch (outcome) {
      case TargetChannel.BLOCKED:
        blocked();
        break;
      case TargetChannel.UNRESOLVED:
        unresolved();
        break;
      case TargetChannel.PROVED:
        proved(Receipting.INSTALLED_BY_PROBE);
        break;
      case TargetChannel.ABSENT:
        provedAbsent();
        break;
      case TargetChannel.OPEN:
        channelOpen();
        break;
      default: // a command is on its way
    }
  }

  private void channelOpen() {
    byte purpose = state.fields[SessionState.PURPOSE];
    if (purpose == Probe.KEY_LIST) {
      transmit(SessionState.KEY_LIST, TargetCommands.keyInformation(exchange, NextAnswer.COMMAND));
    } else if (purpose == Probe.COMMAND) {
      transmit(SessionState.PROBE_COMMAND, commands.probe(state.current(), exchange, NextAnswer.COMMAND));
    } else {
      sendAction();
    }
  }

  // --- finding out ---

  private void startProbe() {
    channel.close();
    state.set(SessionState.IS_ABSENCE_PROVED, false);
    proceedWith(probe.kindFor(state.current(), actions.hasProbe(state.current())));
  }

  private void proceedWith(byte kind) {
    if (kind == Probe.CARD_CRYPTOGRAM) {
      askCryptogram();
    } else {
      openChannel(kind);
    }
  }

  private void askCryptogram() {
    channel.update(SessionState.PROBE_UPDATE, actions.newVersion(state.current()));
  }

  private void cryptogramAnswered(short sw, short at, short size) {
    if (channel.wantsS16(sw)) {
      askCryptogram();
      return;
    }
    byte finding = Probe.OPEN;
    if (sw == Status.OK && channel.scp.readUpdate(exchange, at, size)) {
      finding = probe.judgeCryptogram(state.current());
    }
    if (finding == Probe.PRESENT) {
      proved(Receipting.INSTALLED_BY_PROBE);
    } else if (finding == Probe.ABSENT) {
      provedAbsent();
    } else {
      byte next = probe.afterOpenCryptogram(state.current());
      if (next == Probe.CARD_CRYPTOGRAM) {
        unresolved();
      } else {
        openChannel(next);
      }
    }
  }

  private void keyListAnswered(short sw, short at, short size) {
    short plain = channel.authenticated(sw, at, size);
    if (plain < 0 || sw != Status.OK || !readKeyList(at, plain)) {
      unresolved();
      return;
    }
    state.fields[SessionState.HIGHEST_VERSION] = keyList.highestVersion();
    byte finding = probe.judgeKeyList(state.current(), keyList);
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

  // --- the actions ---

  private void sendAction() {
    if (state.is(SessionState.IS_UNANSWERED)) {
      resetFirst();
      return;
    }
    if (!state.is(SessionState.IS_COUNTED) && journal[Journal.SESSIONS] >= Journal.MOST_SESSIONS) {
      if (state.isSent() && !state.is(SessionState.IS_ABSENCE_PROVED)) {
        unresolved();
      } else {
        finish(Journal.ABSENT, Receipting.PROVED_ABSENT);
      }
      return;
    }
    short action = state.current();
    channel.findSet();
    commands.start(action);
    state.set(SessionState.IS_FIRST, true);
    if (commands.personalizes(action)) {
      if (state.is(SessionState.IS_CHANGED)) {
        state.commit();
      }
      transmit(SessionState.PERSONALIZATION, commands.personalization(action, exchange, NextAnswer.COMMAND));
      return;
    }
    sendCommand();
  }

  private void personalizationAnswered(short sw, short at, short size) {
    if (isDone(sw, at, size)) {
      sendCommand();
    } else if (state.isSent()) {
      unresolved();
    } else {
      blocked();
    }
  }

  private void sendCommand() {
    short size = commands.next(state.current(), exchange, NextAnswer.COMMAND, channel.scp.plainLimit());
    if (size < 0) {
      blocked();
      return;
    }
    if (state.is(SessionState.IS_FIRST)) {
      state.set(SessionState.IS_FIRST, false);
      journal[Journal.STATE] = Journal.SENT;
      journal[Journal.CHANNEL_REFUSED] = 0;
      if (!state.is(SessionState.IS_COUNTED)) {
        ++journal[Journal.SESSIONS];
      }
      state.set(SessionState.IS_COUNTED, true);
      state.set(SessionState.IS_ABSENCE_PROVED, false);
      state.commit();
    }
    transmit(SessionState.ACTION, size);
  }

  private void actionAnswered(short sw, short at, short size) {
    if (!isDone(sw, at, size)) {
      startProbe();
      return;
    }
    state.set(SessionState.IS_UNANSWERED, false);
    short action = state.current();
    if (commands.hasMore(action)) {
      sendCommand();
      return;
    }
    if (actions.kind(action) == Actions.PUT_KEY && actions.newVersion(action) > state.fields[SessionState.HIGHEST_VERSION]) {
      state.fields[SessionState.HIGHEST_VERSION] = actions.newVersion(action);
    }
    proved(Receipting.INSTALLED);
  }

  /** 9000 under R-MAC. */
  private boolean isDone(short sw, short at, short size) {
    return channel.authenticated(sw, at, size) >= 0 && sw == Status.OK;
  }

  // --- outcomes ---

  private void proved(byte result) {
    journal[(short) (Journal.RESULTS + journal[Journal.PROVED])] = result;
    ++journal[Journal.PROVED];
    journal[Journal.STATE] = Journal.LOADED;
    state.set(SessionState.IS_ABSENCE_PROVED, false);
    state.set(SessionState.IS_CHANGED, true);
    if (journal[Journal.PROVED] == journal[Journal.ACTIONS]) {
      finish(Journal.DONE, result);
    } else if (channel.isOpen()) {
      sendAction();
    } else {
      state.commit();
      openChannel(Probe.SEND_AGAIN);
    }
  }

  private void provedAbsent() {
    if (state.is(SessionState.IS_UNANSWERED)) {
      resetFirst();
      return;
    }
    state.set(SessionState.IS_ABSENCE_PROVED, true);
    if (journal[Journal.SESSIONS] >= Journal.MOST_SESSIONS && !state.is(SessionState.IS_COUNTED)) {
      finish(Journal.ABSENT, Receipting.PROVED_ABSENT);
    } else if (channel.isOpen()) {
      sendAction();
    } else {
      openChannel(Probe.SEND_AGAIN);
    }
  }

  /** Nothing of the current action has left in this session. */
  private void blocked() {
    channel.close();
    boolean isUntouched = !Journal.hasBegun(journal);
    if (isUntouched && journal[Journal.CHANNEL_REFUSED] == 0) {
      journal[Journal.CHANNEL_REFUSED] = 1;
      state.commit();
    } else if (state.is(SessionState.IS_CHANGED)) {
      state.commit();
    }
    out.hint(NextAnswer.WAIT);
  }

  /** Of the element: a command may still be on its way. */
  private void resetFirst() {
    channel.close();
    if (state.is(SessionState.IS_CHANGED)) {
      state.commit();
    }
    out.hint(NextAnswer.RESET);
  }

  /** No proof is to be had now. */
  private void unresolved() {
    channel.close();
    out.hint(NextAnswer.WAIT);
  }

  private void finish(byte end, byte rest) {
    channel.close();
    journal[Journal.STATE] = end;
    receipting.closeSession(state.slot(), journal, rest, state.fields[SessionState.HIGHEST_VERSION]);
    out.hint(NextAnswer.DONE);
  }

  private void transmit(byte stage, short octets) {
    if (channel.transmit(stage, octets)) {
      if (stage == SessionState.ACTION) {
        state.set(SessionState.IS_UNANSWERED, true);
      }
      return;
    }
    if (state.isSent()) {
      unresolved();
    } else {
      blocked();
    }
  }
}
