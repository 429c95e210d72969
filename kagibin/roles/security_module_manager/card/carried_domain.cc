// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/carried_domain.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/confidential/setup_messages.h"
#include "kagibin/gp/select.h"

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

bool is_of_signed_setup(ByteView data) {
  const auto request = gp::SetupRequest::decode(data);
  return request && (!request->certificate.empty() || request->signed_reference);
}

}  // namespace

Result<void> CarriedDomain::check(const apdu::CommandApdu& command) {
  if (is_select(command) || is_a_question(command)) {
    return {};
  }
  if (!is_store_data(command) || !is_of_signed_setup(command.data)) {
    return fail(Errc::kPolicy,
                "who came sent something else than a signed set-up, and it was not "
                "carried");
  }
  if (!equal(selected_, channel_.domain.view())) {
    return fail(Errc::kConflict,
                "who came selected another domain than the one of --aid, and its "
                "set-up was not carried");
  }
  return {};
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
    return pass(*decoded, command);
  }
  if (!session_) {
    if (auto opened = open(); !opened) {
      if (opened.error().code == Errc::kCardLink) {
        return std::unexpected(opened.error());
      }
      return refuse(opened.error(), apdu::sw::kSecurityStatusNotSatisfied);
    }
  }
  auto answer = session_->transmit(scp::plain_command(*decoded));
  if (!answer) {
    session_.reset();
    return std::unexpected(answer.error());
  }
  stored_ += apdu::sw::is_ok(answer->sw) ? 1 : 0;
  return answer->encode();
}

}  // namespace kagibin::roles::security_module_manager
