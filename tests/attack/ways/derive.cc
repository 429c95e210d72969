// SPDX-License-Identifier: Apache-2.0
// Everything that can be derived: by the solver (kagibin/cli/solver) from sessions and envelopes,
// and from every key that is held, taken for a master key, by every derivation in the code base.
#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/cli/profile/key_derivation.h"
#include "kagibin/cli/solver/relayed_sessions.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/roles/security_module_manager/domain_keys.h"

#include "tests/attack/ways/way.h"

namespace kagibin::attack {

namespace {

using test::Deployment;

constexpr std::string_view kPayloadLabel = "KB1-KDV";  // keys of payloads, of a provider's master
constexpr std::size_t kKeySize = 16;

// Each once: of a published set all three keys are the same.
std::vector<SecretBytes> masters(const Holdings& holdings) {
  std::vector<SecretBytes> out;
  for (const HeldKey& held : holdings.keys) {
    cli::add_secret(out, held.key.expose());
  }
  for (const HeldSet& set : holdings.key_sets) {
    for (const SecretBytes* key : {&set.keys.enc, &set.keys.mac, &set.keys.dek}) {
      cli::add_secret(out, key->expose());
    }
  }
  return out;
}

void add_set(cli::CoalitionView& view, SecretBytes enc, SecretBytes mac, SecretBytes dek) {
  if (auto set = scp::Scp03KeySet::create(std::move(enc), std::move(mac), std::move(dek))) {
    view.key_sets.push_back(std::move(*set));
  }
}

void derive_sets(Scene& scene,
                 const SecretBytes& master,
                 const cli::RelayedSessions& sessions,
                 cli::CoalitionView& view) {
  const auto issuing = crypto::DerivationKey::in_memory(master.duplicate());
  for (const std::uint8_t version : {Deployment::kDomainKeyVersion, Deployment::kNewKeyVersion}) {
    if (!issuing) {
      break;  // no AES key
    }
    auto keys =
        roles::security_module_manager::diversified_keys(*issuing,
                                                         {.iin = scene.card().issuer_keys.iin,
                                                          .cin = scene.card().issuer_keys.cin,
                                                          .security_domain = scene.target(),
                                                          .key_version = version},
                                                         kKeySize, 0);
    if (keys) {
      add_set(view, std::move(keys->key_enc), std::move(keys->key_mac), std::move(keys->key_dek));
    }
  }
  for (const cli::RelayedSession& session : sessions.by_key_sets) {
    if (auto keys = cli::derive_kdf3(master, session.answer.diversification_data)) {
      view.key_sets.push_back(std::move(*keys));
    }
    if (auto keys = cli::derive_emv(master, session.answer.diversification_data)) {
      add_set(view, std::move(keys->enc), std::move(keys->mac), std::move(keys->dek));
    }
  }
}

// The master taken for the provider's own.
void derive_payload_keys(Scene& scene, const SecretBytes& master, Attempt& attempt) {
  for (std::uint8_t identifier = 1; identifier <= 3; ++identifier) {
    const Bytes context = ByteWriter()
                              .bytes(scene.card().seid.view())
                              .bytes(scene.target().view())
                              .u8(Deployment::kNewKeyVersion)
                              .u8(identifier)
                              .take();
    ++attempt.tried;
    if (auto key =
            crypto::diversify_cmac(master.expose(), ascii(kPayloadLabel), context, kKeySize)) {
      attempt.claims.push_back({"derived from a key that is held", std::move(*key)});
    }
  }
}

}  // namespace

void solve(Scene& scene, Attempt& attempt) {
  cli::CoalitionView view = scene.view();
  const cli::RelayedSessions sessions = cli::sessions_of(view.apdus);
  for (const HeldKey& held : scene.holdings().keys) {
    ++attempt.tried;
    attempt.claims.push_back({held.name, held.key.duplicate()});
  }
  for (const SecretBytes& master : masters(scene.holdings())) {
    derive_sets(scene, master, sessions, view);
    derive_payload_keys(scene, master, attempt);
  }
  cli::Derived derived = cli::derive(view);
  attempt.tried += derived.tried + derived.agreements_tried +
                   view.key_sets.size() * std::max<std::size_t>(derived.sessions, 1);
  for (SecretBytes& key : derived.keys) {
    attempt.claims.push_back({"out of a session or an envelope", std::move(key)});
  }
}

Attempt derive_from_what_was_seen(Scene& scene) {
  Attempt out;
  KB_CHECK(scene.deliver());  // what nobody disturbs arrives
  solve(scene, out);
  return out;
}

}  // namespace kagibin::attack
