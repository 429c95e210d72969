// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/card_commands.h"

#include <fmt/format.h>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/cli/gp/card_output.h"
#include "kagibin/cli/gp/facts_output.h"
#include "kagibin/gp/status_meaning.h"
#include "kagibin/roles/security_module_manager/card/key_change.h"

namespace kagibin::cli {

namespace card = roles::security_module_manager;

namespace {

// GET DATA FF21, extended card resources: applications | free non-volatile | free volatile octets.
constexpr std::uint16_t kExtendedResources = 0xFF21;

Result<std::vector<apdu::CommandApdu>> parse_commands(const GpOptions& options) {
  std::vector<apdu::CommandApdu> out;
  for (const std::string& text : options.commands) {
    const auto octets = from_hex(text);
    if (!octets) {
      return fail(Errc::kInvalidArgument, "a command is hexadecimal digits, as in 80CA006600");
    }
    out.push_back(KB_TRY(apdu::CommandApdu::decode(*octets)));
  }
  return out;
}

void print_answer(Console& console,
                  const apdu::CommandApdu& command,
                  const apdu::ResponseApdu& answer) {
  const std::string sw = fmt::format("{:04X}", answer.sw.value);
  const std::string data = to_hex(answer.data);
  const auto meaning = gp::status_meaning(command.ins, answer.sw);
  console.result({{"command", to_hex(command.encode())},
                  {"name", name_of({command.cla, command.ins, command.p1, command.p2})},
                  {"data", data},
                  {"sw", sw},
                  {"meaning", meaning.text}},
                 "> {}\n< {}{}{}  ({})", to_hex(command.encode()), data, data.empty() ? "" : " ",
                 sw, meaning.text);
}

// One command and its answer; in the channel when there is one, otherwise as it is.
Result<apdu::ResponseApdu> exchange(CardAccess& access, const apdu::CommandApdu& command) {
  if (access.session() != nullptr) {
    return access.port().transmit(scp::plain_command(command));
  }
  return apdu::exchange(access.link(), command);
}

}  // namespace

int list_card(const GpOptions& options, Console& console) {
  CardAccess access(options, console);
  return access.manage("the card was not listed", [&](card::CommandPort& port) -> Result<void> {
    const card::RegistryListing listing = KB_TRY(card::list_registry(port));
    if (!access.is_dry()) {
      print_listing(console, listing);
    }
    return {};
  });
}

int show_card(const GpOptions& options, Console& console) {
  constexpr std::string_view kWhat = "the card was not read";
  CardAccess access(options, console);
  if (!access.connect(kWhat)) {
    return access.code();
  }
  FactsOutput out(access.facts());
  if (access.has_credentials()) {
    if (!access.open(kWhat) || !access.check_encryption(kWhat)) {
      return access.code();
    }
    out.add_session(access.report().scp, access.session()->level().value);
    const auto resources =
        access.port().transmit({.ins = apdu::ins::kGetData,
                                .p1 = static_cast<std::uint8_t>(kExtendedResources >> 8U),
                                .p2 = static_cast<std::uint8_t>(kExtendedResources & 0xFFU),
                                .le = 256});
    if (!resources) {
      return access.told(kWhat, resources.error());
    }
    // A card or domain without it is no failure: it is in the specification of SIM cards.
    if (apdu::sw::is_ok(resources->sw)) {
      out.add_resources(resources->data);
    }
  }
  console.result(out.object(), "{}", out.text());
  return kExitOk;
}

int send_commands(const GpOptions& options, Console& console) {
  constexpr std::string_view kWhat = "not all commands were sent";
  const auto commands = parse_commands(options);
  if (!commands) {
    return console.failed(commands.error(), kWhat);
  }
  CardAccess access(options, console);
  if (!options.dry_run) {
    if (!access.connect(kWhat) || (access.has_credentials() && !access.open(kWhat))) {
      return access.code();
    }
  }
  std::size_t refused = 0;
  for (const apdu::CommandApdu& command : *commands) {
    if (options.dry_run) {
      console.result({{"command", to_hex(command.encode())},
                      {"name", name_of({command.cla, command.ins, command.p1, command.p2})},
                      {"sent", false}},
                     "{}  {}", to_hex(command.encode()),
                     name_of({command.cla, command.ins, command.p1, command.p2}));
      continue;
    }
    if (access.stops(kWhat, card::danger_of(access.facts(), scp::plain_command(command)))) {
      return access.code();
    }
    const auto answer = exchange(access, command);
    if (!answer) {
      return access.told(kWhat, answer.error());
    }
    print_answer(console, command, *answer);
    const bool ok = apdu::sw::is_ok(answer->sw) || answer->sw.sw1() == 0x62 ||
                    answer->sw == apdu::sw::kMoreData;
    if (!ok) {
      ++refused;
      if (!options.keep_going) {
        return access.told(kWhat, {Errc::kCardStatus, "the card refuses the command", answer->sw},
                           command);
      }
    }
  }
  if (refused != 0) {
    return console.failed_text(
        Errc::kCardStatus, "not all commands were done",
        fmt::format("the card refused {} of {}.", refused, commands->size()));
  }
  return kExitOk;
}

}  // namespace kagibin::cli
