// SPDX-License-Identifier: Apache-2.0
// What a coalition has before anything is sent: by right, by being who it is, or because everybody
// has it. What it sees comes on top (scene.h). Move-only: keys.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/roles/element_maker/maker.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::attack {

struct HeldSet {
  std::string_view name;
  scp::Scp03KeySet keys;
};

struct HeldKey {
  std::string_view name;
  SecretBytes key;
};

struct Holdings {
  std::vector<HeldSet> key_sets{};                   // channel keys
  std::vector<HeldKey> keys{};                       // master keys, and keys as they lie in a store
  std::vector<crypto::EcPrivateKey> private_keys{};  // of its own, of every kind
  std::optional<crypto::EcPrivateKey> root{};        // of the authority
  std::optional<crypto::EcPrivateKey> domain_root{};           // that certifies domains
  std::optional<roles::element_maker::MakerIdentity> maker{};  // certified as the honest one is
};

}  // namespace kagibin::attack
