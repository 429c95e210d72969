// SPDX-License-Identifier: Apache-2.0
// A key ceremony by components: 2 or 3 custodians bring one component each, and the key is their
// XOR, so that fewer than all of them know nothing of it.
//
// Components may be entered in sessions of their own, in any order; each comes with its check
// value, and until the last one all lie in the encrypted record "ceremony.<name>" of the key store,
// which the key takes the place of. A component that is another's again, or all zeros, is refused:
// it would leave fewer custodians than the ceremony has. An interruption at any moment leaves a
// ceremony that goes on, or the key. Keys: AES, 16, 24 or 32 octets. Thread-safety: one thread.
//
//   KeyCeremony ceremony = KB_TRY(KeyCeremony::start("zone", plan, keys));
//   const CheckValues shown = KB_TRY(ceremony.enter(1, component, "08793E25AB"));
//   const CheckValues result = KB_TRY(ceremony.finish());
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "kagibin/crypto/key_block/check_value.h"
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"

namespace kagibin::roles::service_provider {

struct CeremonyPlan {
  KeyPurpose purpose = KeyPurpose::kProtectionKey;  // or a master key
  std::uint8_t components = 2;                      // 2 or 3
  std::uint8_t size_bytes = 32;
  char exportability = 'N';
  bool dual_control = false;  // of a master key
  // Of the key, where another end agreed on it before; or empty. A master key with one counts as
  // known to that end (keys/exposed_keys.h), one without is its custodians' alone.
  std::string check_value{};
};

class KeyCeremony {
 public:
  // kConflict when there is such a ceremony or such a key already.
  static Checked<KeyCeremony> start(std::string_view name,
                                    const CeremonyPlan& plan,
                                    KeyStore& keys);
  // kNotFound.
  static Checked<KeyCeremony> resume(std::string_view name, KeyStore& keys);

  const CeremonyPlan& plan() const { return plan_; }
  // True when component `number`, from 1, is there.
  bool has(std::uint8_t number) const { return entered_.contains(number); }
  bool is_complete() const { return entered_.size() == plan_.components; }

  // `check_value`: as the custodian has it, hexadecimal (crypto/key_block/check_value.h). What is
  // refused changes nothing: kValue for another check value, kConflict for a number that is there.
  Checked<crypto::CheckValues> enter(std::uint8_t number,
                                     const SecretBytes& component,
                                     std::string_view check_value);
  // Makes the key, and ends the ceremony. kState before the last component. `token_uri`: where a
  // master key is to be in a token; empty: a record.
  Checked<crypto::CheckValues> finish(const std::string& token_uri = {});
  // Wipes what was entered.
  Checked<void> abandon();

 private:
  KeyCeremony(std::string_view name, CeremonyPlan plan, KeyStore& keys)
      : name_(name), plan_(std::move(plan)), keys_(&keys) {}
  static Checked<void> check_plan(const CeremonyPlan& plan);
  std::string record() const { return "ceremony." + name_; }
  SecretBytes encode() const;
  Result<void> decode(ByteView octets);
  Checked<void> store(const SecretBytes& key, const std::string& token_uri);

  std::string name_;
  CeremonyPlan plan_;
  KeyStore* keys_;
  std::map<std::uint8_t, SecretBytes> entered_;
};

}  // namespace kagibin::roles::service_provider
