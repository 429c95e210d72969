// SPDX-License-Identifier: Apache-2.0
#include "kagibin/device/kda_session.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/base/crash_point.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/pump.h"

namespace kagibin::device {

namespace {

namespace sw = apdu::sw;

constexpr std::size_t kMaxAnswer = 4096;
constexpr int kMaxResets = 4;  // one a key-bearing session, one for another delivery before

Error refused(StatusWord status) {
  return {Errc::kCardStatus, "the key delivery application refused the command", status};
}

}  // namespace

Result<apdu::ResponseApdu> KdaSession::exchange(const apdu::CommandApdu& command) {
  return channels_->exchange(Side::kKda, command, kMaxAnswer);
}

Result<Bytes> KdaSession::exchange_all(const std::vector<apdu::CommandApdu>& blocks) {
  Bytes answer;
  for (const apdu::CommandApdu& block : blocks) {
    apdu::ResponseApdu response = KB_TRY(exchange(block));
    if (!sw::is_ok(response.sw)) {
      return std::unexpected(refused(response.sw));
    }
    answer = std::move(response.data);
  }
  return answer;
}

Result<void> KdaSession::select_application() {
  const apdu::ResponseApdu answer = KB_TRY(exchange(kda::select(application_)));
  if (!sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, "the element has nothing of this name that takes deliveries",
                answer.sw);
  }
  return {};
}

Result<KdaSession> KdaSession::select(Channels& channels, const Aid& application) {
  KdaSession session(channels, application);
  KB_TRY(session.select_application());
  return session;
}

Result<Bytes> KdaSession::enrol(ByteView request, ByteView security_domain_certificate) {
  return exchange_all(kda::enrol(request, security_domain_certificate));
}

Result<void> KdaSession::load(const Handle& handle, ByteView envelope) {
  KB_TRY(exchange_all(kda::load(handle, envelope)));
  return {};
}

Result<void> KdaSession::cancel(ByteView request) {
  KB_TRY(exchange_all(kda::cancel(request)));
  return {};
}

Result<Bytes> KdaSession::receipt(const Handle& handle) {
  return exchange_all({kda::get_receipt(handle)});
}

Result<kda::Status> KdaSession::status(const Handle& handle) {
  return kda::Status::decode(KB_TRY(exchange_all({kda::status(handle)})));
}

Result<kda::Capabilities> KdaSession::capabilities() {
  return kda::Capabilities::decode(KB_TRY(exchange_all({kda::capabilities()})));
}

Result<void> KdaSession::statement(ByteView message) {
  KB_TRY(exchange_all({kda::statement(message)}));
  return {};
}

Result<KdaSession::Outcome> KdaSession::deliver(const Handle& handle) {
  kda::Pump pump(handle);
  kda::Pump::Step step = pump.start();
  for (int resets = 0;;) {
    switch (step.need) {
      case kda::Pump::Need::kTransmit: {
        KB_CRASH_POINT("agent.apdu.before_send");
        const Side side = step.channel == kda::Pump::Channel::kKda ? Side::kKda : Side::kTarget;
        const apdu::ResponseApdu answer = KB_TRY(channels_->transmit(side, step.command));
        KB_CRASH_POINT("agent.apdu.after_answer");
        step = pump.answered(answer);
        break;
      }
      case kda::Pump::Need::kReset:
        if (++resets > kMaxResets) {
          return Outcome::kUnknown;
        }
        KB_TRY(channels_->reset());
        KB_TRY(select_application());
        step = pump.start();
        break;
      case kda::Pump::Need::kWait:
        return Outcome::kUnknown;
      case kda::Pump::Need::kDone:
        return Outcome::kFinal;
      case kda::Pump::Need::kFailed:
        if (step.failure) {
          return std::unexpected(*step.failure);
        }
        return std::unexpected(refused(step.sw));
    }
  }
}

}  // namespace kagibin::device
