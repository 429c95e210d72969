// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/solver.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "kagibin/apdu/apdu.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/scp/scp03/scp03_messages.h"

namespace kagibin::cli::demo {

namespace {

// One session as it was relayed.
struct RelayedSession {
  Bytes host_challenge;
  scp::InitializeUpdateAnswer answer;
  std::vector<apdu::CommandApdu> commands;  // EXTERNAL AUTHENTICATE first
};

std::vector<RelayedSession> sessions_of(const std::vector<Exchange>& exchanges) {
  std::vector<RelayedSession> out;
  std::map<std::uint8_t, std::size_t> open;  // by logical channel
  for (const Exchange& exchange : exchanges) {
    auto command = apdu::CommandApdu::decode(exchange.command);
    if (!command) {
      continue;
    }
    if (command->ins == apdu::ins::kInitializeUpdate && exchange.response.size() > 2) {
      auto answer = scp::InitializeUpdateAnswer::decode(
          ByteView(exchange.response).first(exchange.response.size() - 2));
      if (answer) {
        open[exchange.channel()] = out.size();
        out.push_back({command->data, std::move(*answer), {}});
      }
      continue;
    }
    const auto cla = apdu::ClassOctet::decode(command->cla);
    const auto session = open.find(exchange.channel());
    if (cla && cla->secure_messaging && session != open.end()) {
      out[session->second].commands.push_back(std::move(*command));
    }
  }
  return out;
}

void add_secret(std::vector<SecretBytes>& all, ByteView secret) {
  const bool known = std::ranges::any_of(
      all, [&](const SecretBytes& other) { return ct_equal(other.expose(), secret); });
  if (!known) {
    all.push_back(SecretBytes::copy_of(secret));
  }
}

// Amendment D, 6.2.8: under Key-DEK, CBC with a zero IV.
std::vector<SecretBytes> unwrap_put_key(const scp::Scp03KeySet& keys,
                                        const apdu::CommandApdu& command,
                                        ByteView data) {
  std::vector<SecretBytes> out;
  const auto put_key = gp::PutKey::decode(command.p1, command.p2, data);
  if (!put_key) {
    return out;
  }
  for (const gp::KeyData& key : put_key->keys) {
    const gp::KeyComponentData& component = key.components.front();
    auto clear = crypto::aes_cbc_decrypt(keys.dek.expose(), {}, component.value);
    if (clear && clear->size() >= component.clear_length) {
      clear->shrink(component.clear_length);
      out.push_back(std::move(*clear));
    }
  }
  return out;
}

// Every key that the commands of this session carried.
Result<std::vector<SecretBytes>> unwrap_session(const scp::Scp03KeySet& keys,
                                                const scp::Scp03SessionKeys& session,
                                                const RelayedSession& relayed) {
  std::vector<SecretBytes> out;
  const std::size_t mac_size = relayed.answer.parameter.mac_size();
  bool decrypts = false;
  std::uint32_t counter = 0;
  for (const apdu::CommandApdu& command : relayed.commands) {
    if (command.ins == apdu::ins::kExternalAuthenticate) {
      decrypts = (command.p1 & 0x02U) != 0;
      continue;
    }
    ++counter;  // Amendment D, 6.2.6: for every command, with data or without
    if (command.data.size() <= mac_size) {
      continue;
    }
    const ByteView wrapped = ByteView(command.data).first(command.data.size() - mac_size);
    SecretBytes data = SecretBytes::copy_of(wrapped);
    if (decrypts) {
      data = KB_TRY(scp::decrypt_data(session, counter, scp::Direction::kCommand, wrapped));
    }
    if (command.ins == apdu::ins::kPutKey) {
      for (const SecretBytes& key : unwrap_put_key(keys, command, data.expose())) {
        add_secret(out, key.expose());
      }
    }
  }
  return out;
}

// Adds what this key set opens; the key sets that came out.
std::vector<scp::Scp03KeySet> open_sessions(const scp::Scp03KeySet& keys,
                                            const std::vector<RelayedSession>& sessions,
                                            Derived& derived) {
  std::vector<scp::Scp03KeySet> out;
  for (const RelayedSession& relayed : sessions) {
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
    const auto carried = unwrap_session(keys, *session, relayed);
    if (!carried) {
      continue;
    }
    for (const SecretBytes& key : *carried) {
      add_secret(derived.keys, key.expose());
    }
    if (carried->size() == 3) {
      auto set = scp::Scp03KeySet::create((*carried)[0].duplicate(), (*carried)[1].duplicate(),
                                          (*carried)[2].duplicate());
      if (set) {
        out.push_back(std::move(*set));
      }
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
    add_secret(derived.keys, payload->channel_keys->enc.expose());
    add_secret(derived.keys, payload->channel_keys->mac.expose());
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

Derived derive(const CoalitionView& view) {
  Derived out;
  const std::vector<RelayedSession> sessions = sessions_of(view.apdus);
  out.sessions = sessions.size();
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
  // A set that came out of a session opens later ones; each session is opened by one set only, so
  // this ends.
  constexpr std::size_t kMostSets = 100;
  for (std::size_t at = 0; at < waiting.size() && at < kMostSets; ++at) {
    for (scp::Scp03KeySet& gained : open_sessions(waiting[at], sessions, out)) {
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

}  // namespace kagibin::cli::demo
