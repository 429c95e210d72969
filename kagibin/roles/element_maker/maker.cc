// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/element_maker/maker.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/roles/element_maker/casd_certification.h"
#include "kagibin/roles/element_maker/domain_certification.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/se/kda/own/own_delivery.h"

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
  plan.profile.security_domains.push_back({.aid = plan.makers_domain});
  plan.profile.key_sets.push_back({.security_domain = plan.makers_domain,
                                   .key_version_number = kMakersKeyVersion,
                                   .keys = makers_keys.duplicate()});
  plan.profile.applications.push_back({.load_file = file.aid,
                                       .module = file.modules.front(),
                                       .aid = kda::aid(),
                                       .security_domain = plan.makers_domain});
}

// The domains that are there from the start, with their first key sets.
Result<std::vector<delivery::KeyExport>> add_domains(ElementPlan& plan, crypto::Rng& rng) {
  std::vector<delivery::KeyExport> out;
  for (const ProviderDomain& domain : plan.domains) {
    const gp::Privileges privileges{gp::Privileges::kSecurityDomain | gp::Privileges::kTrustedPath};
    if (domain.own_delivery) {
      plan.profile.security_domains.push_back({.aid = domain.aid,
                                               .privileges = privileges,
                                               .own_delivery = se::own_delivery_of(domain.owner)});
      continue;
    }
    scp::Scp03KeySet keys = KB_TRY(random_keys(rng, domain.key_size));
    plan.profile.security_domains.push_back({.aid = domain.aid, .privileges = privileges});
    plan.profile.key_sets.push_back({.security_domain = domain.aid,
                                     .key_version_number = domain.key_version,
                                     .keys = keys.duplicate()});
    out.push_back({.iin = plan.iin,
                   .cin = plan.cin,
                   .security_domain = domain.aid,
                   .key_version_number = domain.key_version,
                   .i = plan.profile.scp03.i,
                   .key_enc = std::move(keys.enc),
                   .key_mac = std::move(keys.mac),
                   .key_dek = std::move(keys.dek)});
  }
  if (!out.empty() && !plan.profile.scp11) {
    plan.profile.scp11 = scp::kScp11S16;
  }
  return out;
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
  const bool delivers_itself = std::ranges::any_of(plan.domains, &ProviderDomain::own_delivery);
  if (!plan.with_kda && !plan.profile.casd && !delivers_itself) {
    return fail(Errc::kInvalidArgument,
                "without a key delivery application an element needs a CASD that attests one, or a "
                "domain that takes deliveries by itself");
  }
  plan.profile.iin = plan.iin;
  plan.profile.cin = plan.cin;
  scp::Scp03KeySet issuer_keys = KB_TRY(add_issuer_keys(plan, rng_));
  const scp::Scp03KeySet makers_keys = KB_TRY(random_keys(rng_, kMakersKeySize));
  if (plan.with_kda) {
    add_kda(plan, makers_keys);
  }
  std::vector<delivery::KeyExport> domain_keys = KB_TRY(add_domains(plan, rng_));
  std::unique_ptr<se::Element> element =
      KB_TRY(se::Element::create(plan.profile, std::move(medium), rng_, clock_, modules));
  // A device may keep the basic channel for itself: then not even the maker speaks on it.
  std::unique_ptr<apdu::ChannelLink> channel;
  if (plan.profile.basic_channel_reserved) {
    channel = KB_TRY(apdu::ChannelLink::open(*element));
  }
  apdu::CardLink& link = channel ? static_cast<apdu::CardLink&>(*channel) : *element;
  delivery::ShippedElement shipped{.seid = plan.seid, .iin = plan.iin, .cin = plan.cin};
  std::optional<pki::Certificate> certificate;
  if (plan.with_kda) {
    certificate = KB_TRY(certify_kda(link, makers_keys, plan.seid, file->code_hash(),
                                     plan.certificate_days, plan.profile.scp11.has_value()));
    shipped.kda_certificate_sha256 = certificate->fingerprint();
  }
  KB_TRY(certify_domains(link, plan, issuer_keys, modules, shipped));
  std::vector<MadeDomain> domains = KB_TRY(make_domains(link, plan, std::move(domain_keys)));
  if (plan.profile.casd) {
    const std::vector<Bytes> requests = KB_TRY(casd_requests(link, plan.seid));
    shipped.casd = KB_TRY(shipped_casd(requests));
  }
  channel.reset();
  KB_TRY(element->reset());
  return MadeElement{
      .element = std::move(element),
      .issuer_keys = {.iin = plan.iin,
                      .cin = plan.cin,
                      .security_domain = plan.profile.isd_aid,
                      .key_version_number = plan.issuer_key_version,
                      .i = plan.profile.scp03.i,
                      .key_enc = std::move(issuer_keys.enc),
                      .key_mac = std::move(issuer_keys.mac),
                      .key_dek = std::move(issuer_keys.dek)},
      .shipped = shipped,
      .certificate = std::move(certificate),
      .kda_code_hash = file->code_hash(),
      .own_delivery_code_hash =
          delivers_itself ? std::optional(se::own_delivery_load_file().code_hash()) : std::nullopt,
      .domains = std::move(domains)};
}

Result<std::vector<MadeDomain>> ElementMaker::make_domains(apdu::CardLink& link,
                                                           const ElementPlan& plan,
                                                           std::vector<delivery::KeyExport> keys) {
  std::vector<MadeDomain> out;
  auto next = keys.begin();
  for (const ProviderDomain& domain : plan.domains) {
    if (domain.own_delivery) {
      continue;
    }
    delivery::KeyExport& first = *next++;
    const pki::DomainKey made = KB_TRY(make_domain_key(
        link, first,
        {.element = plan.seid, .owner = domain.owner, .key_version = domain.agreement_key_version},
        identity_.key.public_key(), rng_));
    Bytes request =
        KB_TRY(pki::sign_domain_key_request(made, *identity_.certificate, identity_.key, rng_));
    out.push_back({.keys = std::move(first), .request = std::move(request)});
  }
  return out;
}

// A domain without keys of its own is served by the one above it (GPCS 7.3): so is the maker here.
Result<void> ElementMaker::certify_domains(apdu::CardLink& link,
                                           const ElementPlan& plan,
                                           const scp::Scp03KeySet& issuer_keys,
                                           const se::ModuleRegistry& modules,
                                           delivery::ShippedElement& shipped) {
  for (const ProviderDomain& domain : plan.domains) {
    if (!domain.own_delivery) {
      continue;
    }
    const se::LoadFile* file = modules.load_file(se::own_delivery_load_file().aid);
    if (file == nullptr) {
      return fail(Errc::kNotFound, "these elements have no code for own deliveries in ROM");
    }
    const pki::Certificate certificate = KB_TRY(certify_kda(
        link, issuer_keys, plan.seid, file->code_hash(), plan.certificate_days, false, domain.aid));
    shipped.own_delivery_sha256.push_back(certificate.fingerprint());
  }
  return {};
}

Result<pki::Certificate> ElementMaker::certify_kda(apdu::CardLink& link,
                                                   const scp::Scp03KeySet& domain_keys,
                                                   const Seid& seid,
                                                   const crypto::Digest256& code_hash,
                                                   int certificate_days,
                                                   bool with_host_certificate,
                                                   const Aid& application) {
  if (!identity_.certificate || !identity_.authority) {
    return fail(Errc::kState, "the maker has no certificate of the controlling authority yet");
  }
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(link, kda::select(application)));
  if (!apdu::sw::is_ok(selected.sw)) {
    return fail(Errc::kCardStatus, "the card has no such application", selected.sw);
  }
  scp::Scp03Link session = KB_TRY(
      scp::Scp03Link::open(link, domain_keys, {}, scp::SecurityLevel{kCommandsProtected}, rng_));
  const Bytes generated = KB_TRY(session.send(kda::generate()));
  const auto keys = KB_TRY(kda::GeneratedKeys::decode(generated));
  const auto signing_key = KB_TRY(crypto::EcPublicKey::from_point(keys.signing_key));
  pki::Certificate certificate =
      KB_TRY(issue_kda_certificate(signing_key, seid, application, code_hash, certificate_days));
  kda::StoredCertificates stored{.authority_key = identity_.authority->point(),
                                 .maker_certificate = identity_.certificate->encoded(),
                                 .kda_certificate = certificate.encoded()};
  if (with_host_certificate) {
    const auto key = KB_TRY(crypto::EcPublicKey::from_point(keys.agreement_key));
    stored.oce_certificate = KB_TRY(issue_host_certificate(key, seid, certificate_days)).encoded();
  }
  for (const apdu::CommandApdu& block : kda::store_certificates(stored.encode())) {
    KB_TRY(session.send(block));
  }
  return certificate;
}

Result<pki::Certificate> ElementMaker::issue_kda_certificate(const crypto::EcPublicKey& key,
                                                             const Seid& seid,
                                                             const Aid& application,
                                                             const crypto::Digest256& code_hash,
                                                             int days) {
  pki::CertificateFields fields = KB_TRY(certificate_fields(seid, days));
  fields.kind = pki::CertificateKind::kKda;
  fields.aids = {Bytes(application.view().begin(), application.view().end())};
  fields.code_hash = code_hash;
  fields.attestation = pki::AttestationProfile::kAtt1;
  return pki::Certificate::issue(fields, key, identity_.key, rng_);
}

Result<pki::Certificate> ElementMaker::issue_host_certificate(const crypto::EcPublicKey& key,
                                                              const Seid& seid,
                                                              int days) {
  pki::CertificateFields fields = KB_TRY(certificate_fields(seid, days));
  fields.kind = pki::CertificateKind::kOce;
  return pki::Certificate::issue(fields, key, identity_.key, rng_);
}

// What all certificates of one element have in common.
Result<pki::CertificateFields> ElementMaker::certificate_fields(const Seid& seid, int days) {
  const std::int64_t now = clock_.now();
  const auto serial = KB_TRY(crypto::random_array<kSerialSize>(rng_));
  pki::CertificateFields fields;
  fields.serial = Bytes(serial.begin(), serial.end());
  fields.issuer = Bytes(identity_.name.begin(), identity_.name.end());
  fields.subject = seid.octets;
  fields.effective = pki::CertificateDate::from_unix(now);
  fields.expiration = pki::CertificateDate::from_unix(now + days * kSecondsPerDay);
  return fields;
}

Result<std::string> ElementMaker::sign_shipment(
    std::span<const delivery::ShippedElement> elements) {
  if (!identity_.certificate) {
    return fail(Errc::kState, "the maker has no certificate of the controlling authority yet");
  }
  const delivery::ShipmentList list{.maker_name = identity_.name_text(),
                                    .maker_certificate = identity_.certificate->encoded(),
                                    .issued_at = clock_.now(),
                                    .elements = {elements.begin(), elements.end()}};
  delivery::SignedShipmentList out{.list = delivery::to_json(list), .signature = {}};
  out.signature =
      KB_TRY(identity_.key.sign_der({ascii(delivery::kLabelShipment), ascii(out.list)}, rng_));
  return delivery::to_json(out);
}

}  // namespace kagibin::roles::element_maker
