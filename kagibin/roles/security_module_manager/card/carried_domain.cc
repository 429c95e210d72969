// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/carried_domain.h"

#include <utility>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/confidential/setup_messages.h"
#include "kagibin/gp/select.h"
#include "kagibin/gp/store_data.h"

namespace kagibin::roles::security_module_manager {

namespace {

constexpr std::uint8_t kGlobalPlatform = 0x80;
constexpr std::uint8_t kByName = 0x04;

bool is_store_data(const apdu::CommandApdu& command) {
  return command.cla == kGlobalPlatform && command.ins == apdu::ins::kStoreData;
}

bool is_select(const apdu::CommandApdu& command) {
  return command.cla == 0x00 && command.ins == apdu::ins::kSelect && command.p1 == kByName;
}

bool is_a_question(const apdu::CommandApdu& command) {
  if ((command.cla == 0x00 || command.cla == kGlobalPlatform) &&
      command.ins == apdu::ins::kGetResponse) {
    return true;
  }
  return command.cla == kGlobalPlatform &&
         (command.ins == apdu::ins::kGetData || command.ins == apdu::ins::kInitializeUpdate);
}

std::unexpected<Error> something_else() {
  return fail(Errc::kPolicy,
              "who came sent something else than a signed set-up, and it was not carried");
}

bool is_of_signed_setup(ByteView data) {
  const auto request = gp::SetupRequest::decode(data);
  return request && (!request->certificate.empty() || request->signed_reference);
}

}  // namespace

Result<void> CarriedDomain::check(const apdu::CommandApdu& command) const {
  if (is_select(command) || is_a_question(command)) {
    return {};
  }
  if (!is_store_data(command)) {
    return something_else();
  }
  if (!equal(selected_, channel_.domain.view())) {
    return fail(Errc::kConflict,
                "who came selected another domain than the one of --aid, and its "
                "set-up was not carried");
  }
  return {};
}

Result<bool> CarriedDomain::collect(const apdu::CommandApdu& block) {
  const gp::StoreData head = KB_TRY(gp::StoreData::decode(block.p1, block.p2));
  if (!certificate_ || head.last || head.block != waiting_.size()) {
    certificate_.reset();
    waiting_.clear();
  }
  bool is_whole = true;
  if (certificate_) {
    is_whole = KB_TRY(certificate_->add(block.data));
  } else if (gp::SetupPieces::begins(block.data) && !head.last && head.block == 0) {
    certificate_.emplace(block.data);
    is_whole = false;
  }
  if (is_whole && !is_of_signed_setup(certificate_ ? certificate_->octets() : block.data)) {
    return something_else();
  }
  waiting_.push_back(block);
  return is_whole;
}

Result<Bytes> CarriedDomain::send_waiting() {
  certificate_.reset();
  apdu::ResponseApdu last;
  for (const apdu::CommandApdu& block : std::exchange(waiting_, {})) {
    auto answer = session_->transmit(scp::plain_command(block));
    if (!answer) {
      session_.reset();
      return std::unexpected(answer.error());
    }
    last = std::move(*answer);
    if (!apdu::sw::is_ok(last.sw)) {
      break;
    }
    ++stored_;
  }
  return last.encode();
}

Bytes CarriedDomain::refuse(const Error& error, StatusWord sw) {
  refusal_ = error;
  return apdu::ResponseApdu{.sw = sw}.encode();
}

Result<Bytes> CarriedDomain::pass(const apdu::CommandApdu& command, ByteView octets) {
  session_.reset();
  Bytes answer = KB_TRY(card_.transmit(octets));
  const auto decoded = apdu::ResponseApdu::decode(answer);
  if (is_select(command) && decoded &&
      (apdu::sw::is_ok(decoded->sw) || apdu::sw::has_more(decoded->sw))) {
    selected_ = command.data;
  }
  return answer;
}

Result<void> CarriedDomain::open() {
  const gp::Select select{.name =
                              Bytes(channel_.domain.view().begin(), channel_.domain.view().end())};
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(card_, select.encode()));
  if (!apdu::sw::is_ok(selected.sw)) {
    return fail(Errc::kCardStatus, "the card has no such security domain", selected.sw);
  }
  session_ = KB_TRY(scp::Scp03Link::open(
      card_, channel_.keys,
      {.key_version_number = channel_.key_version, .s16 = channel_.scp03.s16()},
      scp::highest_level(channel_.scp03), rng_));
  return {};
}

Result<Bytes> CarriedDomain::transmit(ByteView command) {
  const auto decoded = apdu::CommandApdu::decode(command);
  if (!decoded) {
    return refuse(decoded.error(), apdu::sw::kWrongLength);
  }
  if (const auto checked = check(*decoded); !checked) {
    return refuse(checked.error(), apdu::sw::kConditionsNotSatisfied);
  }
  if (!is_store_data(*decoded)) {
    certificate_.reset();
    waiting_.clear();
    return pass(*decoded, command);
  }
  const auto is_whole = collect(*decoded);
  if (!is_whole) {
    certificate_.reset();
    waiting_.clear();
    return refuse(is_whole.error(), apdu::sw::kConditionsNotSatisfied);
  }
  if (!*is_whole) {
    return apdu::ResponseApdu{.sw = apdu::sw::kOk}.encode();
  }
  if (!session_) {
    if (auto opened = open(); !opened) {
      if (opened.error().code == Errc::kCardLink) {
        return std::unexpected(opened.error());
      }
      return refuse(opened.error(), apdu::sw::kSecurityStatusNotSatisfied);
    }
  }
  return send_waiting();
}

}  // namespace kagibin::roles::security_module_manager
