// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/target_session.h"

#include <algorithm>
#include <utility>

#include "kagibin/se/kda/kda_receipts.h"

namespace kagibin::se {

namespace {

using envelope::ActionResult;
using kagibin::kda::Hint;
using kagibin::kda::NextAnswer;
using kagibin::kda::State;

constexpr std::uint8_t kRequiredBits = 0x7F;
constexpr std::uint8_t kNoPseudoRandom = 0x80;
constexpr std::uint8_t kS16 = 0x01;
constexpr std::uint8_t kHighestKeyVersion = 0x7F;  // FF is a factory set

std::uint8_t highest_version(const gp::KeyInformation& keys) {
  std::uint8_t highest = 0;
  for (const gp::KeyEntry& key : keys.keys) {
    if (key.version <= kHighestKeyVersion) {
      highest = std::max(highest, key.version);
    }
  }
  return highest;
}

}  // namespace

TargetSession::TargetSession(const KdaEnvironment& kda, KdaStore::Slot slot, OpenedDelivery opened)
    : kda_(kda),
      slot_(std::move(slot)),
      delivery_(std::move(opened)),
      is_s16_((delivery_.header.required_i_mask & kS16) != 0) {
  KB_CHECK(slot_.journal.is_delivering());
  KB_CHECK(slot_.journal.current_action() < delivery_.payload.actions.size());
}

const envelope::Action& TargetSession::action() const {
  return delivery_.payload.actions.at(slot_.journal.current_action());
}

State TargetSession::state() const {
  if (stage_ == Stage::kAction) {
    return State::kSent;
  }
  if (is_sent()) {
    return State::kUnknown;
  }
  return channel_ && channel_->open() ? State::kChannel : State::kLoaded;
}

TargetSession::Next TargetSession::begin() {
  return is_sent() ? start_probe() : open_channel(ProbeKind::kSendAgain);
}

TargetSession::Next TargetSession::answered(const apdu::ResponseApdu& answer) {
  switch (std::exchange(stage_, Stage::kIdle)) {
    case Stage::kProbeUpdate:
      return cryptogram_answered(answer);
    case Stage::kChannelUpdate:
      return update_answered(answer);
    case Stage::kChannelAuth:
      return channel_->finish_authentication(answer) ? channel_open() : blocked();
    case Stage::kKeyList:
      return key_list_answered(answer);
    case Stage::kProbeCommand:
      return probe_answered(answer);
    case Stage::kPersonalization:
      return is_done(answer) ? send_command() : (is_sent() ? unresolved() : blocked());
    case Stage::kAction:
      return action_answered(answer);
    case Stage::kIdle:
      break;
  }
  return begin();
}

// --- finding out -------------------------------------------------------------------------------

TargetSession::Next TargetSession::start_probe() {
  close_channel();
  is_absence_proved_ = false;
  return proceed_with(probe_for(action()));
}

TargetSession::Next TargetSession::proceed_with(ProbeKind kind) {
  return kind == ProbeKind::kCardCryptogram ? ask_cryptogram() : open_channel(kind);
}

TargetSession::Next TargetSession::ask_cryptogram() {
  Bytes challenge(is_s16_ ? 16 : 8);
  KB_TRY(or_internal(kda_.rng().fill(challenge)));
  host_challenge_ = std::move(challenge);
  const std::uint8_t version = std::get<envelope::PutKeyAction>(action()).new_key_version;
  return select_and_send(Stage::kProbeUpdate, initialize_update(version, host_challenge_));
}

TargetSession::Next TargetSession::cryptogram_answered(const apdu::ResponseApdu& answer) {
  if (answer.sw == sw::kWrongLength && !is_s16_) {
    is_s16_ = true;
    return ask_cryptogram();
  }
  const std::size_t index = slot_.journal.current_action();
  Finding finding = Finding::kOpen;
  const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
  if (sw::is_ok(answer.sw) && update) {
    finding = judge_cryptogram(delivery_.payload, index, host_challenge_, *update);
  }
  if (finding == Finding::kPresent) {
    return proved(ActionResult::kInstalledByProbe);
  }
  if (finding == Finding::kAbsent) {
    return proved_absent();
  }
  const ProbeKind next = after_open_cryptogram(delivery_.payload, index);
  return next == ProbeKind::kCardCryptogram ? unresolved() : open_channel(next);
}

TargetSession::Next TargetSession::key_list_answered(const apdu::ResponseApdu& answer) {
  const auto list = authenticated(answer);
  if (!list || !sw::is_ok(list->sw)) {
    return unresolved();
  }
  const auto keys = gp::KeyInformation::decode(list->data);
  if (!keys) {
    return unresolved();
  }
  slot_.record.highest_key_version = highest_version(*keys);
  switch (judge_key_list(action(), *keys)) {
    case Finding::kPresent:
      return proved(ActionResult::kInstalledByProbe);
    case Finding::kAbsent:
      return proved_absent();
    case Finding::kOpen:
      break;
  }
  return unresolved();
}

TargetSession::Next TargetSession::probe_answered(const apdu::ResponseApdu& answer) {
  if (is_done(answer)) {
    return proved(ActionResult::kInstalledByProbe);
  }
  return channel_->open() ? send_action() : unresolved();
}

// --- the channel -------------------------------------------------------------------------------

std::optional<ChannelKeySet> TargetSession::channel_set() const {
  const std::size_t index = slot_.journal.current_action();
  auto before = channel_keys_after(delivery_.payload, index);
  const auto* deletion = std::get_if<envelope::DeleteKeyAction>(&action());
  if (is_sent() && before && deletion != nullptr && deletion->key_version == before->version) {
    // The set that the action deletes may be gone: use the one that is left.
    const auto after = channel_keys_after(delivery_.payload, index + 1);
    return after ? after : before;
  }
  return before;
}

TargetSession::Next TargetSession::open_channel(ProbeKind purpose) {
  close_channel();
  purpose_ = purpose;
  const auto set = channel_set();
  if (!set) {
    return blocked();
  }
  auto keys = set->duplicate_set();
  if (!keys) {
    return blocked();
  }
  const bool allow_pseudo_random = (delivery_.header.required_i_mask & kNoPseudoRandom) == 0;
  channel_.emplace(std::move(*keys),
                   scp::Scp03HostOptions{.key_version_number = set->version,
                                         .s16 = is_s16_,
                                         .allow_pseudo_random = allow_pseudo_random,
                                         .aid = slot_.record.target});
  apdu::CommandApdu command = KB_TRY(or_internal(channel_->initialize_update(kda_.rng())));
  host_challenge_ = command.data;
  return select_and_send(Stage::kChannelUpdate, std::move(command));
}

bool TargetSession::is_parameter_accepted(scp::Scp03Parameter parameter) const {
  const std::uint8_t required = delivery_.header.required_i_mask & kRequiredBits;
  return (parameter.i & required) == required;
}

TargetSession::Next TargetSession::update_answered(const apdu::ResponseApdu& answer) {
  if (answer.sw == sw::kWrongLength && !is_s16_) {
    is_s16_ = true;
    return open_channel(purpose_);
  }
  const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
  if (!sw::is_ok(answer.sw) || !update || !is_parameter_accepted(update->parameter)) {
    return blocked();
  }
  if (is_sent()) {
    const auto after = channel_keys_after(delivery_.payload, slot_.journal.current_action() + 1);
    const auto before = channel_keys_after(delivery_.payload, slot_.journal.current_action());
    if (after && before && after->version == before->version && after != before &&
        card_holds(*after, host_challenge_, *update)) {
      close_channel();
      return proved(ActionResult::kInstalledByProbe);
    }
  }
  return scp::highest_level(update->parameter).r_mac() ? authenticate(answer)
                                                       : without_rmac(answer);
}

TargetSession::Next TargetSession::without_rmac(const apdu::ResponseApdu& answer) {
  const auto& actions = delivery_.payload.actions;
  const auto first = actions.begin() + static_cast<std::ptrdiff_t>(slot_.journal.current_action());
  if (!std::all_of(first, actions.end(), works_without_rmac)) {
    return blocked();
  }
  if (purpose_ == ProbeKind::kKeyList) {
    // No list is authentic here; the channel's own keys may still prove that the action is not
    // done.
    const auto before = channel_set();
    const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
    if (!before || !update || !is_disproved_by_channel(action(), *before) ||
        !card_holds(*before, host_challenge_, *update)) {
      return unresolved();
    }
    return proved_absent();
  }
  return authenticate(answer);
}

TargetSession::Next TargetSession::authenticate(const apdu::ResponseApdu& answer) {
  const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
  const auto level = update ? scp::highest_level(update->parameter) : scp::SecurityLevel{};
  auto command = channel_->external_authenticate(answer, level);
  if (!command) {
    return blocked();
  }
  stage_ = Stage::kChannelAuth;
  return NextAnswer{.command = std::move(*command)};
}

TargetSession::Next TargetSession::channel_open() {
  if (purpose_ == ProbeKind::kKeyList) {
    return transmit(Stage::kKeyList, get_key_information());
  }
  if (purpose_ == ProbeKind::kCommand) {
    const auto* store = std::get_if<envelope::StoreDataAction>(&action());
    const auto& probe =
        store != nullptr ? store->probe : std::get<envelope::CommandAction>(action()).probe;
    return transmit(Stage::kProbeCommand, probe_command(*probe));
  }
  return send_action();
}

// --- the actions -------------------------------------------------------------------------------

TargetSession::Next TargetSession::send_action() {
  if (!is_counted_ && slot_.journal.sessions >= KdaJournal::kMaxSessions) {
    const bool has_left = is_sent() && !is_absence_proved_;
    return has_left ? unresolved() : finish(State::kAbsent, ActionResult::kProvedAbsent);
  }
  auto commands = commands_for(action(), *channel_);
  if (!commands || commands->empty()) {
    return blocked();
  }
  commands_ = std::move(*commands);
  const auto* store = std::get_if<envelope::StoreDataAction>(&action());
  if (store != nullptr && store->application) {
    first_ = at_ = 1;
    if (is_journal_changed_) {
      KB_TRY(commit_journal());
    }
    return transmit(Stage::kPersonalization, commands_[0]);
  }
  first_ = at_ = 0;
  return send_command();
}

TargetSession::Next TargetSession::send_command() {
  if (at_ == first_) {
    slot_.journal.state = State::kSent;
    slot_.journal.channel_refused = false;
    if (!is_counted_) {
      ++slot_.journal.sessions;
    }
    is_counted_ = true;
    is_absence_proved_ = false;
    KB_TRY(commit_journal());
  }
  return transmit(Stage::kAction, commands_[at_]);
}

bool TargetSession::is_done(const apdu::ResponseApdu& answer) {
  const auto proof = authenticated(answer);
  return proof && sw::is_ok(proof->sw);
}

TargetSession::Next TargetSession::action_answered(const apdu::ResponseApdu& answer) {
  if (!is_done(answer)) {
    return start_probe();
  }
  ++at_;
  if (at_ < commands_.size()) {
    return send_command();
  }
  if (const auto* put = std::get_if<envelope::PutKeyAction>(&action())) {
    slot_.record.highest_key_version =
        std::max(slot_.record.highest_key_version, put->new_key_version);
  }
  return proved(ActionResult::kInstalled);
}

// --- outcomes ----------------------------------------------------------------------------------

TargetSession::Next TargetSession::proved(ActionResult result) {
  slot_.journal.proved.push_back(result);
  slot_.journal.state = State::kLoaded;
  is_absence_proved_ = false;
  is_journal_changed_ = true;
  if (slot_.journal.current_action() == slot_.journal.actions) {
    return finish(State::kDone, result);
  }
  if (channel_ && channel_->open()) {
    return send_action();
  }
  KB_TRY(commit_journal());
  return open_channel(ProbeKind::kSendAgain);
}

TargetSession::Next TargetSession::proved_absent() {
  is_absence_proved_ = true;
  if (slot_.journal.sessions >= KdaJournal::kMaxSessions && !is_counted_) {
    return finish(State::kAbsent, ActionResult::kProvedAbsent);
  }
  return channel_ && channel_->open() ? send_action() : open_channel(ProbeKind::kSendAgain);
}

TargetSession::Next TargetSession::blocked() {
  close_channel();
  const KdaJournal& journal = slot_.journal;
  const bool is_untouched = !is_sent() && journal.proved.empty() && journal.sessions == 0;
  if (is_untouched && !journal.channel_refused) {
    slot_.journal.channel_refused = true;
    KB_TRY(commit_journal());
  } else if (is_journal_changed_) {
    KB_TRY(commit_journal());
  }
  return NextAnswer{.hint = Hint::kWait};
}

TargetSession::Next TargetSession::unresolved() {
  close_channel();
  return NextAnswer{.hint = Hint::kWait};
}

TargetSession::Next TargetSession::finish(State state, ActionResult rest) {
  close_channel();
  KdaResults results = slot_.journal.proved;
  results.resize(slot_.journal.actions, rest);
  slot_.journal.state = state;
  if (state == State::kDone) {
    slot_.record.last_committed_seq = slot_.journal.seq;
    slot_.record.level_floor = std::max(slot_.record.level_floor, slot_.journal.level);
  }
  NvmTransaction transaction(kda_.nvm());
  KB_TRY(or_internal(close_slot(kda_, slot_, std::move(results), &delivery_.payload.receipt_key)));
  KB_TRY(or_internal(transaction.commit()));
  return NextAnswer{.hint = Hint::kDone};
}

// --- sending -----------------------------------------------------------------------------------

TargetSession::Next TargetSession::transmit(Stage stage, const TargetCommand& command) {
  const scp::PlainCommand plain{.cla = command.header[0],
                                .ins = command.header[1],
                                .p1 = command.header[2],
                                .p2 = command.header[3],
                                .data = command.data.expose(),
                                .le = 256};
  auto wrapped = channel_->wrap(plain);
  if (!wrapped) {
    return is_sent() ? unresolved() : blocked();
  }
  stage_ = stage;
  return NextAnswer{.command = std::move(*wrapped)};
}

TargetSession::Next TargetSession::select_and_send(Stage stage, apdu::CommandApdu command) {
  stage_ = stage;
  return NextAnswer{
      .command = std::move(command), .select = slot_.record.target, .hint = Hint::kSelect};
}

std::optional<apdu::ResponseApdu> TargetSession::authenticated(const apdu::ResponseApdu& answer) {
  auto unwrapped = channel_->unwrap(answer);
  if (!unwrapped || !unwrapped->authenticated) {
    return std::nullopt;
  }
  return std::move(unwrapped->response);
}

KdaResult<void> TargetSession::commit_journal() {
  NvmTransaction transaction(kda_.nvm());
  KB_TRY(or_internal(kda_.store.put_journal(slot_)));
  KB_TRY(or_internal(transaction.commit()));
  is_journal_changed_ = false;
  return {};
}

void TargetSession::close_channel() {
  channel_.reset();
  commands_.clear();
  is_counted_ = false;
}

}  // namespace kagibin::se
