// SPDX-License-Identifier: Apache-2.0
#include "tests/support/deployment.h"

#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/device/domain_certificate.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/gp/select.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/pki/domain_key_request.h"
#include "kagibin/roles/element_maker/casd_certification.h"
#include "kagibin/roles/element_maker/domain_certification.h"
#include "kagibin/roles/service_provider/keys/key_import.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/se/kda/own/own_delivery.h"

#include "tests/support/must.h"

namespace kagibin::test {

namespace provider = roles::service_provider;
using delivery::JournalOrder;
using delivery::JournalStep;

namespace {

constexpr std::array<std::uint8_t, 16> kSpid{0x53, 0x50, 0x49, 0x44, 0x01};
constexpr std::array<std::uint8_t, 16> kPlatform{0x56, 0x53, 0x45, 0x31};
constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};

}  // namespace

// In memory where the system has such a folder: what is tested here is order, not the disk.
TemporaryFolder::TemporaryFolder() {
  const std::filesystem::path memory = "/dev/shm";
  std::error_code none;
  const std::filesystem::path parent =
      std::filesystem::is_directory(memory, none) ? memory : std::filesystem::temp_directory_path();
  std::string pattern = (parent / "kagibin-world-XXXXXX").string();
  KB_CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Deployment::Deployment(std::string_view seed, DeploymentOptions options)
    : rng(std::string(seed) + "/roles"),
      element_rng(options.element_seed.empty() ? std::string(seed) + "/element"
                                               : options.element_seed),
      options_(std::move(options)) {
  namespace authority_role = roles::controlling_authority;
  namespace maker_role = roles::element_maker;
  authority = std::make_unique<authority_role::Authority>(
      must(authority_role::RootKeys::create("KAGIBIN-AUTH", rng)), issuance_log, clock, rng);
  trust.anchors = authority->anchors();

  maker = std::make_unique<maker_role::ElementMaker>(
      must(maker_role::MakerIdentity::create("test-maker", rng)), clock, rng);
  const Bytes request = must(maker->identity().request(rng));
  pki::Certificate certificate = must(
      authority->certify_maker(must(pki::CertificationRequest::decode(request)), kPlatform, 3650));
  must(maker->identity().adopt(std::move(certificate), trust.anchors.roots.front()));

  se::BuiltIn kda = se::key_delivery_built_in();
  if (options_.kda_sources) {
    kda.file.sources = *options_.kda_sources;
  }
  if (options_.change_kda) {
    options_.change_kda(kda);
  }
  must(modules.add(std::move(kda)));
  if (options_.own_delivery) {
    must(modules.add(se::own_delivery_built_in()));
  }
  must(se::add_built_in_applications(modules));
  manager_master = must(crypto::random_secret(rng, 32));
  manager_key_ = must(crypto::EcPrivateKey::generate(rng));
  manager_pem_ =
      must(crypto::self_signed_certificate(*manager_key_, "manager", clock.now(), 365, false, rng));
  make_provider();
}

void Deployment::make_provider() {
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("a passphrase for tests"));
  keys = std::make_unique<provider::KeyStore>(
      must(crypto::RecordFolder::create(folder_.path() / "keys", passphrase, rng, kCheap)), journal,
      rng, options_.tokens);
  const auto place = [&](std::string_view key) {
    return options_.tokens == nullptr
               ? crypto::KeyPlace{}
               : crypto::KeyPlace{.uri = options_.key_uri(key), .is_made_there = true};
  };
  must(keys->create_signing_key(place("signing")));
  must(keys->create_exchange_key(place("exchange")));
  must(keys->create_master_key("fleet", 32, place("fleet")));
  if (options_.tokens != nullptr) {
    must(keys->keep_kem_keys_in(options_.token_uri));
  }
  provider_exchange_pem_ = must(crypto::self_signed_certificate(
      must(keys->exchange_key_as_signer()), "provider", clock.now(), 365, false, rng));
  const Bytes request = must(pki::sign_certification_request(
      pki::CertificateKind::kServiceProvider, kSpid, must(keys->signing_key()), rng));
  provider_certificate = must(authority->certify_service_provider(
      must(pki::CertificationRequest::decode(request)),
      {*from_hex("A000000151"), *from_hex("F05041594D454E54"), *from_hex("F0444947494B4559")}, 1,
      365));
  const std::string text = fmt::format(
      R"({{"minimum_level":"RL1","accept_rl1":"a test","issuer_is_carrier":false,"suites":["{}"],)"
      R"("attestation_profiles":["ATT-1"],"kda_code_hashes":["{}"],)"
      R"("elements":[{{"device":"nobody","seid":"{:032}"}}],"maximum_validity_minutes":1440{}}})",
      options_.suites, to_hex(modules.load_file(se::key_delivery_load_file().aid)->code_hash()), 0,
      options_.policy_members);
  policy = must(provider::Policy::parse(text));
  if (options_.own_delivery) {
    policy.kda_code_hashes.insert(se::own_delivery_load_file().code_hash());
  }
  renew_flow();
}

void Deployment::renew_flow() {
  flow = std::make_unique<provider::OrderFlow>(
      provider::ProviderContext{.policy = policy,
                                .trust = trust,
                                .certificate = *provider_certificate,
                                .keys = *keys,
                                .shipments = shipments,
                                .journal = journal,
                                .clock = clock,
                                .rng = rng});
}

DeployedCard& Deployment::add_card(std::string_view device, const CardOptions& options) {
  namespace manager = roles::security_module_manager;
  Seid seid;
  must(rng.fill(seid.octets));
  roles::element_maker::ElementPlan plan{.seid = seid,
                                         .iin = *from_hex("4B414749"),
                                         .cin = Bytes(seid.octets.begin(), seid.octets.end())};
  plan.certificate_days = options.certificate_days;
  plan.profile.authentication_failure_limit = options.authentication_failure_limit;
  plan.profile.basic_channel_reserved = options_.basic_channel_reserved;
  auto power = std::make_shared<Power>();
  if (options_.by_certificates) {
    plan.profile.scp03 = options_.domain_scp03;
    plan.profile.scp11 = options_.scp11;
    plan.domains.push_back({.aid = domain_aid(),
                            .owner = Spid{kSpid},
                            .key_version = kDomainKeyVersion,
                            .key_size = options_.domain_key_size,
                            .agreement_key_version = kAgreementKeyVersion});
  }
  if (options_.own_delivery) {
    plan.profile.scp03 = options_.domain_scp03;
    plan.domains.push_back({.aid = domain_aid(), .owner = Spid{kSpid}, .own_delivery = true});
    plan.domains.push_back(
        {.aid = other_domain_aid(), .owner = other_spid(), .own_delivery = true});
  }
  if (options_.attested_by_casd) {
    const crypto::EcPoint point = trust.anchors.roots.front().point();
    plan.with_kda = false;
    plan.profile.casd = se::InitialCasd{.authority_key = Bytes(point.begin(), point.end())};
  }
  roles::element_maker::MadeElement made =
      must(maker->make(std::move(plan), std::make_unique<CutMedium>(power), modules));
  auto card =
      std::make_unique<DeployedCard>(DeployedCard{.device = must(delivery::DeviceId::from(device)),
                                                  .seid = seid,
                                                  .power = std::move(power),
                                                  .element = nullptr,
                                                  .issuer_keys = {.security_domain = domain_aid()},
                                                  .domain_keys = {.security_domain = domain_aid()},
                                                  .shipped = made.shipped});
  if (options_.attested_by_casd && options.casd_certified) {
    certify_casd(*must(apdu::ChannelLink::open(*made.element)), seid);
  }
  if (!options_.own_delivery) {
    card->domain_keys = make_domain(made, *card);
  }
  const delivery::KeyExport& domain_keys = card->domain_keys;
  const std::string list = must(maker->sign_shipment(std::span(&made.shipped, 1)));
  must(shipments.import(list, trust, pki::CertificateDate::from_unix(clock.now())));
  if (options_.manager_exports_keys && !options_.own_delivery) {
    const SecretBytes content =
        must(delivery::encode_key_exports(std::span<const delivery::KeyExport>(&domain_keys, 1)));
    const Bytes file = must(
        crypto::cms_seal(content.expose(), *manager_key_, manager_pem_, provider_exchange_pem_));
    must(provider::import_key_exports(file, manager_key_->public_key(), provider_exchange_pem_,
                                      shipments, journal, *keys));
  }
  policy.elements.emplace(device, seid);

  card->issuer_keys = std::move(made.issuer_keys);
  cards_.push_back(std::move(card));
  made.element.reset();
  reopen(*cards_.back());
  return *cards_.back();
}

void Deployment::certify_casd(apdu::CardLink& link, const Seid& seid) {
  std::vector<Bytes> certificates;
  for (const Bytes& octets : must(roles::element_maker::casd_requests(link, seid))) {
    const auto request = must(pki::CertificationRequest::decode(octets));
    certificates.push_back(
        must(authority->certify_casd(request, se::casd_aid(), kPlatform, 3650)).encoded());
  }
  must(roles::element_maker::store_casd_certificates(link, certificates));
}

delivery::KeyExport Deployment::make_domain(roles::element_maker::MadeElement& made,
                                            DeployedCard& card) {
  namespace manager = roles::security_module_manager;
  const auto channel = must(apdu::ChannelLink::open(*made.element));
  if (options_.by_certificates) {
    roles::element_maker::MadeDomain& domain = made.domains.front();
    const auto request = must(pki::DomainKeyRequest::decode(domain.request));
    card.domain_certificate = must(authority->certify_security_domain(request, 1, 3650));
    must(roles::element_maker::store_domain_certificate(*channel, domain.keys, kAgreementKeyVersion,
                                                        card.domain_certificate->encoded(), rng));
    return std::move(domain.keys);
  }
  manager::CardManager at_card(*channel, made.issuer_keys, rng);
  manager::DomainPlan domain{.aid = domain_aid(),
                             .key_version = kDomainKeyVersion,
                             .key_size = options_.domain_key_size,
                             .scp03 = options_.domain_scp03};
  if (options_.domain_installs) {
    domain.privileges.bits |= gp::Privileges::kAuthorizedManagement;
  }
  return must(at_card.create_domain(domain, manager_master_key()));
}

void Deployment::reopen(DeployedCard& card) {
  card.power->restore();
  must(start(card));
}

Result<void> Deployment::start(DeployedCard& card) {
  card.element.reset();
  card.element = KB_TRY(
      se::Element::open(std::make_unique<CutMedium>(card.power), element_rng, clock, modules));
  return {};
}

std::string Deployment::payload_text() {
  return fmt::format(
      R"({{"target":"{0}","channel":{{"key_version":"{1:02X}"}},"actions":[{{"put_key":{{)"
      R"("replace":"{1:02X}","key_version":"{2:02X}","key_identifier":"01","keys":[)"
      R"({{"derive":{{"master":"fleet","size":16}}}},{{"derive":{{"master":"fleet","size":16}}}},)"
      R"({{"derive":{{"master":"fleet","size":16}}}}]}}}}]}})",
      domain_aid().hex(), kDomainKeyVersion, kNewKeyVersion);
}

Aid Deployment::application() const { return options_.own_delivery ? domain_aid() : kda::aid(); }

std::string Deployment::payload_for_own_delivery() {
  return fmt::format(
      R"({{"target":"{}","own_delivery":true,"actions":[{{"put_key":{{"key_version":"{:02X}",)"
      R"("key_identifier":"01","keys":[{{"derive":{{"master":"fleet","size":16}}}},)"
      R"({{"derive":{{"master":"fleet","size":16}}}},{{"derive":{{"master":"fleet","size":16}}}}]}}}}]}})",
      domain_aid().hex(), kNewKeyVersion);
}

std::string Deployment::payload_by_certificates() {
  std::string text = payload_text();
  const std::string channel =
      fmt::format(R"("channel":{{"key_version":"{:02X}")", kDomainKeyVersion);
  const std::size_t at = text.find(channel);
  KB_CHECK(at != std::string::npos);
  return text.replace(
      at, channel.size(),
      channel + fmt::format(R"(,"agreement_key_version":"{:02X}")", kAgreementKeyVersion));
}

JournalOrder Deployment::open_order(std::string_view id,
                                    const DeployedCard& card,
                                    std::string_view payload,
                                    std::uint32_t validity_minutes) {
  const provider::PayloadFile file = must(provider::PayloadFile::parse(payload));
  return must(flow->open({.id = must(delivery::OrderId::from(id)),
                          .device = card.device,
                          .payload = file,
                          .csv = csv,
                          .validity_minutes = validity_minutes}));
}

Result<Bytes> Deployment::enrol(DeployedCard& card, ByteView request) {
  device::Channels channels = KB_TRY(device::Channels::open_logical(card.link()));
  device::KdaSession session = KB_TRY(device::KdaSession::select(channels, application()));
  Bytes domain_certificate;
  if (options_.by_certificates) {
    domain_certificate = KB_TRY(device::read_domain_certificate(channels, request));
  }
  return session.enrol(request, domain_certificate);
}

Result<Bytes> Deployment::enrol_with(DeployedCard& card,
                                     ByteView request,
                                     ByteView domain_certificate) {
  device::Channels channels = KB_TRY(device::Channels::open_logical(card.link()));
  device::KdaSession session = KB_TRY(device::KdaSession::select(channels, application()));
  return session.enrol(request, domain_certificate);
}

Result<Bytes> Deployment::relay(DeployedCard& card, ByteView envelope) {
  const auto decoded = KB_TRY(envelope::Envelope::decode(envelope));
  const auto header = KB_TRY(envelope::EnvelopeHeader::decode(decoded.header));
  device::Channels channels = KB_TRY(device::Channels::open_logical(card.link()));
  device::KdaSession session = KB_TRY(device::KdaSession::select(channels, application()));
  const kda::Status status = KB_TRY(session.status(header.handle));
  if (status.state == kda::State::kEnrolled) {
    KB_TRY(session.load(header.handle, envelope));
  }
  if (!kda::is_final(status.state)) {
    KB_TRY(session.deliver(header.handle));
  }
  return session.receipt(header.handle);
}

Result<void> Deployment::load(DeployedCard& card, const Handle& handle, ByteView envelope) {
  device::Channels channels = KB_TRY(device::Channels::open_logical(card.link()));
  device::KdaSession session = KB_TRY(device::KdaSession::select(channels, application()));
  return session.load(handle, envelope);
}

provider::Outgoing Deployment::request(const delivery::OrderId& id) {
  provider::Outgoing out = must(flow->attempt_after(id, must(flow->find(id)).current_attempt));
  must(journal.acknowledge(id, out.attempt, JournalStep::kRequest));
  return out;
}

Bytes Deployment::seal(const delivery::OrderId& id,
                       delivery::AttemptNumber attempt,
                       ByteView answer) {
  provider::Sealing sealing = must(flow->seal(id, attempt, answer));
  KB_CHECK(sealing.outcome == provider::Sealing::Outcome::kSealed);
  must(journal.acknowledge(id, attempt, JournalStep::kDelivery));
  return std::move(sealing.envelope);
}

provider::Judgement Deployment::judge(const delivery::OrderId& id,
                                      delivery::AttemptNumber attempt,
                                      ByteView receipt) {
  provider::Judgement judgement = must(flow->judge(id, attempt, receipt));
  must(journal.acknowledge(id, attempt, JournalStep::kVerdict));
  return judgement;
}

provider::Judgement Deployment::deliver(DeployedCard& card, const delivery::OrderId& id) {
  const provider::Outgoing e0 = request(id);
  const Bytes e4 = must(enrol(card, e0.message));
  const Bytes e2 = seal(id, e0.attempt, e4);
  const Bytes e3 = must(relay(card, e2));
  return judge(id, e0.attempt, e3);
}

provider::ChannelKeySet Deployment::channel_keys(const delivery::KeyExport& record) {
  return {.i = record.i,
          .enc = record.key_enc.duplicate(),
          .mac = record.key_mac.duplicate(),
          .dek = record.key_dek.duplicate()};
}

bool Deployment::opens_with(DeployedCard& card,
                            std::uint8_t key_version,
                            const provider::ChannelKeySet& set) {
  const Aid aid = domain_aid();
  const gp::Select select{.name = Bytes(aid.view().begin(), aid.view().end())};
  const auto channel = must(apdu::ChannelLink::open(*card.element));
  must(apdu::exchange(*channel, select.encode()));
  const scp::Scp03KeySet key_set =
      must(scp::Scp03KeySet::create(set.enc.duplicate(), set.mac.duplicate(), set.dek.duplicate()));
  return scp::Scp03Link::open(
             *channel, key_set,
             {.key_version_number = key_version, .s16 = options_.domain_scp03.s16()},
             scp::highest_level(options_.domain_scp03), rng)
      .has_value();
}

}  // namespace kagibin::test
