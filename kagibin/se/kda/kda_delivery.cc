// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/kda_delivery.h"

#include "kagibin/se/kda/own/own_delivery.h"

namespace kagibin::se {

using kagibin::kda::Hint;
using kagibin::kda::NextAnswer;
using kagibin::kda::State;
using kagibin::kda::Status;

namespace {

bool ends_session(const TargetSession::Next& answer) {
  return !answer || answer->hint.value_or(Hint::kSelect) != Hint::kSelect;
}

}  // namespace

KdaResult<Bytes> KdaDelivery::next(ByteView message) {
  const auto request = KB_TRY(or_malformed(kagibin::kda::NextRequest::decode(message)));
  const auto answer = run(request.handle, request.last);
  if (ends_session(answer)) {
    drop();
  }
  if (!answer) {
    return refuse(answer.error());
  }
  return answer->encode();
}

TargetSession::Next KdaDelivery::run(const Handle& handle,
                                     const std::optional<apdu::ResponseApdu>& last) {
  if (session_ && session_->handle() == handle && last) {
    return session_->answered(*last);
  }
  drop();
  auto slot = KB_TRY(or_internal(kda_.store.find(handle)));
  if (!slot) {
    const auto receipt = KB_TRY(or_internal(kda_.store.receipt(handle)));
    return receipt ? TargetSession::Next(NextAnswer{.hint = Hint::kDone})
                   : refuse(sw::kReferencedDataNotFound);
  }
  if (kagibin::kda::is_final(slot->journal.state)) {
    return NextAnswer{.hint = Hint::kDone};
  }
  if (!slot->journal.is_delivering()) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  OpenedDelivery opened = KB_TRY(or_internal(open_loaded(kda_.store, *slot)));
  if (!slot->journal.has_begun()) {
    const bool accepted = KB_TRY(is_still_accepted(kda_, slot->record, opened.header));
    if (!accepted) {
      KB_TRY(refuse_loaded(kda_, std::move(*slot)));
      return NextAnswer{.hint = Hint::kDone};
    }
  }
  if (kda_.own_domain() != nullptr) {
    return deliver_inside(kda_, std::move(*slot), opened);
  }
  session_.emplace(kda_, std::move(*slot), std::move(opened));
  return session_->begin();
}

KdaResult<Bytes> KdaDelivery::status(const Handle& handle) const {
  const auto slot = KB_TRY(or_internal(kda_.store.find(handle)));
  if (!slot) {
    if (!KB_TRY(or_internal(kda_.store.receipt(handle)))) {
      return refuse(sw::kReferencedDataNotFound);
    }
    return Status{.state = State::kSuperseded, .sessions_left = 0}.encode();
  }
  Status status{.state = slot->journal.state, .sessions_left = 0};
  if (session_ && session_->handle() == handle) {
    status.state = session_->state();
  } else if (status.state == State::kSent) {
    status.state = State::kUnknown;
  }
  if (!kagibin::kda::is_final(status.state)) {
    status.sessions_left =
        static_cast<std::uint8_t>(KdaJournal::kMaxSessions - slot->journal.sessions);
  }
  return status.encode();
}

}  // namespace kagibin::se
