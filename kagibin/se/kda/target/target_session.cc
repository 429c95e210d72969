// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/target/target_session.h"

#include <algorithm>
#include <utility>

#include "kagibin/se/kda/enrolment/next_enrolment.h"
#include "kagibin/se/kda/records/kda_receipts.h"

namespace kagibin::se {

namespace {

using envelope::ActionResult;
using kagibin::kda::Hint;
using kagibin::kda::NextAnswer;
using kagibin::kda::State;

constexpr std::uint8_t kS16 = 0x01;

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
  return is_channel_open() ? State::kChannel : State::kLoaded;
}

TargetSession::Next TargetSession::begin() {
  if (is_sent()) {
    return start_probe();
  }
  return kda_.is_unanswered() ? reset_first() : open_channel(ProbeKind::kSendAgain);
}

TargetSession::Next TargetSession::answered(const apdu::ResponseApdu& answer) {
  switch (std::exchange(stage_, Stage::kIdle)) {
    case Stage::kProbeUpdate:
      return cryptogram_answered(answer);
    case Stage::kChannelUpdate:
      return update_answered(answer);
    case Stage::kChannelAuth:
      return channel_->finish_authentication(answer) ? channel_open() : blocked();
    case Stage::kCardData:
      return card_data_answered(answer);
    case Stage::kHostCertificate:
      return certificate_answered(answer);
    case Stage::kAgreement:
      return by_certificates_->finish(answer, delivery_.payload.channel_keys) ? channel_open()
                                                                              : blocked();
    case Stage::kKeyList:
      return key_list_answered(answer);
    case Stage::kDekList:
      return dek_list_answered(answer);
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

// --- the actions -------------------------------------------------------------------------------

TargetSession::Next TargetSession::send_action() {
  if (kda_.is_unanswered()) {
    return reset_first();
  }
  if (!is_counted_ && slot_.journal.sessions >= KdaJournal::kMaxSessions) {
    const bool has_left = is_sent() && !is_absence_proved_;
    return has_left ? unresolved() : finish(State::kAbsent, ActionResult::kProvedAbsent);
  }
  if (delivery_.header.is_under_static_dek() && !is_dek_listed_) {
    return transmit(Stage::kDekList, get_key_information());
  }
  auto commands = commands_for(action(), {.session = *session(), .mac_size = mac_size()});
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
  kda_.set_unanswered(false);
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
  if (is_channel_open()) {
    return send_action();
  }
  KB_TRY(commit_journal());
  return open_channel(ProbeKind::kSendAgain);
}

TargetSession::Next TargetSession::proved_absent() {
  if (kda_.is_unanswered()) {
    return reset_first();
  }
  is_absence_proved_ = true;
  if (slot_.journal.sessions >= KdaJournal::kMaxSessions && !is_counted_) {
    return finish(State::kAbsent, ActionResult::kProvedAbsent);
  }
  return is_channel_open() ? send_action() : open_channel(ProbeKind::kSendAgain);
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

TargetSession::Next TargetSession::reset_first() {
  close_channel();
  if (is_journal_changed_) {
    KB_TRY(commit_journal());
  }
  return NextAnswer{.hint = Hint::kReset};
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
    slot_.record.commit(slot_.journal);
  }
  const SecretArray<16>& receipt_key = delivery_.payload.receipt_key;
  const auto& next_nonce = delivery_.header.next_nonce_a;
  if (state == State::kDone && next_nonce &&
      KB_TRY(close_and_open_next(kda_, slot_, results, receipt_key, *next_nonce))) {
    return NextAnswer{.hint = Hint::kDone};
  }
  NvmTransaction transaction(kda_.nvm());
  KB_TRY(or_internal(close_slot(kda_, slot_, std::move(results), &receipt_key)));
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
  auto wrapped = session()->wrap(plain, false);
  if (!wrapped) {
    return is_sent() ? unresolved() : blocked();
  }
  if (stage == Stage::kAction) {
    kda_.set_unanswered(true);
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
  auto unwrapped = session()->unwrap(answer);
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

scp::HostSession* TargetSession::session() const {
  return by_certificates_ ? static_cast<scp::HostSession*>(by_certificates_->session())
                          : channel_.get();
}

bool TargetSession::is_channel_open() const {
  const scp::HostSession* const channel = session();
  return channel != nullptr && channel->open();
}

std::size_t TargetSession::mac_size() const {
  return by_certificates_ ? by_certificates_->mac_size() : channel_->answer()->parameter.mac_size();
}

void TargetSession::close_channel() {
  channel_.reset();
  by_certificates_.reset();
  commands_.clear();
  is_counted_ = false;
  is_dek_listed_ = false;
}

}  // namespace kagibin::se
