// SPDX-License-Identifier: Apache-2.0
// Those who are there before an order: the controlling authority, the element maker and the
// security module manager. They make elements with a domain of a provider in it, ready for
// deliveries at RL1 or RL2.
//
// Ownership: refers to clock and randomness. Thread-safety: make() from any threads; the rest
// before or after.
//
//   auto founders = KB_TRY(Founders::create(false, clock, rng));
//   NewElement made = KB_TRY(founders->make(number, spid, memory));
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "kagibin/crypto/held_key/derivation_key.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/delivery/exchange/shipment_list.h"
#include "kagibin/roles/controlling_authority/authority.h"
#include "kagibin/roles/element_maker/maker.h"
#include "kagibin/roles/service_provider/problem.h"
#include "kagibin/se/module_registry.h"
#include "kagibin/se/nvm/cut_medium.h"

namespace kagibin::cli::fleet {

using roles::service_provider::Checked;

struct NewElement {
  delivery::ShippedElement shipped;
  delivery::KeyExport domain_keys;  // the first key set, which the manager or the maker drew
};

class Founders {
 public:
  // With certificates, domains have an SCP11a key that the authority certified: RL2.
  static Result<std::unique_ptr<Founders>> create(bool by_certificates,
                                                  const Clock& clock,
                                                  crypto::Rng& rng);
  Founders(const Founders&) = delete;
  Founders& operator=(const Founders&) = delete;
  ~Founders() = default;

  // An element of this SEID, and in it the domain of the provider. Its octets stay in the memory.
  Result<NewElement> make(const Seid& seid, const Spid& owner, std::shared_ptr<se::Power> memory);
  // Signed by the maker.
  Result<std::string> shipment(std::span<const delivery::ShippedElement> elements);
  // Sealed by the manager to the provider.
  Result<Bytes> key_exports(std::span<const delivery::KeyExport> exports,
                            const std::string& provider_pem);

  Result<pki::Certificate> certify_provider(const pki::CertificationRequest& request);
  pki::TrustAnchors anchors() const { return authority_.anchors(); }
  crypto::EcPublicKey manager_key() const { return manager_key_.public_key(); }
  const se::ModuleRegistry& modules() const { return modules_; }
  bool by_certificates() const { return by_certificates_; }

 private:
  struct Parts;
  Founders(bool by_certificates, Parts parts, const Clock& clock, crypto::Rng& rng);
  Result<delivery::KeyExport> make_domain(roles::element_maker::MadeElement& made);

  bool by_certificates_;
  const Clock& clock_;
  crypto::Rng& rng_;
  roles::controlling_authority::MemoryIssuanceLog log_;
  std::mutex mutex_;  // guards the authority
  roles::controlling_authority::Authority authority_;
  roles::element_maker::MakerIdentity maker_;
  se::ModuleRegistry modules_;
  crypto::DerivationKey manager_master_;
  crypto::EcPrivateKey manager_key_;
  std::string manager_pem_;
};

}  // namespace kagibin::cli::fleet
