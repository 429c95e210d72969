// SPDX-License-Identifier: Apache-2.0
// A device with its virtual element: asleep it is the element's memory, the agent's jobs and a
// transport key; in use it is an Element behind a link that counts.
//
// An install is a change of the key records of the provider's domain, whatever the protocol says of
// it: they are compared around every PUT KEY, and when the element wakes after a loss of power
// within one. Thread-safety: one thread at a time.
//
//   ElementInUse element = KB_TRY(ElementInUse::wake(device, silicon));
//   device::Channels channels = KB_TRY(device::Channels::open_logical(element));
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kagibin/apdu/card_link.h"
#include "kagibin/cli/fleet/load/cpu_meter.h"
#include "kagibin/cli/fleet/load/dice.h"
#include "kagibin/cli/fleet/players/job_store.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/names.h"
#include "kagibin/pki/verified_signatures.h"
#include "kagibin/se/element.h"
#include "kagibin/se/nvm/cut_medium.h"

namespace kagibin::cli::fleet {

// What all elements are made of.
struct Silicon {
  const se::ModuleRegistry& modules;
  const Clock& clock;
  crypto::Rng& rng;
  CpuMeter& meter;
};

// The domain of the element's provider, and its keys by version.
inline constexpr std::uint8_t kFirstKeyVersion = 0x30;
inline constexpr std::uint8_t kNewKeyVersion = 0x31;
inline constexpr std::uint8_t kAgreementKeyVersion = 0x03;
inline constexpr std::uint8_t kDomainScp03 = 0x70;
Aid domain_aid();

struct VirtualDevice {
  std::uint32_t number = 0;
  std::uint32_t provider = 0;  // whose order it gets
  delivery::DeviceId name;
  Seid seid{};
  Dice dice;
  std::shared_ptr<se::Power> memory = std::make_shared<se::Power>();
  crypto::Digest256 keys{};    // of the domain's key records, as last seen
  std::uint32_t installs = 0;  // how often they changed
  JobStore jobs{};
  std::string certificate_pem{};  // of its transport identity; empty in a simulated network
  SecretBytes key_pem{};

  // Of all that it is while nobody uses it.
  std::uint64_t resting_octets() const;
};

class ElementInUse final : public apdu::CardLink {
 public:
  // On its memory as it is; a cut that was planned there will come. What Element::open says.
  static Result<std::unique_ptr<ElementInUse>> wake(VirtualDevice& device, const Silicon& silicon);
  ~ElementInUse() override;

  Result<Bytes> transmit(ByteView command) override;
  Result<void> reset() override;
  // Counts from now on: the state of the keys is the one that the element was made with.
  void begin_counting();

 private:
  ElementInUse(VirtualDevice& device, const Silicon& silicon)
      : device_(device), silicon_(silicon) {}
  void count_install();

  VirtualDevice& device_;
  Silicon silicon_;
  pki::VerifiedSignatures verified_;  // by this element alone, until it sleeps
  std::unique_ptr<se::Element> element_;
};

}  // namespace kagibin::cli::fleet
