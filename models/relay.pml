/* SPDX-License-Identifier: Apache-2.0 */
/* The relay (protocol, sections 9 and 10): key delivery application, target and provider, with a device between them that may
   do anything but compute a MAC. Written after kagibin/se/kda; inlines carry the names of the functions they follow.

   The device loses, delays, forges and repeats what passes, takes the power away at every step, starts anew at every step, and
   withholds receipts and envelopes. At any moment it may become honest for good: from then on the delivery must end.

   Claims (assertions)
     1  an order (SEQ) puts at most one key: of the attempts under one SEQ at most one takes effect (deliveries of one action;
        in a list the provider seals the same actions again, and the claim is about orders)
     2  an older order never takes effect behind a newer one
     3  "installed" is said only of what is there; "proved absent" only of what is not there and never will be
     4  K stays in the element until the outcome is final: done, absent, cancelled
     5  at most three sessions that carry a key, whatever is torn
     6  no deadlock, no livelock: with an honest device every order ends in an installed key, or, where no proof is to be had
        (see is_provable), waits as unknown for the provider's cancellation
   A cryptogram and an R-MAC cannot be forged here, and an answer belongs to its command: that is models/delivery.

   Assumed: the provider seals under the channel keys that the card holds (it learns them from receipts).  Not modelled: refused
   envelopes, actions of several commands, PUT KEY of fewer than three keys, DELETE KEY of the channel's own set, E0 replayed.

   A fault is put in with -D; each must give a counterexample (models/run_relay):
     JOURNAL_AFTER_SEND  SENT is written when the answer comes       TRUST_ERROR_SW  an error status word proves absence
     TRUST_LIST          a key list is believed without R-MAC        FORGET_SEQ      nobody compares SEQ
     COMMIT_LATER        SEQ is committed behind DONE                WIPE_EARLY      K is wiped when the answer is no proof
     COUNT_IN_RAM        sessions are not in the journal             ENROL_OVER      a new enrolment replaces an open delivery
     NO_LIST             the key list is never asked for
     TWO_CHANNELS        the target keeps a session on each of two logical channels: README.md, "What the models found"
   RESET_FIRST with TWO_CHANNELS holds: behind a sending, the element is reset before a session or an absence counts.             */

#define GONE 14          /* no key set under this version */
#define ORIGINAL 0       /* the key set before the first delivery; a delivered one has its attempt's number */
#define MAX_ATTEMPTS 3   /* before the device is honest; two more then */
#ifdef RESET_FIRST
#define SENDS !needs_reset
#else
#define SENDS true
#endif
#define NOWHERE 2        /* no channel */
#ifdef TWO_CHANNELS
#define CHANNELS 2
#else
#define CHANNELS 1
#endif

/* What an action is. */
#define REPLACE 0   /* PUT KEY, whole set, in place of the channel's */
#define ADD 1       /* PUT KEY, whole set, a new version */
#define MOVE 2      /* PUT KEY, whole set, the channel's version gives way to a new one */
#define DELETE 3    /* DELETE KEY of another version */
#define STORE 4     /* STORE DATA or COMMAND without a probe */
#define PROBED 5    /* the same with a probe in the payload */

mtype = { ENROLLED, LOADED, SENT, DONE, ABSENT, CANCELLED };                    /* journal */
mtype = { NONE, INIT_NEW, INIT, AUTH, LIST, PROBE, ACTION, WAIT, FINISHED };    /* what NEXT answered */
mtype = { DELIVER, FOR_LIST, FOR_PROBE };                                       /* purpose of a channel */
/* The application's functions, one behind another. */
mtype = { IDLE, BEGIN, START_PROBE, OPEN_CHANNEL, SEND_ACTION, PROVED, PROVED_ABSENT, UNRESOLVED, FINISH_DONE, FINISH_ABSENT,
          ANSWERED };

/* the delivery: chosen once */
bool rmac;
byte actions;
byte kind[2];

/* target */
byte old_version = ORIGINAL;   /* key set under the channel's version */
byte new_version = GONE;
bool other_version = true;     /* what DELETE takes away */
byte stored;                   /* attempt whose data lies there */
bool opened[CHANNELS];         /* a session that takes commands */
bool is_current[CHANNELS];     /* it is the one that the application has open */
byte held_action[CHANNELS];    /* a command of that session that the device keeps back: action + 1 */
byte held_attempt[CHANNELS];
byte held_order[CHANNELS];

/* application: memory */
mtype state = CANCELLED;
byte sessions, proved;
byte committed;                /* last SEQ */
bool has_key;                  /* skE and envelope lie in memory */
byte loaded;                   /* order whose envelope it is */
byte channel_key;              /* C1: key set under the channel's version */
bool is_moved;                 /* C1 is under the new version */

/* application: session with the target, lost at every reset and at every other command */
mtype out = NONE;
mtype purpose = DELIVER;
mtype s_state = NONE;
byte s_sessions, s_proved;
bool counted, is_absent, is_open, needs_reset;
byte set_key; bool set_new;    /* of the channel that it opens */
byte challenge_key;            /* what the card's cryptogram was made with */

/* provider: order is its SEQ */
byte order = 1;
byte first = 1;                /* first attempt of this order */
byte attempt;                  /* number of the last attempt; its payload has this number as key */
byte sealed;                   /* attempt that was sealed last for this order, 0 none */
bool confirmed, ended, sealing;

/* what really happened */
byte took_effect[3];           /* order -> attempt whose first action took effect */
byte newest;                   /* newest order that took effect */
byte done_actions;             /* bits: of the present attempt */
byte dead_action[6];           /* attempt -> action + 1 that was said to be absent for good */
byte real_sessions;
byte late_commit;

bool honest;
byte calm, waits;

/* of one step */
mtype todo = IDLE;
byte route, action_, number_, of_order_;
bool good, give, worked, list_has, performs, resets, stuck;

#define KIND kind[s_proved]
#define is_final (state == DONE || state == ABSENT || state == CANCELLED)
#define is_delivering (state == LOADED || state == SENT)
#define has_begun (state == SENT || sessions > 0 || proved > 0)
/* What a key is told by: of one action the attempt, so that two attempts of an order put different keys; of a list the order. */
#define key_of(attempt_, order_) (actions == 2 -> order_ : attempt_)
#define KEY key_of(attempt, loaded)
#define is_older(key) (key < (actions == 2 -> order : first))
/* The action has taken effect: in this attempt, or of the same key before; is_there: or by whatever means. */
#define is_done(action) (((done_actions >> (action)) & 1) || (kind[action] == REPLACE && old_version == KEY) || \
                         ((kind[action] == ADD || kind[action] == MOVE) && new_version == KEY) || \
                         (kind[action] >= STORE && stored == KEY))
#define is_there(action) (is_done(action) || (kind[action] == DELETE && !other_version))
#define has_command (out != NONE && out != WAIT && out != FINISHED)
/* Whether an honest device always brings a proof: else the outcome may stay unknown until the provider cancels. */
#define is_version_free (new_version == GONE || new_version == KEY)
#define is_provable (kind[proved] == REPLACE || kind[proved] == DELETE || (is_version_free && \
                     (kind[proved] == MOVE || (kind[proved] == ADD && rmac))))

inline close_channel() {
  is_open = false; counted = false;
  is_current[0] = false;
  if :: CHANNELS == 2 -> is_current[CHANNELS - 1] = false :: else fi
}

inline drop() {   /* of the session object */
  close_channel();
  out = NONE; is_absent = false; s_state = NONE; s_sessions = 0; s_proved = 0;
  purpose = DELIVER; set_key = 0; set_new = false; challenge_key = 0
}

inline wipe() { has_key = false; loaded = 0; sessions = 0; proved = 0 }
inline commit_journal() { state = s_state; sessions = s_sessions; proved = s_proved }

inline end_session(channel) {
  opened[channel] = false; is_current[channel] = false;
  held_action[channel] = 0; held_attempt[channel] = 0; held_order[channel] = 0
}

/* ---- target --------------------------------------------------------------------------------------------------------- */
inline perform() {
  worked = true;
  if
  :: kind[action_] == REPLACE -> if :: old_version != GONE -> old_version = key_of(number_, of_order_) :: else -> worked = false fi
  :: kind[action_] == ADD -> if :: new_version == GONE -> new_version = key_of(number_, of_order_) :: else -> worked = false fi
  :: kind[action_] == MOVE ->
     if
     :: old_version != GONE && new_version == GONE -> old_version = GONE; new_version = key_of(number_, of_order_)
     :: else -> worked = false
     fi
  :: kind[action_] == DELETE -> if :: other_version -> other_version = false :: else -> worked = false fi
  :: else -> stored = key_of(number_, of_order_)
  fi;
  if
  :: worked ->
     assert(of_order_ >= newest);                                                           /* 2 */
     assert(dead_action[number_] == 0 || action_ + 1 < dead_action[number_]);               /* 3 */
     newest = of_order_;
     if
     :: action_ == 0 && actions == 1 && kind[0] != DELETE ->
        assert(took_effect[of_order_] == 0 || took_effect[of_order_] == number_);           /* 1 */
        took_effect[of_order_] = number_
     :: else
     fi;
     if :: number_ == attempt -> done_actions = done_actions | (1 << action_) :: else fi
  :: else
  fi
}

/* The command under way reaches the target on this channel; good: it answers with a proof. */
inline carry() {
  if
  :: out == INIT_NEW ->      /* INITIALIZE UPDATE ends the session of its channel */
     end_session(route);
     challenge_key = (KIND == REPLACE -> old_version : new_version);
     good = challenge_key != GONE
  :: out == INIT ->
     end_session(route);
     is_current[route] = true;
     challenge_key = (set_new -> new_version : old_version);
     good = challenge_key != GONE
  :: out == AUTH && is_current[route] -> opened[route] = true; good = true
  :: out == LIST && is_current[route] && opened[route] ->
     list_has = (KIND == DELETE -> other_version : new_version != GONE);
     good = rmac
  :: out == PROBE && is_current[route] && opened[route] -> good = stored == KEY
  :: out == ACTION && is_current[route] && opened[route] ->
     performs = true; action_ = s_proved; number_ = attempt; of_order_ = loaded
  :: else
  fi
}

/* ---- application ---------------------------------------------------------------------------------------------------- */
inline application() {
  do
  :: todo == IDLE -> break
  :: todo == BEGIN ->
     s_state = state; s_sessions = sessions; s_proved = proved; purpose = DELIVER;
     todo = (s_state == SENT -> START_PROBE : OPEN_CHANNEL);
#ifdef RESET_FIRST
     if :: needs_reset && s_state != SENT -> todo = UNRESOLVED :: else fi
#endif
  :: todo == START_PROBE ->
     close_channel();
     is_absent = false;
#ifdef WIPE_EARLY
     has_key = false;
#endif
     if
     :: KIND <= MOVE -> out = INIT_NEW; todo = IDLE
     :: KIND == DELETE -> purpose = FOR_LIST; todo = OPEN_CHANNEL
     :: KIND == STORE -> purpose = DELIVER; todo = OPEN_CHANNEL
     :: KIND == PROBED -> purpose = FOR_PROBE; todo = OPEN_CHANNEL
     fi
  :: todo == OPEN_CHANNEL ->
     close_channel();
     set_key = channel_key; set_new = is_moved;
     if
     :: s_proved == 1 && kind[0] == REPLACE -> set_key = KEY
     :: s_proved == 1 && kind[0] == MOVE -> set_key = KEY; set_new = true
     :: else
     fi;
     out = INIT; todo = IDLE
  :: todo == SEND_ACTION ->
     if
#ifdef RESET_FIRST
     :: needs_reset -> todo = UNRESOLVED      /* with hint 01: the agent resets, and asks again */
#endif
     :: SENDS && !counted && s_sessions >= 3 -> todo = (s_state == SENT && !is_absent -> UNRESOLVED : FINISH_ABSENT)
     :: SENDS && !(!counted && s_sessions >= 3) ->
        s_state = SENT;
        if :: !counted -> s_sessions++; real_sessions++ :: else fi;
        counted = true; is_absent = false; needs_reset = true;
#ifdef COUNT_IN_RAM
        state = s_state; proved = s_proved;
#else
#ifndef JOURNAL_AFTER_SEND
        commit_journal();
#endif
#endif
        assert(real_sessions <= 3);                                                         /* 5 */
        out = ACTION; todo = IDLE
     fi
  :: todo == PROVED ->
     assert(is_there(s_proved));                                                            /* 3 */
     s_proved++;
     s_state = LOADED; is_absent = false;
     if
     :: s_proved == actions -> todo = FINISH_DONE
     :: s_proved < actions && is_open -> todo = SEND_ACTION
     :: else -> commit_journal(); purpose = DELIVER; todo = OPEN_CHANNEL
     fi
  :: todo == PROVED_ABSENT ->
     if
#ifdef RESET_FIRST
     :: needs_reset -> todo = UNRESOLVED      /* with hint 01: the agent resets, and the probe is asked again */
#endif
     :: else ->
        assert(!is_done(s_proved));                                                         /* 3 */
        is_absent = true;
        if
        :: s_sessions >= 3 && !counted -> todo = FINISH_ABSENT
        :: else -> if :: is_open -> todo = SEND_ACTION :: else -> purpose = DELIVER; todo = OPEN_CHANNEL fi
        fi
     fi
  :: todo == UNRESOLVED -> drop(); out = WAIT; todo = IDLE
  :: todo == FINISH_DONE ->
     assert(is_there(0) && (actions == 1 || is_there(1)));                                          /* 3 */
     state = DONE;
#ifdef COMMIT_LATER
     late_commit = loaded;
#else
     committed = loaded;
#endif
     wipe(); drop(); out = FINISHED; todo = IDLE
  :: todo == FINISH_ABSENT ->
     assert(!is_done(s_proved));                                                            /* 3 */
     dead_action[attempt] = s_proved + 1;
     state = ABSENT;
     wipe(); drop(); out = FINISHED; todo = IDLE
  :: todo == ANSWERED ->     /* good: the answer proves something; else it is whatever the device says */
     if
     :: out == INIT_NEW ->
        if
        :: good && challenge_key == KEY -> todo = PROVED
        :: good && KIND == REPLACE && challenge_key == channel_key && challenge_key != KEY -> todo = PROVED_ABSENT
        :: else ->
#ifdef TRUST_ERROR_SW
           todo = (good -> UNRESOLVED : PROVED_ABSENT);
#else
#ifdef NO_LIST
           todo = UNRESOLVED
#else
           todo = (KIND == REPLACE -> UNRESOLVED : OPEN_CHANNEL); purpose = FOR_LIST
#endif
#endif
        fi
     :: out == INIT ->
        if
        :: good && s_state == SENT && KIND == REPLACE && challenge_key == KEY -> close_channel(); todo = PROVED
        :: good && challenge_key == set_key && (rmac || purpose != FOR_LIST) &&
           !(s_state == SENT && KIND == REPLACE && challenge_key == KEY) -> out = AUTH; todo = IDLE
        :: good && challenge_key == set_key && !rmac && purpose == FOR_LIST ->
#ifdef TRUST_LIST
           todo = PROVED_ABSENT
#else
           todo = (KIND == MOVE -> PROVED_ABSENT : UNRESOLVED)
#endif
        :: else -> todo = UNRESOLVED          /* blocked: hint wait as well */
        fi
     :: out == AUTH ->
        if
        :: !good -> todo = UNRESOLVED
        :: else ->
           is_open = true;
           if
           :: purpose == FOR_LIST -> out = LIST; todo = IDLE
           :: purpose == FOR_PROBE -> out = PROBE; todo = IDLE
           :: purpose == DELIVER -> todo = SEND_ACTION
           fi
        fi
     :: out == LIST ->
        if
        :: good && KIND == DELETE -> todo = (list_has -> PROVED_ABSENT : PROVED)
        :: good && KIND != DELETE -> todo = (list_has -> UNRESOLVED : PROVED_ABSENT)
#ifdef TRUST_LIST
        :: !good -> todo = (KIND == DELETE -> PROVED : PROVED_ABSENT)
#else
        :: !good -> todo = UNRESOLVED
#endif
        fi
     :: out == PROBE -> todo = (good -> PROVED : SEND_ACTION)
     :: out == ACTION ->
#ifdef JOURNAL_AFTER_SEND
        commit_journal();
#endif
        if :: good && rmac -> needs_reset = false; todo = PROVED :: else -> todo = START_PROBE fi
     fi
  od
}

/* ---- provider ------------------------------------------------------------------------------------------------------- */
inline enrol() {
  drop();
  if
#ifndef ENROL_OVER
  :: is_delivering && has_begun -> sealing = false       /* 6985: probe first */
#endif
  :: else ->
     attempt++;
     wipe();
     /* A new order adds or moves to a version that was free when it was sealed. */
     if
     :: kind[0] == ADD && is_older(new_version) -> new_version = GONE
     :: kind[0] == MOVE && is_older(new_version) && old_version == GONE -> old_version = new_version; new_version = GONE
     :: else
     fi;
     state = ENROLLED; has_key = true; done_actions = 0; real_sessions = 0;
     channel_key = (old_version != GONE -> old_version : new_version);
     is_moved = old_version == GONE;
     sealing = true
  fi
}

inline seal_and_load() {
  sealing = false;
#ifdef FORGET_SEQ
  sealed = attempt; drop(); state = LOADED; loaded = order; sessions = 0; proved = 0
#else
  if
  :: committed >= order -> confirmed = true               /* the statement shows it: read back, nothing is sealed */
  :: else -> sealed = attempt; drop(); state = LOADED; loaded = order; sessions = 0; proved = 0
  fi
#endif
}

inline open_next_order() {
  order++; sealed = 0; confirmed = false; ended = false;
  first = attempt + 1;
  if :: kind[0] == DELETE || (actions == 2 && kind[1] == DELETE) -> other_version = true :: else fi
}

/* ---- one step ------------------------------------------------------------------------------------------------------- */
inline device_does_anything() {
  if
  /* the relay: the command goes here, there or nowhere; the answer comes, is forged, is lost, or the power goes */
  :: has_command -> route = 0; todo = ANSWERED; give = true
  :: has_command -> route = 0; todo = ANSWERED
  :: has_command -> todo = ANSWERED
  :: has_command -> route = 0
  :: has_command -> route = 0; resets = true
  :: CHANNELS == 2 && has_command -> route = CHANNELS - 1; todo = ANSWERED; give = true
  :: out == ACTION && is_current[0] && opened[0] && held_action[0] == 0 ->
     held_action[0] = s_proved + 1; held_attempt[0] = attempt; held_order[0] = loaded; todo = ANSWERED
  :: held_action[0] != 0 ->
     performs = true; action_ = held_action[0] - 1; number_ = held_attempt[0]; of_order_ = held_order[0];
     held_action[0] = 0; held_attempt[0] = 0; held_order[0] = 0
  :: out != NONE -> drop()
  :: resets = true
  :: late_commit != 0 -> committed = late_commit; late_commit = 0
  :: !has_command && is_delivering -> drop(); todo = BEGIN
  /* provider */
  :: !confirmed && !ended && attempt < MAX_ATTEMPTS -> enrol()
  :: sealing && state == ENROLLED && !ended -> seal_and_load()
  :: state == DONE && sealed == attempt && !ended -> confirmed = true
  :: sealed != 0 && sealed == attempt && !is_final && !confirmed && !ended ->
     drop(); state = CANCELLED; wipe(); ended = true
  :: state == ABSENT && !confirmed && sealed == attempt -> ended = true     /* gives up */
  :: (confirmed || ended) && order == 1 && is_final && attempt < MAX_ATTEMPTS -> open_next_order()
  /* from here on the device behaves, and the provider wants its key */
  :: !ended && !confirmed -> honest = true; resets = true
  fi
}

inline device_behaves() {
  calm++;
  assert(calm < 120);                                                                       /* 6 */
  if :: late_commit != 0 -> committed = late_commit; late_commit = 0 :: else fi;
  if
  :: has_command -> route = 0; todo = ANSWERED; give = true
  :: !has_command && is_delivering ->
     if
     :: out == WAIT && waits == 2 && !has_begun -> waits = 0; enrol()   /* receipt 05: an order that was cancelled while its
                                                     command was under way changed the channel's keys; seal under those */
     :: out == WAIT && waits == 2 && has_begun -> assert(!is_provable); stuck = true        /* 6 */
     :: out == WAIT && waits < 2 -> waits++; resets = true
     :: else -> drop(); todo = BEGIN
     fi
  :: !has_command && state == ENROLLED && sealing -> seal_and_load()
  :: !has_command && state == DONE && sealed == attempt -> confirmed = true
  :: else ->
     assert(attempt < MAX_ATTEMPTS + 2);                                                    /* 6 */
     enrol()
  fi
}

active proctype world() {
  atomic {
    if
    :: rmac = true; actions = 1;
       if :: kind[0] = REPLACE :: kind[0] = ADD :: kind[0] = MOVE :: kind[0] = DELETE :: kind[0] = STORE :: kind[0] = PROBED fi
    :: rmac = true; actions = 2;
       if :: kind[0] = REPLACE :: kind[0] = ADD :: kind[0] = MOVE fi;
       if :: kind[1] = DELETE :: kind[1] = STORE :: kind[1] = PROBED fi
    :: rmac = false; actions = 1;
       if :: kind[0] = REPLACE :: kind[0] = ADD :: kind[0] = MOVE fi
    fi
  };
  do
  :: honest && (confirmed || stuck) -> break
  :: else ->
     atomic {
       route = NOWHERE;
       assert(is_final || has_key);                                                         /* 4 */
       if
       :: honest -> device_behaves()
       :: else -> device_does_anything()
       fi;
       if :: route != NOWHERE -> carry() :: else fi;
       if :: performs -> perform() :: else fi;
       if :: performs && out == ACTION && route != NOWHERE -> good = worked :: else fi;
       if :: todo == ANSWERED && !give -> good = false :: else fi;
       if :: !resets && todo == IDLE && route != NOWHERE -> drop() :: else fi;   /* the answer is lost: NEXT without one */
       if :: resets -> drop(); end_session(0); end_session(CHANNELS - 1); needs_reset = false; late_commit = 0 :: else fi;
       application();
       route = 0; action_ = 0; number_ = 0; of_order_ = 0;
       good = false; give = false; worked = false; list_has = false; performs = false; resets = false
     }
  od
}
