// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/element_maker/maker.h"

#include <utility>
#include <variant>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/se/kda/key_delivery_application.h"

namespace kagibin::roles::element_maker {
namespace {

constexpr std::uint8_t kMakersKeyVersion = 0x30;
constexpr std::size_t kMakersKeySize = 16;
constexpr std::size_t kSerialSize = 8;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::uint8_t kCommandsProtected = 0x03;  // C-MAC and C-DECRYPTION

Result<scp::Scp03KeySet> random_keys(crypto::Rng& rng, std::size_t size) {
  SecretBytes enc = KB_TRY(crypto::random_secret(rng, size));
  SecretBytes mac = KB_TRY(crypto::random_secret(rng, size));
  SecretBytes dek = KB_TRY(crypto::random_secret(rng, size));
  return scp::Scp03KeySet::create(std::move(enc), std::move(mac), std::move(dek));
}

// The ISD's keys: the first set of the profile, or a fresh one that is added to it.
Result<scp::Scp03KeySet> add_issuer_keys(ElementPlan& plan, crypto::Rng& rng) {
  for (const se::InitialKeySet& set : plan.profile.key_sets) {
    const auto* keys = std::get_if<scp::Scp03KeySet>(&set.keys);
    if (set.security_domain == plan.profile.isd_aid && keys != nullptr) {
      plan.issuer_key_version = set.key_version_number;
      return keys->duplicate();
    }
  }
  scp::Scp03KeySet fresh = KB_TRY(random_keys(rng, plan.issuer_key_size));
  plan.profile.key_sets.push_back({.security_domain = plan.profile.isd_aid,
                                   .key_version_number = plan.issuer_key_version,
                                   .keys = fresh.duplicate()});
  return fresh;
}

// Where the KDA and the maker's domain come into the profile. The domain's keys are its own.
void add_kda(ElementPlan& plan, const scp::Scp03KeySet& makers_keys) {
  const se::LoadFile file = se::key_delivery_load_file();
  plan.profile.iin = plan.iin;
  plan.profile.cin = plan.cin;
  plan.profile.security_domains.push_back({.aid = plan.makers_domain});
  plan.profile.key_sets.push_back({.security_domain = plan.makers_domain,
                                   .key_version_number = kMakersKeyVersion,
                                   .keys = makers_keys.duplicate()});
  plan.profile.applications.push_back({.load_file = file.aid,
                                       .module = file.modules.front(),
                                       .aid = kda::aid(),
                                       .security_domain = plan.makers_domain});
}

}  // namespace

Result<MadeElement> ElementMaker::make(ElementPlan plan,
                                       std::unique_ptr<se::NvmMedium> medium,
                                       const se::ModuleRegistry& modules) {
  if (!identity_.certificate) {
    return fail(Errc::kState, "the maker has no certificate of the controlling authority yet");
  }
  const se::LoadFile* file = modules.load_file(se::key_delivery_load_file().aid);
  if (file == nullptr) {
    return fail(Errc::kNotFound, "these elements have no key delivery application in ROM");
  }
  scp::Scp03KeySet issuer_keys = KB_TRY(add_issuer_keys(plan, rng_));
  const scp::Scp03KeySet makers_keys = KB_TRY(random_keys(rng_, kMakersKeySize));
  add_kda(plan, makers_keys);
  std::unique_ptr<se::Element> element =
      KB_TRY(se::Element::create(plan.profile, std::move(medium), rng_, clock_, modules));
  // A device may keep the basic channel for itself: then not even the maker speaks on it.
  std::unique_ptr<apdu::ChannelLink> channel;
  if (plan.profile.basic_channel_reserved) {
    channel = KB_TRY(apdu::ChannelLink::open(*element));
  }
  apdu::CardLink& link = channel ? static_cast<apdu::CardLink&>(*channel) : *element;
  pki::Certificate certificate =
      KB_TRY(certify_kda(link, makers_keys, plan.seid, file->code_hash(), plan.certificate_days));
  channel.reset();
  element->reset();
  const delivery::ShippedElement shipped{.seid = plan.seid,
                                         .iin = plan.iin,
                                         .cin = plan.cin,
                                         .kda_certificate_sha256 = certificate.fingerprint()};
  return MadeElement{.element = std::move(element),
                     .issuer_keys = {.iin = plan.iin,
                                     .cin = plan.cin,
                                     .security_domain = plan.profile.isd_aid,
                                     .key_version_number = plan.issuer_key_version,
                                     .i = plan.profile.scp03.i,
                                     .key_enc = std::move(issuer_keys.enc),
                                     .key_mac = std::move(issuer_keys.mac),
                                     .key_dek = std::move(issuer_keys.dek)},
                     .shipped = shipped,
                     .certificate = std::move(certificate)};
}

Result<pki::Certificate> ElementMaker::certify_kda(apdu::CardLink& link,
                                                   const scp::Scp03KeySet& domain_keys,
                                                   const Seid& seid,
                                                   const crypto::Digest256& code_hash,
                                                   int certificate_days) {
  if (!identity_.certificate || !identity_.authority) {
    return fail(Errc::kState, "the maker has no certificate of the controlling authority yet");
  }
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(link, kda::select()));
  if (!apdu::sw::is_ok(selected.sw)) {
    return fail(Errc::kCardStatus, "the card has no key delivery application", selected.sw);
  }
  scp::Scp03Link session = KB_TRY(
      scp::Scp03Link::open(link, domain_keys, {}, scp::SecurityLevel{kCommandsProtected}, rng_));
  const Bytes generated = KB_TRY(session.send(kda::generate()));
  const auto keys = KB_TRY(kda::GeneratedKeys::decode(generated));
  const auto signing_key = KB_TRY(crypto::EcPublicKey::from_point(keys.signing_key));
  pki::Certificate certificate =
      KB_TRY(issue_kda_certificate(signing_key, seid, code_hash, certificate_days));
  const kda::StoredCertificates stored{.authority_key = identity_.authority->point(),
                                       .maker_certificate = identity_.certificate->encoded(),
                                       .kda_certificate = certificate.encoded()};
  for (const apdu::CommandApdu& block : kda::store_certificates(stored.encode())) {
    KB_TRY(session.send(block));
  }
  return certificate;
}

Result<pki::Certificate> ElementMaker::issue_kda_certificate(const crypto::EcPublicKey& key,
                                                             const Seid& seid,
                                                             const crypto::Digest256& code_hash,
                                                             int days) {
  const std::int64_t now = clock_.now();
  const auto serial = KB_TRY(crypto::random_array<kSerialSize>(rng_));
  const Aid aid = kda::aid();
  pki::CertificateFields fields;
  fields.serial = Bytes(serial.begin(), serial.end());
  fields.issuer = Bytes(identity_.name.begin(), identity_.name.end());
  fields.subject = seid.octets;
  fields.kind = pki::CertificateKind::kKda;
  fields.effective = pki::CertificateDate::from_unix(now);
  fields.expiration = pki::CertificateDate::from_unix(now + days * kSecondsPerDay);
  fields.aids = {Bytes(aid.view().begin(), aid.view().end())};
  fields.code_hash = code_hash;
  fields.attestation = pki::AttestationProfile::kAtt1;
  return pki::Certificate::issue(fields, key, identity_.key, rng_);
}

Result<std::string> ElementMaker::sign_shipment(
    std::span<const delivery::ShippedElement> elements) {
  if (!identity_.certificate) {
    return fail(Errc::kState, "the maker has no certificate of the controlling authority yet");
  }
  delivery::ShipmentList list{.maker_name = identity_.name_text(),
                              .maker_certificate = identity_.certificate->encoded(),
                              .issued_at = clock_.now(),
                              .elements = {elements.begin(), elements.end()}};
  delivery::SignedShipmentList out{.list = delivery::to_json(list), .signature = {}};
  out.signature = KB_TRY(crypto::ecdsa_sign_der(
      identity_.key, {ascii(delivery::kLabelShipment), ascii(out.list)}, rng_));
  return delivery::to_json(out);
}

}  // namespace kagibin::roles::element_maker
