// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/carried_domain.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/select.h"

namespace kagibin::roles::security_module_manager {

namespace {

constexpr std::uint8_t kGlobalPlatform = 0x80;

bool is_store_data(const apdu::CommandApdu& command) {
  return command.cla == kGlobalPlatform && command.ins == apdu::ins::kStoreData;
}

}  // namespace

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
  if (!decoded || !is_store_data(*decoded)) {
    session_.reset();
    return card_.transmit(command);
  }
  if (!session_) {
    refusal_.reset();
    if (auto opened = open(); !opened) {
      if (opened.error().code == Errc::kCardLink) {
        return std::unexpected(opened.error());
      }
      refusal_ = opened.error();
      return apdu::ResponseApdu{.sw = apdu::sw::kSecurityStatusNotSatisfied}.encode();
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
