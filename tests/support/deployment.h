// SPDX-License-Identifier: Apache-2.0
// A whole deployment in one process, from one seed: controlling authority, maker, manager, service
// provider, and elements with the key delivery application; no network, no files but the provider's
// key folder. For system tests, golden transcripts and benchmarks. Thread-safety: none.
//
// Everything random in the protocol comes from the seed (CMS files, which do not go to the element,
// draw from libcrypto). A step that has to work here ends the process when it does not; steps that
// a test may want to see fail return a Result.
//
//   Deployment world("seed");
//   DeployedCard& card = world.add_card("phone-1");
//   const JournalOrder order = world.open_order("order-1", card);
//   const Judgement judgement = world.deliver(card, order.id);       // enrol, seal, relay, judge
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/device/kda_session.h"
#include "kagibin/roles/controlling_authority/authority.h"
#include "kagibin/roles/element_maker/maker.h"
#include "kagibin/roles/security_module_manager/card_manager.h"
#include "kagibin/roles/service_provider/order_flow.h"

#include "tests/support/cut_medium.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/memory_journal.h"

namespace kagibin::test {

struct DeploymentOptions {
  std::string suites = "01";               // policy.suites, one: two digits
  std::string policy_members{};            // appended to the policy's text, ", ..." or empty
  scp::Scp03Parameter domain_scp03{0x70};  // i of the provider's domain
  std::size_t domain_key_size = 16;
  bool domain_installs = false;        // gives the domain the authorized management privilege
  bool basic_channel_reserved = true;  // the device uses it itself
  // The maker makes the provider's domain with an SCP11a key of its own, certified by the authority
  // for the provider: RL2. The domain's first key set is the manager's all the same.
  bool by_certificates = false;
  // The maker makes the provider's domain as one that takes deliveries by itself (OS), without a
  // key set, and a second one, other_domain_aid(), of another provider.
  bool own_delivery = false;
  // Elements have a CASD of the authority and no KDA, until a test loads one in the field: ATT-2.
  bool attested_by_casd = false;
  bool manager_exports_keys = true;            // that first key set goes to the provider
  std::optional<scp::Scp11Parameter> scp11{};  // S16 by default, with by_certificates
  // Of the elements' own randomness; empty: from the deployment's seed.
  std::string element_seed{};
  // What the KDA's load file says of its sources, so that golden transcripts outlive a change of
  // them; empty: the truth.
  std::optional<crypto::Digest256> kda_sources{};
  // Other code in the KDA's place, for which the policy's allow-list is made all the same.
  std::function<void(se::BuiltIn&)> change_kda{};
  // The provider's long-term keys are made in this token, and its KEM keys; null: in memory.
  crypto::KeyTokens* tokens = nullptr;
  std::function<std::string(std::string_view key)> key_uri{};
  std::string token_uri{};
};

// One element, its memory, and what the roles know about it.
struct DeployedCard {
  delivery::DeviceId device;
  Seid seid;
  std::shared_ptr<Power> power;          // the memory's content; cut_at() cuts the power
  std::unique_ptr<se::Element> element;  // empty after power_cut, until reopen()
  delivery::KeyExport issuer_keys;       // C's
  delivery::KeyExport domain_keys;       // C's first key set of A's domain
  delivery::ShippedElement shipped;
  std::optional<pki::Certificate> domain_certificate{};  // CERT.SD, with by_certificates
  apdu::CardLink* middle = nullptr;  // what the device puts between itself and the element

  apdu::CardLink& link() { return middle != nullptr ? *middle : *element; }
};

struct CardOptions {
  int certificate_days = 3650;                    // CERT.KDA
  std::uint8_t authentication_failure_limit = 0;  // of the element; 0: never
  bool casd_certified = true;                     // with attested_by_casd
};

// A folder that goes with its object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Deployment {
 public:
  explicit Deployment(std::string_view seed, DeploymentOptions options = {});

  // Makes, ships and manages one more element, and binds it to the device in the provider's policy.
  DeployedCard& add_card(std::string_view device, const CardOptions& options = {});
  // Opens the element on what its memory holds, as after a reset with the power back.
  void reopen(DeployedCard& card);
  // The same with whatever cut was planned: fails when the power goes while the element starts.
  Result<void> start(DeployedCard& card);

  // The default payload: a whole key set under a new version that replaces the issuer's.
  static std::string payload_text();
  // The same for OS: it names no channel, and there is no key set to replace.
  static std::string payload_for_own_delivery();
  // The same for RL2: it names the version of the domain's SCP11a key.
  static std::string payload_by_certificates();
  delivery::JournalOrder open_order(std::string_view id,
                                    const DeployedCard& card,
                                    std::string_view payload = payload_text(),
                                    std::uint32_t validity_minutes = kValidityMinutes);
  // E0 of a new attempt, as sent.
  roles::service_provider::Outgoing request(const delivery::OrderId& order);
  // E2 for an answer that has to be good, as sent.
  Bytes seal(const delivery::OrderId& order, delivery::AttemptNumber attempt, ByteView answer);
  roles::service_provider::Judgement judge(const delivery::OrderId& order,
                                           delivery::AttemptNumber attempt,
                                           ByteView receipt);

  // What the agent does, without a network: with by_certificates it reads CERT.SD from the target
  // first. kCardLink when the power was cut.
  Result<Bytes> enrol(DeployedCard& card, ByteView request);
  // The same with this CERT.SD, or none.
  Result<Bytes> enrol_with(DeployedCard& card, ByteView request, ByteView domain_certificate);
  // LOAD while the slot waits for it, the pump, GET RECEIPT.
  Result<Bytes> relay(DeployedCard& card, ByteView envelope);
  // LOAD alone, under the handle of the envelope's header or another one.
  Result<void> load(DeployedCard& card, const Handle& handle, ByteView envelope);
  // The whole of one delivery under the flow: judged, acknowledged in the journal.
  roles::service_provider::Judgement deliver(DeployedCard& card, const delivery::OrderId& order);

  // Whether the provider's domain opens a session with these keys.
  bool opens_with(DeployedCard& card,
                  std::uint8_t key_version,
                  const roles::service_provider::ChannelKeySet& keys);
  static roles::service_provider::ChannelKeySet channel_keys(const delivery::KeyExport& record);

  static Aid domain_aid() { return *Aid::from_hex("A00000015153504B01"); }
  static Aid other_domain_aid() { return *Aid::from_hex("A00000015153504B02"); }
  static Spid other_spid() { return Spid{{0x53, 0x50, 0x49, 0x44, 0x02}}; }
  static constexpr std::uint8_t kDomainKeyVersion = 0x30;
  static constexpr std::uint8_t kNewKeyVersion = 0x31;
  static constexpr std::uint8_t kAgreementKeyVersion = 0x03;
  static constexpr std::uint32_t kValidityMinutes = 60;

  FakeClock clock{1'790'000'000};  // 2026-09-21
  FixedRng rng;                    // of all roles
  FixedRng element_rng;
  roles::controlling_authority::MemoryIssuanceLog issuance_log;
  std::unique_ptr<roles::controlling_authority::Authority> authority;
  std::unique_ptr<roles::element_maker::ElementMaker> maker;
  se::ModuleRegistry modules;
  SecretBytes manager_master;
  crypto::DerivationKey manager_master_key() const {
    return crypto::DerivationKey::in_memory(manager_master.duplicate()).value();
  }

  MemoryJournal journal;
  roles::service_provider::Policy policy;
  roles::service_provider::Trust trust;
  std::optional<pki::Certificate> provider_certificate;
  std::unique_ptr<roles::service_provider::KeyStore> keys;
  roles::service_provider::ShipmentBook shipments{journal};
  std::unique_ptr<roles::service_provider::OrderFlow> flow;
  roles::service_provider::CsvFiles csv;
  // C's, for its key exports.
  const crypto::EcPrivateKey& manager_key() const { return *manager_key_; }
  // After a change of policy, trust or certificate: the flow keeps verified chains.
  void renew_flow();

 private:
  void make_provider();
  // Whom the agent selects.
  Aid application() const;
  void certify_casd(apdu::CardLink& link, const Seid& seid);
  // The provider's domain of an element that is being made, by the manager or by the maker.
  delivery::KeyExport make_domain(roles::element_maker::MadeElement& made, DeployedCard& card);

  DeploymentOptions options_;
  TemporaryFolder folder_;
  std::vector<std::unique_ptr<DeployedCard>> cards_;
  std::string provider_exchange_pem_;
  std::optional<crypto::EcPrivateKey> manager_key_;
  std::string manager_pem_;
};

}  // namespace kagibin::test
