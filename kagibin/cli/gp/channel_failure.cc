// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/channel_failure.h"

#include <set>

#include <fmt/format.h>

#include "kagibin/apdu/apdu.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/gp/status_meaning.h"

namespace kagibin::cli {

namespace {

using roles::security_module_manager::CardFacts;
using roles::security_module_manager::ChannelReport;

std::string check_value(const SecretBytes& key, bool des) {
  const auto kcv = des ? crypto::des3_kcv(key.expose()) : crypto::aes_kcv(key.expose());
  return kcv ? to_hex(*kcv) : "?";
}

// "key set 30 of card.keys (SCP03; check values ENC 504A77, MAC 504A77, DEK 504A77)"
std::string describe(const KeyFileEntry& used, const std::string& file, std::uint8_t scp) {
  const bool des = scp == scp::kScp02;
  return fmt::format("key set {:02X} of {} (SCP{:02X}; check values ENC {}, MAC {}, DEK {})",
                     used.version, file, scp, check_value(used.enc, des),
                     check_value(used.mac, des), check_value(used.dek, des));
}

std::string versions_of(const CardFacts& facts) {
  std::set<std::uint8_t> versions;
  if (facts.keys) {
    for (const auto& key : facts.keys->keys) {
      versions.insert(key.version);
    }
  }
  std::string out;
  for (const std::uint8_t version : versions) {
    out += fmt::format("{}{:02X}", out.empty() ? "" : ", ", version);
  }
  return out.empty() ? "" : fmt::format(" The card lists key versions {}.", out);
}

ChannelFailure wrong_keys(const ChannelReport& report, const std::string& set) {
  ChannelFailure out;
  out.sentence = fmt::format(
      "the card does not hold {}: its card cryptogram is another. No try was used: EXTERNAL "
      "AUTHENTICATE was not sent.",
      set);
  if (report.answered_version) {
    out.sentence += fmt::format(
        " The card answered with its key version {:02X}, diversification "
        "data {}.",
        *report.answered_version, to_hex(report.diversification_data));
  }
  if (report.version_that_fits) {
    out.advice = fmt::format("Key set {:02X} of the same file fits: choose it with --key-version",
                             *report.version_that_fits);
  } else if (report.factory_keys_fit) {
    out.advice = "The card still holds the test keys 404142...4F, three times the same";
  } else {
    out.advice =
        "Check that the file is this card's, and that its keys are diversified for it; kagibin gp "
        "info shows IIN, CIN and key versions";
  }
  return out;
}

std::string meaning(std::uint8_t instruction, StatusWord sw) {
  return fmt::format("{:04X}, {}", sw.value, gp::status_meaning(instruction, sw).text);
}

}  // namespace

ChannelFailure explain_channel_failure(const ChannelReport& report,
                                       const CardFacts& facts,
                                       const Error& error,
                                       const KeyFileEntry* used,
                                       const std::string& file) {
  using Stage = ChannelReport::Stage;
  const std::string set = used != nullptr ? describe(*used, file, report.scp) : "the credentials";
  const bool refused = error.code == Errc::kCardStatus;
  switch (report.stage) {
    case Stage::kCryptogram:
      return wrong_keys(report, set);
    case Stage::kInitializeUpdate:
      if (refused) {
        const auto said = gp::status_meaning(apdu::ins::kInitializeUpdate, error.sw);
        return {fmt::format("INITIALIZE UPDATE with {} was refused: {}. No try was used.{}", set,
                            meaning(apdu::ins::kInitializeUpdate, error.sw), versions_of(facts)),
                std::string(said.advice)};
      }
      return {
          fmt::format("INITIALIZE UPDATE with {}: {}. No try was used.", set, error.detail.text()),
          "--scp and --level choose another protocol and level; kagibin gp info shows what the "
          "card speaks"};
    case Stage::kExternalAuthenticate:
      if (refused) {
        return {fmt::format("the card cryptogram was right, and EXTERNAL AUTHENTICATE with {} was "
                            "refused: {}. The card may have counted a try.",
                            set, meaning(apdu::ins::kExternalAuthenticate, error.sw)),
                "Do not repeat this: the Key-MAC may be another than the card's, or the level is "
                "not allowed"};
      }
      return {fmt::format("{}, in EXTERNAL AUTHENTICATE with {}.", error.detail.text(), set), ""};
    case Stage::kDomainCertificate:
    case Stage::kHostCertificate:
    case Stage::kKeyAgreement:
      if (refused) {
        return {fmt::format("{}: {:04X}.", error.detail.text(), error.sw.value),
                "SCP11: check --key-version (of the card's key), --ca (KID/KVN of the CA key on "
                "the card) and the order of --certificate, issuers first"};
      }
      return {fmt::format("{}.", error.detail.text()),
              "SCP11 takes --own-key and --certificate (11a, 11c), and --sd-key or --sd-ca"};
    default:
      return {fmt::format("{}.", error.detail.text()),
              "kagibin gp info shows what the card speaks"};
  }
}

ChannelFailure explain_wrong_encryption(std::string_view command,
                                        std::optional<StatusWord> sw,
                                        const KeyFileEntry& used,
                                        const std::string& file) {
  const std::string set = describe(used, file, scp::kScp03);
  if (!sw) {
    return {.sentence = fmt::format("the card's answer to {} cannot be decrypted, and MAC of {} is "
                                    "right: its ENC is another than the card's. No try was used.",
                                    command, set),
            .advice =
                "Check ENC in the file. The cryptograms of SCP03 are made with MAC alone, so that "
                "the channel opened"};
  }
  return {.sentence = fmt::format(
              "{} was refused: {:04X}. It is the first encrypted command of the session, and MAC "
              "of {} is right: its ENC may be another than the card's. No try was used.",
              command, sw->value, set),
          .advice =
              "Check ENC in the file: the cryptograms of SCP03 are made with MAC alone, so that "
              "the channel opened. If ENC is right, the card may want another level for this "
              "(--level), or not allow it to who holds these keys, or have ended the session: the "
              "same with --level 01, where ENC is not used, tells them apart"};
}

}  // namespace kagibin::cli
