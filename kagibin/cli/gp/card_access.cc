// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/card_access.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/command_name.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/base/clock.h"
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/console/recording_link.h"
#include "kagibin/cli/gp/channel_failure.h"
#include "kagibin/cli/gp/input/key_reference.h"
#include "kagibin/cli/gp/input/pem_key.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/gp/status_meaning.h"

namespace kagibin::cli {

namespace card = roles::security_module_manager;

namespace {

card::LongCommands long_commands(const GpOptions& options) {
  return options.pieces ? card::LongCommands::kPieces : card::LongCommands::kExtended;
}

bool says_security(StatusWord sw) {
  return sw == apdu::sw::kSecurityStatusNotSatisfied ||
         sw == apdu::sw::kIncorrectSecureMessagingObjects;
}

// Of an answer to data that are right as we send them. Under another key one command in 256 or so
// ends in what is padding by chance: a card that finds nothing wrong but the data read others.
bool shows_other_data(StatusWord sw) { return says_security(sw) || sw == apdu::sw::kWrongData; }

Result<card::ChannelWishes> wishes_of(const GpOptions& options) {
  card::ChannelWishes out{.long_commands = long_commands(options)};
  if (options.scp == "02" || options.scp == "03") {
    out.scp = options.scp == "02" ? scp::kScp02 : scp::kScp03;
  }
  if (!options.level.empty()) {
    const std::uint8_t level = KB_TRY(parse_octet(options.level));
    out.level = KB_TRY(scp::SecurityLevel::from(level));
  }
  return out;
}

}  // namespace

std::string_view name_of(const card::CommandPort::Header& header) {
  const apdu::CommandName name = apdu::command_name(header[0], header[1], header[2], header[3]);
  return name.text.empty() ? "command" : name.text;
}

int told_key_file(Console& console,
                  std::string_view what,
                  const std::filesystem::path& file,
                  const KeyFileProblem& problem) {
  return problem.line == 0
             ? console.failed_file(problem.error, what, file)
             : console.failed_text(problem.error.code, what,
                                   fmt::format("{}, line {}: {}.", file.string(), problem.line,
                                               problem.error.detail.text()));
}

bool CardAccess::connect(std::string_view what) {
  auto link = open_card(options_.reader);
  if (!link) {
    return fails(console_.failed(link.error(), what,
                                 "--reader takes a PC/SC reader's name or number, or "
                                 "tcp:HOST:PORT"));
  }
  link_ = std::move(*link);
  if (!options_.apdu_log.empty()) {
    auto recording = RecordingLink::open(std::move(link_), options_.apdu_log);
    if (!recording) {
      return fails(console_.failed_file(recording.error(), what, options_.apdu_log));
    }
    link_ = std::move(*recording);
  }
  if (!options_.channel.empty() && !open_channel(what)) {
    return false;
  }
  std::optional<Aid> domain;
  if (!options_.domain.empty()) {
    const auto aid = Aid::from_hex(options_.domain);
    if (!aid) {
      return fails(
          console_.failed_usage("--sd takes an AID, 5 to 16 octets in hexadecimal digits"));
    }
    domain = *aid;
  }
  auto facts = card::read_card_facts(*link_, domain);
  if (!facts) {
    if (facts.error().code != Errc::kCardStatus) {
      return fails(console_.failed(facts.error(), what));
    }
    const auto said = gp::status_meaning(apdu::ins::kSelect, facts.error().sw);
    const bool needs_channel =
        facts.error().sw == apdu::sw::kChannelNotSupported && options_.channel.empty();
    return fails(
        console_.failed_text(facts.error().code, what,
                             fmt::format("{} cannot be selected: {:04X}, {}.",
                                         domain ? domain->hex() : "the issuer security domain",
                                         facts.error().sw.value, said.text),
                             needs_channel ? "The card keeps the basic channel for the device: "
                                             "--channel auto opens another"
                                           : said.advice));
  }
  facts_ = std::move(*facts);
  port_ = std::make_unique<card::BareCard>(*link_);
  return true;
}

bool CardAccess::open_channel(std::string_view what) {
  std::uint8_t number = 0;
  if (options_.channel != "auto") {
    const std::string& text = options_.channel;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || number == 0 ||
        number > apdu::kLastChannel) {
      return fails(console_.failed_usage("--channel takes a number, 1 to 19, or auto"));
    }
  }
  auto opened =
      number == 0 ? apdu::ChannelLink::open(*link_) : apdu::ChannelLink::open(*link_, number);
  if (!opened && opened.error().code != Errc::kNotSupported) {
    return fails(console_.failed(opened.error(), what, "put the card back and try again"));
  }
  if (!opened) {
    return fails(console_.failed_text(
        Errc::kCardStatus, what,
        fmt::format("MANAGE CHANNEL was refused: {:04X}, {}.", opened.error().sw.value,
                    opened.error().detail.text()),
        number == 0 ? "All that the card has may be open: reset it"
                    : "It may be open already, or the card has fewer: --channel auto takes what "
                      "is free"));
  }
  reader_ = std::exchange(link_, std::move(*opened));
  return true;
}

bool CardAccess::open(std::string_view what) {
  if (!has_credentials()) {
    return fails(console_.failed_usage(
        "this needs a secure channel: --keys FILE, or --scp 11a, 11b or 11c with its files"));
  }
  return options_.scp.starts_with("11") ? open_with_certificate(what) : open_with_key_file(what);
}

bool CardAccess::open_with_key_file(std::string_view what) {
  const std::string file = options_.keys.string();
  auto entries = read_key_file(options_.keys);
  if (!entries) {
    return fails(told_key_file(console_, what, options_.keys, entries.error()));
  }
  std::optional<std::uint8_t> wanted;
  if (!options_.key_version.empty()) {
    const auto version = parse_octet(options_.key_version);
    if (!version) {
      return fails(console_.failed_usage("--key-version takes two hexadecimal digits"));
    }
    wanted = *version;
  }
  const auto used = std::ranges::find_if(*entries, [&](const KeyFileEntry& entry) {
    return entry.is_set() && (!wanted || entry.version == *wanted);
  });
  if (used == entries->end()) {
    return fails(console_.failed_text(
        Errc::kNotFound, what,
        wanted ? fmt::format("{} has no key set with key version {:02X}.", file, *wanted)
               : fmt::format("{} has no key set (enc, mac, dek).", file)));
  }
  auto wishes = wishes_of(options_);
  if (!wishes) {
    return fails(console_.failed_usage("--level takes 00, 01, 03, 11, 13 or 33"));
  }
  std::vector<card::ChannelKeys> others;
  for (const KeyFileEntry& entry : *entries) {
    if (entry.is_set() && &entry != &*used) {
      others.push_back(entry.channel_keys());
    }
  }
  wishes->other_sets = others;
  card::ChannelOpening opening(*link_, facts_, rng_);
  auto session = opening.open(used->channel_keys(), *wishes);
  report_ = opening.report();
  if (!session) {
    return fails(channel_failed(what, session.error(), &*used));
  }
  session_ = &(*session)->host();
  level_ = session_->level();
  port_ = std::move(*session);
  used_ = std::move(*used);
  return true;
}

Result<card::HostCredentials> CardAccess::credentials(std::filesystem::path& failed) const {
  card::HostCredentials out{.long_commands = long_commands(options_)};
  out.variant = options_.scp == "11a"   ? scp::Scp11Variant::kA
                : options_.scp == "11b" ? scp::Scp11Variant::kB
                                        : scp::Scp11Variant::kC;
  if (!options_.key_version.empty()) {
    out.key_version = KB_TRY(parse_octet(options_.key_version));
  }
  out.ca = KB_TRY(parse_key_reference(options_.ca));
  const auto read = [&](const std::filesystem::path& path, auto reader) {
    failed = path;
    return reader(path);
  };
  if (!options_.own_key.empty()) {
    out.own_key = KB_TRY(read(options_.own_key, read_curve_private_key));
  }
  for (const auto& path : options_.certificates) {
    out.certificates.push_back(KB_TRY(read(path, read_certificate)));
  }
  if (!options_.domain_key.empty()) {
    out.domain_key = KB_TRY(read(options_.domain_key, read_curve_public_key));
  }
  if (!options_.domain_ca.empty()) {
    out.domain_ca = KB_TRY(read(options_.domain_ca, read_curve_public_key));
  }
  failed.clear();
  const SystemClock clock;
  out.today = pki::CertificateDate::from_unix(clock.now());
  if (!options_.level.empty()) {
    const std::uint8_t octet = KB_TRY(parse_octet(options_.level));
    const auto level = KB_TRY(scp::SecurityLevel::from(octet));
    out.encryption = level.c_decryption();
  }
  return out;
}

bool CardAccess::open_with_certificate(std::string_view what) {
  std::filesystem::path failed;
  const auto ours = credentials(failed);
  if (!ours) {
    return fails(console_.failed_file(
        ours.error(), what, failed,
        failed.empty() ? "SCP11 takes --own-key and --certificate (11a, 11c), and --sd-key or "
                         "--sd-ca"
                       : ""));
  }
  card::ChannelOpening opening(*link_, facts_, rng_);
  auto session = opening.open(*ours);
  report_ = opening.report();
  if (!session) {
    return fails(channel_failed(what, session.error(), nullptr));
  }
  session_ = &(*session)->host();
  port_ = std::move(*session);
  return true;
}

int CardAccess::channel_failed(std::string_view what,
                               const Error& error,
                               const KeyFileEntry* used) {
  if (error.code == Errc::kCardLink) {
    return console_.failed(error, what, "put the card back and try again");
  }
  const ChannelFailure said =
      explain_channel_failure(report_, facts_, error, used, options_.keys.string());
  // What the card says about keys is a refusal, as a wrong cryptogram is.
  const bool refused = report_.stage == card::ChannelReport::Stage::kExternalAuthenticate &&
                       error.code == Errc::kCardStatus;
  return console_.failed_text(refused ? Errc::kAuthentication : error.code, what, said.sentence,
                              said.advice);
}

std::optional<card::DelegationKeys> CardAccess::delegation_keys(std::string_view what) {
  card::DelegationKeys out;
  const auto read = [&](const std::filesystem::path& path, auto reader,
                        std::optional<gp::Key>& key) {
    if (path.empty()) {
      return true;
    }
    auto found = reader(path);
    if (!found) {
      return fails(console_.failed_file(found.error(), what, path));
    }
    key = std::move(*found);
    return true;
  };
  if (!read(options_.token_key, read_signing_key, out.token) ||
      !read(options_.receipt_key, read_verifying_key, out.receipt)) {
    return std::nullopt;
  }
  return out;
}

bool CardAccess::read_last_counter() {
  const std::string& text = options_.receipt_after;
  if (text.empty()) {
    return true;
  }
  std::uint16_t counter = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), counter);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) {
    return fails(console_.failed_usage("--receipt-after takes a decimal number, 0 to 65535"));
  }
  last_counter_ = counter;
  return true;
}

int CardAccess::manage(std::string_view what, const Work& work) {
  if (!read_last_counter()) {
    return code_;
  }
  auto keys = delegation_keys(what);
  if (!keys) {
    return code_;
  }
  if (options_.dry_run) {
    card::DryRun dry;
    keys->receipt.reset();
    card::DelegatedPort port(dry, std::move(*keys), std::nullopt, rng_);
    if (const auto done = work(port); !done) {
      return told(what, done.error());
    }
    return print_dry_run(dry);
  }
  if (!connect(what) || !open(what)) {
    return code_;
  }
  code_ = kExitOk;
  card::DelegatedPort port(*port_, std::move(*keys), facts_.domain, rng_);
  const auto done = work(port);
  const int receipts = told_receipts(port);
  if (!done) {
    return told(what, done.error());
  }
  return code_ != kExitOk ? code_ : receipts;
}

int CardAccess::told_receipts(const card::DelegatedPort& port) {
  using Verdict = card::CheckedReceipt::Verdict;
  int code = kExitOk;
  for (const card::CheckedReceipt& one : port.receipts()) {
    const std::string_view of = name_of(one.header);
    if (one.verdict == Verdict::kMissing || one.verdict == Verdict::kWrong) {
      code = console_.failed_text(
          Errc::kAuthentication, "the card did the command, and it is not proved",
          one.verdict == Verdict::kMissing
              ? fmt::format("it gave no receipt of {}.", of)
              : fmt::format("its receipt of {} is not one of this command under the key of {}.", of,
                            options_.receipt_key.string()),
          one.verdict == Verdict::kMissing
              ? "Only an operation under a token has one, where a domain above has Receipt "
                "Generation and its key"
              : "Check that the key is that of the domain with Receipt Generation; kagibin gp list "
                "shows what is on the card");
      continue;
    }
    const bool right = one.verdict == Verdict::kRight;
    if (right && last_counter_ && one.confirmation->counter <= *last_counter_) {
      code = console_.failed_text(
          Errc::kAuthentication, "the card's word for it is old",
          fmt::format("The receipt of {} is right, and its counter is {}, not above {}: it was "
                      "given before, for the same done once already.",
                      of, one.confirmation->counter, *last_counter_),
          "kagibin gp list shows what is on the card; somebody on the way may keep receipts and "
          "send them again");
      continue;
    }
    if (right) {
      last_counter_ = one.confirmation->counter;
    }
    boost::json::object out{{"receipt", right ? "right" : "unchecked"},
                            {"of", of},
                            {"counter", one.confirmation->counter},
                            {"domain_data", to_hex(one.confirmation->domain_data)}};
    if (one.confirmation->token_number) {
      out["token_number"] = to_hex(*one.confirmation->token_number);
    }
    console_.result(out, "Receipt {} of {}: {}.", one.confirmation->counter, of,
                    right ? "right" : "not checked, for want of --receipt-key");
  }
  return code;
}

bool CardAccess::check_encryption(std::string_view what) {
  if (!depends_on_encryption()) {
    return true;
  }
  const auto answer = ask_for_issuer_domain();
  if (!answer) {
    return fails(told(what, answer.error()));
  }
  return !shows_other_data(answer->sw) ||
         fails(told(what, {Errc::kCardStatus, "the card refuses GET STATUS", answer->sw}));
}

bool CardAccess::depends_on_encryption() const {
  return used_ && session_->protocol() == scp::kScp03 && level_.c_decryption() &&
         !port_->has_done_data();
}

Result<apdu::ResponseApdu> CardAccess::ask_for_issuer_domain() {
  const gp::GetStatus query{.scope = gp::StatusScope::kIssuerSecurityDomain};
  return port_->transmit(scp::plain_command(query.encode()));
}

bool CardAccess::reads_other_data() {
  const auto answer = ask_for_issuer_domain();
  return answer ? shows_other_data(answer->sw) : answer.error().code == Errc::kAuthentication;
}

int CardAccess::told(std::string_view what, const Error& error) {
  if (error.code == Errc::kAuthentication && port_ != nullptr && depends_on_encryption() &&
      level_.r_encryption()) {
    const ChannelFailure said = explain_wrong_encryption(
        name_of(port_->last_header()), std::nullopt, *used_, options_.keys.string());
    return console_.failed_text(Errc::kAuthentication, what, said.sentence, said.advice);
  }
  if (error.code != Errc::kCardStatus || port_ == nullptr) {
    return console_.failed(error, what);
  }
  return refused(what, error, port_->last_header());
}

int CardAccess::told(std::string_view what, const Error& error, const apdu::CommandApdu& command) {
  return refused(what, error, {command.cla, command.ins, command.p1, command.p2});
}

int CardAccess::refused(std::string_view what, const Error& error, CommandPort::Header header) {
  if (depends_on_encryption() && (says_security(error.sw) || reads_other_data())) {
    const ChannelFailure wrong =
        explain_wrong_encryption(fmt::format("{} ({})", name_of(header), to_hex(header)), error.sw,
                                 *used_, options_.keys.string());
    return console_.failed_text(Errc::kAuthentication, what, wrong.sentence, wrong.advice);
  }
  const auto said = gp::status_meaning(header[1], error.sw);
  return console_.failed_text(error.code, what,
                              fmt::format("{} ({}) was refused: {:04X}, {}.", name_of(header),
                                          to_hex(header), error.sw.value, said.text),
                              said.advice);
}

bool CardAccess::stops(std::string_view what, const std::optional<Detail>& danger) {
  if (!danger || options_.dry_run) {
    return false;
  }
  if (options_.force) {
    console_.progress("Warning: {}. Done because of --force.", danger->text());
    return false;
  }
  code_ = console_.failed_text(Errc::kPolicy, what, fmt::format("{}.", danger->text()),
                               "The command was not sent; --force does it all the same");
  return true;
}

int CardAccess::print_dry_run(const card::DryRun& dry) {
  for (const apdu::CommandApdu& command : dry.commands()) {
    const std::string octets = to_hex(command.encode());
    const std::string_view name = name_of({command.cla, command.ins, command.p1, command.p2});
    boost::json::object out{{"command", octets}, {"name", name}, {"sent", false}};
    if (const auto split = gp::split_token(command); split && !split->token.empty()) {
      out["token"] = to_hex(split->token);
    }
    console_.result(out, "{}  {}", octets, name);
  }
  console_.progress(
      "Nothing was sent. Before secure messaging; values under the key for sensitive data are "
      "shown "
      "as zeros.");
  return kExitOk;
}

}  // namespace kagibin::cli
