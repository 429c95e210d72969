// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/solver/solver.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "kagibin/cli/solver/agreement_solver.h"
#include "kagibin/cli/solver/relayed_sessions.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/scp/scp03/scp03_host.h"

namespace kagibin::cli {

namespace {

// Adds what this key set opens; the key sets that came out.
std::vector<scp::Scp03KeySet> open_sessions(const scp::Scp03KeySet& keys,
                                            const std::vector<RelayedSession>& sessions,
                                            Derived& derived) {
  std::vector<scp::Scp03KeySet> out;
  for (const RelayedSession& relayed : sessions) {
    ++derived.sets_tried;
    if (!scp::scp03_card_holds(keys, relayed.host_challenge, relayed.answer)) {
      continue;
    }
    const auto session =
        scp::Scp03SessionKeys::derive(keys, relayed.host_challenge, relayed.answer.card_challenge);
    if (!session) {
      continue;
    }
    add_secret(derived.session_keys, session->s_enc.expose());
    add_secret(derived.session_keys, session->s_mac.expose());
    add_secret(derived.session_keys, session->s_rmac.expose());
    if (relayed.commands.empty()) {
      continue;
    }
    const auto carried = keys_of({.keys = *session,
                                  .dek = keys.dek.expose(),
                                  .mac_size = relayed.answer.parameter.mac_size(),
                                  .decrypts = (relayed.commands.front().p1 & 0x02U) != 0},
                                 std::span(relayed.commands).subspan(1));
    if (auto set = add_carried(derived, carried)) {
      out.push_back(std::move(*set));
    }
  }
  return out;
}

void open_envelope(const SealedEnvelope& sealed,
                   const crypto::EcPrivateKey& key,
                   Derived& derived) {
  const auto envelope = envelope::Envelope::decode(sealed.envelope);
  if (!envelope) {
    return;
  }
  const auto payload = envelope::open_delivery(*envelope, sealed.statement_hash, key);
  if (!payload) {
    return;
  }
  add_secret(derived.keys, payload->receipt_key.expose());
  if (payload->channel_keys) {
    if (!payload->channel_keys->is_dek_alone()) {
      add_secret(derived.keys, payload->channel_keys->enc.expose());
      add_secret(derived.keys, payload->channel_keys->mac.expose());
    }
    add_secret(derived.keys, payload->channel_keys->dek.expose());
  }
  for (const envelope::Action& action : payload->actions) {
    if (const auto* put_key = std::get_if<envelope::PutKeyAction>(&action)) {
      for (const envelope::PutKeyAction::Key& put : put_key->keys) {
        add_secret(derived.keys, put.value.expose());
      }
    }
  }
}

}  // namespace

std::optional<scp::Scp03KeySet> add_carried(Derived& derived,
                                            const Result<std::vector<SecretBytes>>& carried) {
  if (!carried) {
    return std::nullopt;
  }
  for (const SecretBytes& key : *carried) {
    add_secret(derived.keys, key.expose());
  }
  if (carried->size() != 3) {
    return std::nullopt;
  }
  auto set = scp::Scp03KeySet::create(carried->at(0).duplicate(), carried->at(1).duplicate(),
                                      carried->at(2).duplicate());
  return set ? std::optional(std::move(*set)) : std::nullopt;
}

Derived derive(const CoalitionView& view) {
  Derived out;
  const RelayedSessions sessions = sessions_of(view.apdus);
  out.sessions = sessions.by_key_sets.size();
  out.agreements = sessions.by_certificates.size();
  for (const SealedEnvelope& envelope : view.envelopes) {
    for (const crypto::EcPrivateKey& key : view.private_keys) {
      ++out.tried;
      open_envelope(envelope, key, out);
    }
  }
  std::vector<scp::Scp03KeySet> waiting;
  waiting.reserve(view.key_sets.size());
  for (const scp::Scp03KeySet& keys : view.key_sets) {
    waiting.push_back(keys.duplicate());
  }
  for (scp::Scp03KeySet& gained : solve_agreements(view, sessions.by_certificates, out)) {
    waiting.push_back(std::move(gained));
  }
  // A set that came out of a session opens later ones; each session is opened by one set only, so
  // this ends.
  constexpr std::size_t kMostSets = 100;
  for (std::size_t at = 0; at < waiting.size() && at < kMostSets; ++at) {
    for (scp::Scp03KeySet& gained : open_sessions(waiting[at], sessions.by_key_sets, out)) {
      waiting.push_back(std::move(gained));
    }
  }
  return out;
}

std::vector<crypto::EcPrivateKey> private_keys_in(ByteView octets) {
  constexpr std::string_view kBegin = "-----BEGIN PRIVATE KEY-----";
  constexpr std::string_view kEnd = "-----END PRIVATE KEY-----";
  std::vector<crypto::EcPrivateKey> out;
  const ByteView begin_mark = ascii(kBegin);
  const ByteView end_mark = ascii(kEnd);
  for (auto at = octets.begin();;) {
    const auto begin = std::search(at, octets.end(), begin_mark.begin(), begin_mark.end());
    const auto end = std::search(begin, octets.end(), end_mark.begin(), end_mark.end());
    if (begin == octets.end() || end == octets.end()) {
      return out;
    }
    const ByteView pem(begin, end + static_cast<std::ptrdiff_t>(kEnd.size()));
    auto key = crypto::private_key_from_pem(pem);
    if (key) {
      out.push_back(std::move(*key));
    }
    at = end;
  }
}

}  // namespace kagibin::cli
