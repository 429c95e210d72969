// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/registry_listing.h"

#include <array>
#include <utility>

#include "kagibin/apdu/status_words.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::size_t kMostAnswers = 1'000;

// Everything that StatusEntry holds.
std::vector<tlv::Tag> all_tags() { return {0x4F, 0x9F70, 0xC5, 0xC4, 0xCE, 0x84, 0xCC, 0xCF}; }

// The card does not know this way of asking.
bool is_another_dialect(StatusWord sw) {
  return sw == apdu::sw::kWrongData || sw == apdu::sw::kIncorrectP1P2 ||
         sw == apdu::sw::kWrongLength || sw == apdu::sw::kFunctionNotSupported;
}

Result<std::vector<gp::StatusEntry>> ask(CommandPort& port, gp::GetStatus query) {
  std::vector<gp::StatusEntry> out;
  for (std::size_t count = 0; count < kMostAnswers; ++count) {
    const apdu::ResponseApdu answer = KB_TRY(port.transmit(scp::plain_command(query.encode())));
    if (answer.sw == apdu::sw::kReferencedDataNotFound) {
      return out;
    }
    const bool more = answer.sw == apdu::sw::kMoreData;
    if (!more && !apdu::sw::is_ok(answer.sw)) {
      return fail(Errc::kCardStatus, "the card refuses GET STATUS", answer.sw);
    }
    auto entries = KB_TRY(gp::decode_entries(answer.data, query));
    out.insert(out.end(), std::make_move_iterator(entries.begin()),
               std::make_move_iterator(entries.end()));
    if (!more) {
      return out;
    }
    query.next = true;
  }
  return fail(Errc::kLimit, "the card's answers to GET STATUS do not end");
}

Result<std::vector<gp::StatusEntry>> list(CommandPort& port, gp::StatusScope scope) {
  const std::array<gp::GetStatus, 3> dialects{gp::GetStatus{.scope = scope, .tags = all_tags()},
                                              gp::GetStatus{.scope = scope},
                                              gp::GetStatus{.scope = scope, .tlv_format = false}};
  for (std::size_t i = 0; i + 1 < dialects.size(); ++i) {
    auto out = ask(port, dialects[i]);
    if (out || !is_another_dialect(out.error().sw)) {
      return out;
    }
  }
  return ask(port, dialects.back());
}

}  // namespace

Result<RegistryListing> list_registry(CommandPort& port) {
  RegistryListing out;
  out.issuer_domain = KB_TRY(list(port, gp::StatusScope::kIssuerSecurityDomain));
  out.applications = KB_TRY(list(port, gp::StatusScope::kApplications));
  auto modules = list(port, gp::StatusScope::kLoadFilesAndModules);
  if (!modules && is_another_dialect(modules.error().sw)) {
    modules = list(port, gp::StatusScope::kLoadFiles);
  }
  out.load_files = KB_TRY(std::move(modules));
  return out;
}

}  // namespace kagibin::roles::security_module_manager
