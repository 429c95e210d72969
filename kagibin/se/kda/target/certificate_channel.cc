// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/target/certificate_channel.h"

#include <array>
#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/card_data.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/scp/scp11/certificate_commands.h"

namespace kagibin::se {

namespace {

// The first of its KID: the domain has one PK.CA-KLOC.ECDSA, its maker's.
constexpr scp::KeyReference kCertificateAuthority{.identifier = scp::kKidCaKloc, .version = 0x00};

}  // namespace

Result<CertificateChannel> CertificateChannel::create(const KdaStore& store,
                                                      const KdaSlot& slot,
                                                      const envelope::EnvelopeHeader& header) {
  const KdaCertificates stored = KB_TRY(store.certificates());
  if (!stored.oce || !slot.domain_certificate) {
    return fail(Errc::kNotFound, "RL2 needs CERT.OCE and the CERT.SD of the enrolment");
  }
  const pki::Certificate domain = KB_TRY(pki::Certificate::decode(*slot.domain_certificate));
  const crypto::EcPrivateKey own = KB_TRY(store.key(KdaStore::KeyName::kAgreement));
  const std::array chain{*stored.oce};
  auto commands = KB_TRY(scp::verify_certificate_commands(chain, kCertificateAuthority));
  return CertificateChannel(crypto::CurvePublicKey::from(domain.key()),
                            crypto::CurvePrivateKey::from(own), std::move(commands),
                            header.key_version_number);
}

apdu::CommandApdu CertificateChannel::ask_card_data() {
  return gp::GetData{.tag = gp::data_object::kCardData}.encode();
}

bool CertificateChannel::take_card_data(const apdu::ResponseApdu& answer) {
  const auto card = gp::CardData::decode(answer.data);
  if (!apdu::sw::is_ok(answer.sw) || !card) {
    return false;
  }
  const auto arc = card->parameter_of(scp::kScp11);
  const auto parameter = arc ? scp::Scp11Parameter::from(*arc) : Result<scp::Scp11Parameter>{};
  if (!arc || !parameter || !parameter->a() || !parameter->own_format()) {
    return false;
  }
  parameter_ = *parameter;
  sent_ = 0;
  return true;
}

std::optional<apdu::CommandApdu> CertificateChannel::next_certificate() {
  return sent_ < certificates_.size() ? std::optional(certificates_[sent_++]) : std::nullopt;
}

Result<apdu::CommandApdu> CertificateChannel::authenticate(crypto::Rng& rng) {
  session_.emplace(domain_key_, own_key_.duplicate(),
                   scp::Scp11HostOptions{.variant = scp::Scp11Variant::kA,
                                         .key_version_number = key_version_,
                                         .s16 = parameter_.s16()});
  return session_->authenticate(rng);
}

Result<void> CertificateChannel::finish(const apdu::ResponseApdu& answer,
                                        const std::optional<envelope::ChannelKeys>& channel_keys) {
  KB_CHECK(session_.has_value());
  return session_->finish(answer, channel_keys ? &channel_keys->dek : nullptr);
}

}  // namespace kagibin::se
