// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/channel_opening.h"

#include <utility>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/key/key_type.h"
#include "kagibin/pki/scp_certificate.h"
#include "kagibin/scp/scp02/scp02_host.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/scp/scp11/certificate_commands.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::uint8_t kKeyEnc = 0x01;  // KID of the first key of a set
constexpr std::size_t kS8MacSize = 8;
constexpr scp::SecurityLevel kHighestOfScp02{0x03};

using Stage = ChannelReport::Stage;

Result<scp::Scp03KeySet> scp03_set(const ChannelKeys& keys) {
  return scp::Scp03KeySet::create(keys.enc.duplicate(), keys.mac.duplicate(), keys.dek.duplicate());
}

Result<scp::Scp02KeySet> scp02_set(const ChannelKeys& keys) {
  return scp::Scp02KeySet::create(keys.enc.duplicate(), keys.mac.duplicate(), keys.dek.duplicate());
}

// 40 41 ... 4F three times: what test cards are delivered with (GPCS names none; the field does).
ChannelKeys factory_keys() {
  const auto key = [] {
    SecretBytes out(16);
    std::uint8_t next = 0x40;
    for (std::uint8_t& octet : out.expose_mutable()) {
      octet = next++;
    }
    return out;
  };
  return {.version = 0, .des = {}, .enc = key(), .mac = key(), .dek = key()};
}

// Which of the other sets the card's answer fits, without another command.
template <typename Holds>
void look_elsewhere(std::span<const ChannelKeys> others,
                    ChannelReport& report,
                    const Holds& holds) {
  for (const ChannelKeys& other : others) {
    if (holds(other)) {
      report.version_that_fits = other.version;
      return;
    }
  }
  report.factory_keys_fit = holds(factory_keys());
}

bool scp02_holds(const ChannelKeys& keys,
                 ByteView host_challenge,
                 const scp::Scp02InitializeUpdateAnswer& answer) {
  const auto set = scp02_set(keys);
  if (!set) {
    return false;
  }
  const auto session = scp::Scp02SessionKeys::derive(*set, answer.sequence_counter);
  if (!session) {
    return false;
  }
  const auto expected = scp::scp02_card_cryptogram(*session, host_challenge, answer);
  return expected && ct_equal(*expected, answer.card_cryptogram);
}

bool scp03_holds(const ChannelKeys& keys,
                 ByteView host_challenge,
                 const scp::InitializeUpdateAnswer& answer) {
  const auto set = scp03_set(keys);
  return set && scp::scp03_card_holds(*set, host_challenge, answer);
}

}  // namespace

ChannelKeys ChannelKeys::duplicate() const {
  return {.version = version,
          .des = des,
          .enc = enc.duplicate(),
          .mac = mac.duplicate(),
          .dek = dek.duplicate()};
}

// What was wished, what the keys are, what the card says of them, what the card speaks; in the end
// SCP03, whose refusal says the rest.
Result<std::uint8_t> ChannelOpening::choose(const ChannelKeys& keys, const ChannelWishes& wishes) {
  if (wishes.scp) {
    return *wishes.scp;
  }
  if (keys.des) {
    return *keys.des ? scp::kScp02 : scp::kScp03;
  }
  if (keys.enc.size() != 16) {
    return scp::kScp03;
  }
  if (const auto type = facts_.type_of(keys.version, kKeyEnc)) {
    return *type == gp::key_type::kAes ? scp::kScp03 : scp::kScp02;
  }
  const bool aes = facts_.parameter_of(scp::kScp03).has_value();
  const bool des = facts_.parameter_of(scp::kScp02).has_value();
  if (facts_.card_data && !aes && !des) {
    return fail(
        Errc::kNotSupported,
        "the card's data (66) name neither SCP02 nor SCP03, and the keys given are of those");
  }
  return des && !aes ? scp::kScp02 : scp::kScp03;
}

Result<std::unique_ptr<DomainSession>> ChannelOpening::symmetric(const ChannelKeys& keys,
                                                                 const ChannelWishes& wishes,
                                                                 bool only_check) {
  report_ = {};
  report_.scp = KB_TRY(choose(keys, wishes));
  if (report_.scp == scp::kScp02) {
    return scp02(keys, wishes, only_check);
  }
  if (report_.scp != scp::kScp03) {
    return fail(Errc::kNotSupported, "a set of three keys opens SCP02 and SCP03");
  }
  const bool s16 = (facts_.parameter_of(scp::kScp03).value_or(0) & 0x01U) != 0;
  auto out = scp03(keys, wishes, only_check, s16);
  // A card that did not say so may want the other length of challenge; no try is used by asking.
  if (!out && report_.stage == Stage::kInitializeUpdate &&
      out.error().sw == apdu::sw::kWrongLength && !facts_.parameter_of(scp::kScp03)) {
    return scp03(keys, wishes, only_check, !s16);
  }
  return out;
}

Result<std::unique_ptr<DomainSession>> ChannelOpening::open(const ChannelKeys& keys,
                                                            const ChannelWishes& wishes) {
  return symmetric(keys, wishes, false);
}

Result<void> ChannelOpening::check(const ChannelKeys& keys, const ChannelWishes& wishes) {
  KB_TRY(symmetric(keys, wishes, true));
  return {};
}

Result<std::unique_ptr<DomainSession>> ChannelOpening::scp02(const ChannelKeys& keys,
                                                             const ChannelWishes& wishes,
                                                             bool only_check) {
  auto host = std::make_unique<scp::Scp02Host>(
      KB_TRY(scp02_set(keys)), scp::Scp02HostOptions{.key_version_number = keys.version});
  const apdu::CommandApdu update = KB_TRY(host->initialize_update(rng_));
  report_.stage = Stage::kInitializeUpdate;
  const apdu::ResponseApdu challenge = KB_TRY(apdu::exchange(link_, update));
  const auto authenticate =
      host->external_authenticate(challenge, wishes.level.value_or(kHighestOfScp02));
  if (const auto& answer = host->answer()) {
    report_.answered_version = answer->key_version_number;
    report_.sequence_counter = answer->sequence_counter;
    report_.diversification_data.assign(answer->diversification_data.begin(),
                                        answer->diversification_data.end());
  }
  if (!authenticate) {
    if (authenticate.error().code == Errc::kAuthentication && host->answer()) {
      report_.stage = Stage::kCryptogram;
      look_elsewhere(wishes.other_sets, report_, [&](const ChannelKeys& other) {
        return scp02_holds(other, update.data, *host->answer());
      });
    }
    return std::unexpected(authenticate.error());
  }
  if (only_check) {
    report_.stage = Stage::kOpen;
    return nullptr;
  }
  report_.stage = Stage::kExternalAuthenticate;
  const apdu::ResponseApdu accepted = KB_TRY(apdu::exchange(link_, *authenticate));
  KB_TRY(host->finish_authentication(accepted));
  report_.stage = Stage::kOpen;
  return std::make_unique<DomainSession>(link_, std::move(host), scp::kScp02MacSize,
                                         wishes.long_commands);
}

Result<std::unique_ptr<DomainSession>> ChannelOpening::scp03(const ChannelKeys& keys,
                                                             const ChannelWishes& wishes,
                                                             bool only_check,
                                                             bool s16) {
  auto host = std::make_unique<scp::Scp03Host>(
      KB_TRY(scp03_set(keys)),
      scp::Scp03HostOptions{.key_version_number = keys.version, .s16 = s16});
  const apdu::CommandApdu update = KB_TRY(host->initialize_update(rng_));
  report_.stage = Stage::kInitializeUpdate;
  const apdu::ResponseApdu challenge = KB_TRY(apdu::exchange(link_, update));
  scp::SecurityLevel level = wishes.level.value_or(scp::SecurityLevel{0x03});
  const auto answer = scp::InitializeUpdateAnswer::decode(challenge.data);
  if (apdu::sw::is_ok(challenge.sw) && answer) {
    report_.i = answer->parameter.i;
    report_.answered_version = answer->key_version_number;
    report_.sequence_counter = answer->sequence_counter;
    report_.diversification_data.assign(answer->diversification_data.begin(),
                                        answer->diversification_data.end());
    level = wishes.level.value_or(scp::highest_level(answer->parameter));
  }
  const auto authenticate = host->external_authenticate(challenge, level);
  if (!authenticate) {
    if (authenticate.error().code == Errc::kAuthentication && answer) {
      report_.stage = Stage::kCryptogram;
      look_elsewhere(wishes.other_sets, report_, [&](const ChannelKeys& other) {
        return scp03_holds(other, update.data, *answer);
      });
    }
    return std::unexpected(authenticate.error());
  }
  if (only_check) {
    report_.stage = Stage::kOpen;
    return nullptr;
  }
  report_.stage = Stage::kExternalAuthenticate;
  const apdu::ResponseApdu accepted = KB_TRY(apdu::exchange(link_, *authenticate));
  KB_TRY(host->finish_authentication(accepted));
  report_.stage = Stage::kOpen;
  return std::make_unique<DomainSession>(link_, std::move(host), answer->parameter.mac_size(),
                                         wishes.long_commands);
}

// Whose key the card's is: known beforehand, or by the chain in the domain's certificate store.
Result<crypto::CurvePublicKey> ChannelOpening::domain_key(const HostCredentials& credentials) {
  if (credentials.domain_key) {
    return *credentials.domain_key;
  }
  if (!credentials.domain_ca) {
    return fail(Errc::kInvalidArgument,
                "SCP11 needs the domain's public key, or the CA that certifies it (CA-KLCC)");
  }
  const scp::KeyReference name{scp::agreement_key_identifier(credentials.variant),
                               credentials.key_version};
  const apdu::ResponseApdu answer = KB_TRY(apdu::exchange(link_, scp::get_certificate_store(name)));
  if (!apdu::sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, "the domain has no certificate store for this key", answer.sw);
  }
  const auto chain = KB_TRY(scp::read_certificate_store(answer.data));
  KB_TRY(pki::verify_chain(chain, *credentials.domain_ca, credentials.today));
  return chain.back().key();
}

Result<std::unique_ptr<DomainSession>> ChannelOpening::open(const HostCredentials& credentials) {
  report_ = {};
  report_.scp = scp::kScp11;
  report_.stage = Stage::kDomainCertificate;
  scp::Scp11HostOptions options{.variant = credentials.variant,
                                .key_version_number = credentials.key_version,
                                .encryption = credentials.encryption};
  if (const auto arc = facts_.parameter_of(scp::kScp11)) {
    const scp::Scp11Parameter parameter = KB_TRY(scp::Scp11Parameter::from(*arc));
    if (!parameter.speaks(credentials.variant)) {
      report_.stage = Stage::kChoice;
      return fail(Errc::kNotSupported, "the card's data (66) do not offer this variant of SCP11");
    }
    options.s16 = parameter.s16();
    report_.i = parameter.first;
  }
  const crypto::CurvePublicKey domain = KB_TRY(domain_key(credentials));
  const bool mutual = credentials.variant != scp::Scp11Variant::kB;
  report_.stage = Stage::kHostCertificate;
  if (mutual && (!credentials.own_key || credentials.certificates.empty())) {
    return fail(Errc::kInvalidArgument, "SCP11a and SCP11c need an own key and its certificate");
  }
  if (mutual) {
    for (const apdu::CommandApdu& command :
         KB_TRY(scp::verify_certificate_commands(credentials.certificates, credentials.ca))) {
      const apdu::ResponseApdu answer = KB_TRY(apdu::exchange(link_, command));
      if (!apdu::sw::is_ok(answer.sw)) {
        return fail(Errc::kCardStatus, "the card does not take our certificate", answer.sw);
      }
    }
  }
  const std::size_t mac_size = options.s16 ? 2 * kS8MacSize : kS8MacSize;
  auto host = mutual ? std::make_unique<scp::Scp11Host>(domain, credentials.own_key->duplicate(),
                                                        std::move(options))
                     : std::make_unique<scp::Scp11Host>(domain, std::move(options));
  const apdu::CommandApdu command = KB_TRY(host->authenticate(rng_));
  report_.stage = Stage::kKeyAgreement;
  const apdu::ResponseApdu answer = KB_TRY(apdu::exchange(link_, command));
  KB_TRY(host->finish(answer));
  report_.stage = Stage::kOpen;
  return std::make_unique<DomainSession>(link_, std::move(host), mac_size,
                                         credentials.long_commands);
}

}  // namespace kagibin::roles::security_module_manager
