// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/delegated_port.h"

#include <utility>
#include <variant>

#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/roles/security_module_manager/card/registry_listing.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::uint8_t kLastBlock = 0x80;  // P1 of LOAD

bool begins_load(const apdu::CommandApdu& command) {
  return command.p1 == gp::InstallForLoad::kP1 ||
         (command.p1 == gp::InstallForLoad::kCombinedP1 &&
          command.p2 == gp::InstallForLoad::kCombinedBegins);
}

// Whether the command is done under a token by a domain with Delegated Management.
bool takes_token(const apdu::CommandApdu& command) {
  if (command.ins == apdu::ins::kInstall) {
    return command.p1 != static_cast<std::uint8_t>(gp::InstallFor::kPersonalization);
  }
  if (command.ins != apdu::ins::kDelete) {
    return false;
  }
  const auto decoded = gp::decode_delete(command.p1, command.p2, command.data);
  return decoded && std::holds_alternative<gp::DeleteObject>(*decoded);
}

// Of an application, domain or load file.
Result<gp::StatusEntry> entry_of(CommandPort& port, const Aid& object) {
  RegistryListing listing = KB_TRY(list_registry(port));
  for (auto* entries : {&listing.applications, &listing.load_files, &listing.issuer_domain}) {
    for (gp::StatusEntry& entry : *entries) {
      if (entry.aid == object) {
        return std::move(entry);
      }
    }
  }
  return fail(Errc::kNotFound, "the card does not list the object");
}

}  // namespace

Result<Bytes> DelegatedPort::what_is_installed(const apdu::CommandApdu& command) {
  const auto request = KB_TRY(gp::Install::decode(command.p1, command.p2, command.data));
  std::optional<Aid> load_file = request.load_file;
  if (!load_file) {
    load_file = KB_TRY(entry_of(port_, request.application)).load_file;
  }
  if (!load_file) {
    return fail(Errc::kNotFound, "the card does not tell the application's load file");
  }
  return gp::receipt_for::install(*load_file, request.application);
}

Result<Bytes> DelegatedPort::what_is_done(const apdu::CommandApdu& command) {
  if (command.ins == apdu::ins::kDelete) {
    const auto decoded = KB_TRY(gp::decode_delete(command.p1, command.p2, command.data));
    return gp::receipt_for::remove(std::get<gp::DeleteObject>(decoded).aid);
  }
  const auto domain_of = [&](const Aid& object) -> Result<Aid> {
    const auto entry = entry_of(port_, object);
    const std::optional<Aid> told = entry ? entry->security_domain : std::nullopt;
    const std::optional<Aid>& out = told ? told : performer_;
    return out ? Result<Aid>(*out) : fail(Errc::kNotFound, "the card tells no domain");
  };
  if (begins_load(command)) {
    const auto request = KB_TRY(gp::InstallForLoad::decode(command.p1, command.p2, command.data));
    const std::optional<Aid>& domain =
        request.security_domain ? request.security_domain : performer_;
    if (!domain) {
      return fail(Errc::kNotFound, "the card tells no domain");
    }
    return gp::receipt_for::load(request.load_file, *domain);
  }
  if (command.p1 == gp::Extradition::kP1) {
    const auto request = KB_TRY(gp::Extradition::decode(command.p1, command.p2, command.data));
    const Aid from = KB_TRY(domain_of(request.object));
    return gp::receipt_for::extradition(from, request.object, request.security_domain);
  }
  if (command.p1 == gp::RegistryUpdate::kP1) {
    const auto request = KB_TRY(gp::RegistryUpdate::decode(command.p1, command.p2, command.data));
    if (!request.application && !performer_) {
      return fail(Errc::kNotFound, "the card tells no domain");
    }
    const Aid from = request.application ? KB_TRY(domain_of(*request.application)) : *performer_;
    return gp::receipt_for::registry_update(from, request.application, request.security_domain,
                                            request.privileges, request.parameters);
  }
  return what_is_installed(command);
}

void DelegatedPort::check(const Header& header, ByteView answer, ByteView what_was_done) {
  CheckedReceipt out{.header = header};
  const auto decoded = answer.empty() ? Result<std::optional<gp::Confirmation>>(std::nullopt)
                                      : gp::Confirmation::decode(answer);
  if (!decoded) {
    out.verdict = CheckedReceipt::Verdict::kWrong;
  } else if (*decoded) {
    out.confirmation = **decoded;
    const bool right = keys_.receipt && !what_was_done.empty() &&
                       gp::verify_receipt(*keys_.receipt, **decoded, what_was_done);
    out.verdict = !keys_.receipt ? CheckedReceipt::Verdict::kUnchecked
                  : right        ? CheckedReceipt::Verdict::kRight
                                 : CheckedReceipt::Verdict::kWrong;
  } else if (!keys_.receipt) {
    return;  // none, and none expected
  }
  receipts_.push_back(std::move(out));
}

Result<apdu::ResponseApdu> DelegatedPort::exchange(const scp::PlainCommand& command) {
  const Header header{command.cla, command.ins, command.p1, command.p2};
  if (command.ins == apdu::ins::kLoad) {
    apdu::ResponseApdu answer = KB_TRY(port_.transmit(command));
    if (is_done(answer.sw) && (command.p1 & kLastBlock) != 0 && loading_) {
      check(header, answer.data, *std::exchange(loading_, std::nullopt));
    }
    return answer;
  }
  apdu::CommandApdu request = in_the_clear(command);
  if (!takes_token(request)) {
    return port_.transmit(command);
  }
  if (keys_.token && KB_TRY(gp::split_token(request)).token.empty()) {
    request = KB_TRY(gp::add_token(request, *keys_.token, rng_));
  }
  Bytes what;
  if (keys_.receipt) {
    what = what_is_done(request).value_or(Bytes{});
  }
  apdu::ResponseApdu answer = KB_TRY(port_.transmit(scp::plain_command(request)));
  if (!is_done(answer.sw)) {
    return answer;
  }
  if (begins_load(request) && request.ins == apdu::ins::kInstall) {
    // Of a combined load the installation has the receipt (GPCS 9.3.8).
    loading_ =
        request.p1 == gp::InstallForLoad::kP1 ? std::optional(std::move(what)) : std::nullopt;
    return answer;
  }
  check(header, answer.data, what);
  return answer;
}

}  // namespace kagibin::roles::security_module_manager
