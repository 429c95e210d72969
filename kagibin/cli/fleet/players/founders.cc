// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/players/founders.h"

#include <utility>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/pki/domain_key_request.h"
#include "kagibin/roles/element_maker/domain_certification.h"
#include "kagibin/roles/security_module_manager/card_manager.h"

namespace kagibin::cli::fleet {

namespace maker_role = roles::element_maker;
namespace authority_role = roles::controlling_authority;
namespace manager_role = roles::security_module_manager;

namespace {

constexpr int kTenYears = 3650;
constexpr int kOneYear = 365;
constexpr std::array<std::uint8_t, 16> kPlatform{0x56, 0x53, 0x45, 0x31};
constexpr std::size_t kMasterBytes = 32;

}  // namespace

struct Founders::Parts {
  authority_role::RootKeys root;
  maker_role::MakerIdentity maker;
  se::ModuleRegistry modules;
  crypto::DerivationKey manager_master;
  crypto::EcPrivateKey manager_key;
  std::string manager_pem;
};

Founders::Founders(bool by_certificates, Parts parts, const Clock& clock, crypto::Rng& rng)
    : by_certificates_(by_certificates),
      clock_(clock),
      rng_(rng),
      authority_(std::move(parts.root), log_, clock, rng),
      maker_(std::move(parts.maker)),
      modules_(std::move(parts.modules)),
      manager_master_(std::move(parts.manager_master)),
      manager_key_(std::move(parts.manager_key)),
      manager_pem_(std::move(parts.manager_pem)) {}

Result<std::unique_ptr<Founders>> Founders::create(bool by_certificates,
                                                   const Clock& clock,
                                                   crypto::Rng& rng) {
  crypto::EcPrivateKey manager_key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  std::string manager_pem = KB_TRY(crypto::self_signed_certificate(
      manager_key, "fleet manager", clock.now(), kOneYear, false, rng));
  SecretBytes master = KB_TRY(crypto::random_secret(rng, kMasterBytes));
  Parts parts{.root = KB_TRY(authority_role::RootKeys::create("FLEET-AUTH", rng)),
              .maker = KB_TRY(maker_role::MakerIdentity::create("fleet-maker", rng)),
              .modules = KB_TRY(standard_modules()),
              .manager_master = KB_TRY(crypto::DerivationKey::in_memory(std::move(master))),
              .manager_key = std::move(manager_key),
              .manager_pem = std::move(manager_pem)};
  std::unique_ptr<Founders> out(new Founders(by_certificates, std::move(parts), clock, rng));
  const Bytes octets = KB_TRY(out->maker_.request(rng));
  const auto request = KB_TRY(pki::CertificationRequest::decode(octets));
  pki::Certificate certificate =
      KB_TRY(out->authority_.certify_maker(request, kPlatform, kTenYears));
  KB_TRY(out->maker_.adopt(std::move(certificate), out->anchors().roots.front()));
  return out;
}

Result<NewElement> Founders::make(const Seid& seid,
                                  const Spid& owner,
                                  std::shared_ptr<se::Power> memory) {
  maker_role::ElementPlan plan{.seid = seid,
                               .iin = *from_hex("4B414749"),
                               .cin = Bytes(seid.octets.begin(), seid.octets.end())};
  plan.profile.basic_channel_reserved = true;
  if (by_certificates_) {
    plan.profile.scp03 = scp::Scp03Parameter{kDomainScp03};
    plan.domains.push_back({.aid = domain_aid(),
                            .owner = owner,
                            .key_version = kFirstKeyVersion,
                            .agreement_key_version = kAgreementKeyVersion});
  }
  maker_role::ElementMaker maker(maker_, clock_, rng_);
  maker_role::MadeElement made = KB_TRY(
      maker.make(std::move(plan), std::make_unique<se::CutMedium>(std::move(memory)), modules_));
  delivery::KeyExport keys = KB_TRY(make_domain(made));
  return NewElement{.shipped = std::move(made.shipped), .domain_keys = std::move(keys)};
}

Result<delivery::KeyExport> Founders::make_domain(maker_role::MadeElement& made) {
  const auto channel = KB_TRY(apdu::ChannelLink::open(*made.element));
  if (!by_certificates_) {
    manager_role::CardManager at_card(*channel, made.issuer_keys, rng_);
    return at_card.create_domain({.aid = domain_aid(),
                                  .key_version = kFirstKeyVersion,
                                  .scp03 = scp::Scp03Parameter{kDomainScp03}},
                                 manager_master_);
  }
  maker_role::MadeDomain& domain = made.domains.front();
  const auto request = KB_TRY(pki::DomainKeyRequest::decode(domain.request));
  const auto certificate = KB_TRY([&] {
    const std::lock_guard lock(mutex_);
    return authority_.certify_security_domain(request, 1, kTenYears);
  }());
  KB_TRY(maker_role::store_domain_certificate(*channel, domain.keys, kAgreementKeyVersion,
                                              certificate.encoded(), rng_));
  return std::move(domain.keys);
}

Result<std::string> Founders::shipment(std::span<const delivery::ShippedElement> elements) {
  return maker_role::ElementMaker(maker_, clock_, rng_).sign_shipment(elements);
}

Result<Bytes> Founders::key_exports(std::span<const delivery::KeyExport> exports,
                                    const std::string& provider_pem) {
  const SecretBytes content = KB_TRY(delivery::encode_key_exports(exports));
  return crypto::cms_seal(content.expose(), manager_key_, manager_pem_, provider_pem);
}

Result<pki::Certificate> Founders::certify_provider(const pki::CertificationRequest& request) {
  const Aid domain = domain_aid();
  constexpr std::size_t kPrefix = 5;
  const ByteView prefix = domain.view().first(kPrefix);
  return authority_.certify_service_provider(request, {Bytes(prefix.begin(), prefix.end())}, 1,
                                             kOneYear);
}

}  // namespace kagibin::cli::fleet
