// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/solver/agreement_solver.h"

#include <optional>

#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/scp/scp03/scp03_messages.h"
#include "kagibin/scp/scp11/key_schedule.h"

namespace kagibin::cli {

namespace {

using Point = crypto::CurvePublicKey;

std::vector<SecretBytes> agreed(const std::vector<crypto::EcPrivateKey>& own,
                                const std::vector<Point>& peers) {
  std::vector<SecretBytes> out;
  for (const crypto::EcPrivateKey& key : own) {
    for (const Point& peer : peers) {
      if (auto secret = crypto::ecdh(crypto::CurvePrivateKey::from(key), peer)) {
        out.push_back(std::move(*secret));
      }
    }
  }
  return out;
}

// What was made in the session, by either end.
std::vector<Point> ephemeral_points(const RelayedAgreement& session) {
  std::vector<Point> out;
  for (const Bytes* octets : {&session.request.ephemeral_point, &session.answer.point}) {
    if (auto point = Point::from_point(crypto::Curve::kP256, *octets)) {
      out.push_back(std::move(*point));
    }
  }
  return out;
}

// Ciphertext is whole blocks: what is beyond them is the MAC (S8 or S16).
std::size_t mac_size_of(const RelayedAgreement& session) {
  constexpr std::size_t kBlock = 16;
  return session.commands.empty() || session.commands.front().data.size() % kBlock == 0 ? 16 : 8;
}

std::optional<scp::AgreedKeys> keys_from_pairs(const CoalitionView& view,
                                               const RelayedAgreement& session,
                                               std::size_t& tried) {
  const std::vector<SecretBytes> statics = agreed(view.private_keys, view.agreement_keys);
  for (const SecretBytes& first : agreed(view.private_keys, ephemeral_points(session))) {
    for (const SecretBytes& second : statics) {
      ++tried;
      const scp::SharedSecrets secrets{.first = first.duplicate(), .second = second.duplicate()};
      auto keys = scp::derive_keys(secrets, session.request, session.request_data,
                                   session.answer.point, {}, scp::kScp11Hash);
      if (keys && ct_equal(keys->receipt, session.answer.receipt)) {
        return std::move(*keys);
      }
    }
  }
  return std::nullopt;
}

// A key set that somebody holds, taken for the keys of the session.
std::optional<scp::AgreedKeys> keys_from_sets(const CoalitionView& view,
                                              const RelayedAgreement& session,
                                              std::size_t& tried) {
  for (const scp::Scp03KeySet& set : view.key_sets) {
    ++tried;
    if (session.commands.empty() || session.commands.front().data.size() < mac_size_of(session)) {
      continue;
    }
    scp::AgreedKeys keys{.session = {.s_enc = set.enc.duplicate(),
                                     .s_mac = set.mac.duplicate(),
                                     .s_rmac = set.mac.duplicate()},
                         .dek = set.dek.duplicate(),
                         .receipt = session.answer.receipt};
    const apdu::CommandApdu& command = session.commands.front();
    const std::size_t mac_size = mac_size_of(session);
    const ByteView data(command.data);
    const auto mac = scp::command_mac(keys.session, keys.receipt, command,
                                      data.first(data.size() - mac_size), mac_size);
    if (mac && ct_equal(ByteView(*mac).first(mac_size), data.last(mac_size))) {
      return keys;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<scp::Scp03KeySet> solve_agreements(const CoalitionView& view,
                                               const std::vector<RelayedAgreement>& sessions,
                                               Derived& derived) {
  std::vector<scp::Scp03KeySet> out;
  for (const RelayedAgreement& session : sessions) {
    auto keys = keys_from_pairs(view, session, derived.agreements_tried);
    if (!keys) {
      keys = keys_from_sets(view, session, derived.agreements_tried);
    }
    if (!keys) {
      continue;
    }
    for (const SecretBytes* key :
         {&keys->session.s_enc, &keys->session.s_mac, &keys->session.s_rmac, &keys->dek}) {
      add_secret(derived.session_keys, key->expose());
    }
    const bool encrypts = session.request.key_usage == scp::kUsageMacAndEncryption;
    // Under the session's Key-DEK, or a static one, whichever the domain has.
    std::vector<const SecretBytes*> deks{&keys->dek};
    for (const SecretBytes& dek : view.static_deks) {
      deks.push_back(&dek);
    }
    for (const SecretBytes* dek : deks) {
      const auto carried = keys_of({.keys = keys->session,
                                    .dek = dek->expose(),
                                    .mac_size = mac_size_of(session),
                                    .decrypts = encrypts},
                                   session.commands);
      if (auto set = add_carried(derived, carried)) {
        out.push_back(std::move(*set));
      }
    }
  }
  return out;
}

}  // namespace kagibin::cli
