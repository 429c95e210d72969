// SPDX-License-Identifier: Apache-2.0
// All roles of the sealed scheme, founded and connected, as real processes: authority, maker,
// element, reader, manager, provider, distributor, carrier, device. Nothing was ordered yet.
//
// What runs ends with the object. Thread-safety: one thread.
//
// At RL2 the maker makes the provider's domain, whose SCP11a key the authority certifies, and the
// provider is given no key of the manager's. At RL3 provider and domain agree on a key set with the
// help of the element's CASD, whose keys the authority certifies. RL4 begins as RL2; prepare_rl4()
// does what has to go before its delivery. At OS the maker makes the domain, too, as one that opens
// envelopes itself, and nobody has a key of it.
//
//   Cast cast = KB_TRY(Cast::assemble(site, {.pcsc = true}, narrator));
//   KB_TRY(site.run(Role::kProvider, {"order", ...}));
#pragma once

#include <memory>
#include <string>

#include "kagibin/base/aid.h"
#include "kagibin/cli/demo/narrator.h"
#include "kagibin/cli/demo/site.h"
#include "kagibin/cli/pcscd/private_pcscd.h"
#include "kagibin/envelope/suite.h"

namespace kagibin::cli::demo {

inline constexpr const char* kTarget = "A00000015153504B01";  // A's security domain
inline constexpr std::uint8_t kFirstKeyVersion = 0x30;        // C's
inline constexpr std::uint8_t kNewKeyVersion = 0x31;          // A's
inline constexpr std::uint8_t kAgreedKeyVersion = 0x32;       // A's first own, at RL3 and RL4
inline constexpr std::uint8_t kAgreementKeyVersion = 0x03;    // of the domain's SCP11a key, at RL2
inline constexpr const char* kMasterKey = "fleet";
inline constexpr const char* kSpid = "53504B41474942494E2D44454D4F3031";
inline constexpr const char* kDevice = "phone-7";

struct CastOptions {
  bool pcsc = true;
  envelope::RelayLevel level = envelope::RelayLevel::kRl1;
};

// An element with C's key set in the provider's domain (at OS: with none), in a reader.
struct ElementInReader {
  Seid seid;
  std::string iin;
  std::string cin;
  std::string code_hash;
  std::filesystem::path state;
  std::string reader;  // as --reader takes it
  envelope::RelayLevel level = envelope::RelayLevel::kRl1;
  bool pcsc = false;
  std::unique_ptr<Child> process{};
  std::unique_ptr<PrivatePcscd> pcscd{};

  bool is_at(envelope::RelayLevel asked) const { return level == asked; }
};

// Authority, maker, manager; an element in a reader, with the target domain: created by the
// manager, or at RL2 and OS by the maker.
Outcome<ElementInReader> make_element(Site& site, const CastOptions& options, Narrator& narrator);

struct Cast {
  ElementInReader element;
  std::unique_ptr<Child> distributor{};
  std::unique_ptr<Child> carrier{};
  std::unique_ptr<Child> agent{};
  std::string server{};   // HOST:PORT of the distributor
  std::string carried{};  // HOST:PORT of the carrier

  static Outcome<Cast> assemble(Site& site, const CastOptions& options, Narrator& narrator);
};

// HOST:PORT of a program that says on which port it listens.
Outcome<std::string> address_of(Child& server);

// RL4: two deliveries. At RL2 A's own key set takes the place of C's, at RL3, under that set, a
// static Key-DEK goes beside the domain's SCP11a key. Policy and payload of the delivery at RL4
// stand then.
Outcome<void> prepare_rl4(Site& site, Cast& cast, Narrator& narrator);

// Files of the cast, by their place on the site.
std::filesystem::path domain_certificate(const Site& site);  // CERT.SD, at RL2
std::filesystem::path apdu_log(const Site& site);
std::filesystem::path capture(const Site& site);
std::filesystem::path tls_key_log(const Site& site);

}  // namespace kagibin::cli::demo
