// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/solver/relayed_sessions.h"

#include <algorithm>
#include <map>

#include "kagibin/gp/put_key.h"
#include "kagibin/scp/scp03/scp03_messages.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::cli {

namespace {

std::optional<RelayedSession> begins_by_key_set(const apdu::CommandApdu& command,
                                                const Exchange& exchange) {
  if (command.ins != apdu::ins::kInitializeUpdate || exchange.response.size() <= 2) {
    return std::nullopt;
  }
  auto answer = scp::InitializeUpdateAnswer::decode(
      ByteView(exchange.response).first(exchange.response.size() - 2));
  return answer ? std::optional(RelayedSession{command.data, std::move(*answer), {}})
                : std::nullopt;
}

std::optional<RelayedAgreement> begins_by_certificates(const apdu::CommandApdu& command,
                                                       const Exchange& exchange) {
  if (command.ins != scp::ins::kMutualAuthenticate || command.p2 != scp::kKidScp11a ||
      !exchange.is_answered_ok()) {
    return std::nullopt;
  }
  auto request = scp::KeyAgreementRequest::decode(command.data);
  auto answer = scp::KeyAgreementAnswer::decode(
      ByteView(exchange.response).first(exchange.response.size() - 2));
  if (!request || !answer) {
    return std::nullopt;
  }
  return RelayedAgreement{command.data, std::move(*request), std::move(*answer), {}};
}

// Amendment D, 6.2.8: under Key-DEK, CBC with a zero IV.
std::vector<SecretBytes> unwrap_put_key(ByteView dek,
                                        const apdu::CommandApdu& command,
                                        ByteView data) {
  std::vector<SecretBytes> out;
  const auto put_key = gp::PutKey::decode(command.p1, command.p2, data);
  if (!put_key) {
    return out;
  }
  for (const gp::KeyData& key : put_key->keys) {
    const gp::KeyComponentData& component = key.components.front();
    auto clear = crypto::aes_cbc_decrypt(dek, {}, component.value);
    if (clear && clear->size() >= component.clear_length) {
      clear->shrink(component.clear_length);
      out.push_back(std::move(*clear));
    }
  }
  return out;
}

}  // namespace

RelayedSessions sessions_of(const std::vector<Exchange>& exchanges) {
  RelayedSessions out;
  // Where the session of a logical channel keeps its commands: of which kind, and which.
  struct Place {
    bool by_certificates;
    std::size_t index;
  };
  std::map<std::uint8_t, Place> open;
  for (const Exchange& exchange : exchanges) {
    auto command = apdu::CommandApdu::decode(exchange.command);
    const auto cla = command ? apdu::ClassOctet::decode(command->cla) : Result<apdu::ClassOctet>{};
    if (!command || !cla) {
      continue;
    }
    if (cla->secure_messaging) {
      if (const auto at = open.find(exchange.channel()); at != open.end()) {
        const Place& place = at->second;
        (place.by_certificates ? out.by_certificates[place.index].commands
                               : out.by_key_sets[place.index].commands)
            .push_back(std::move(*command));
      }
    } else if (auto session = begins_by_key_set(*command, exchange)) {
      open[exchange.channel()] = {false, out.by_key_sets.size()};
      out.by_key_sets.push_back(std::move(*session));
    } else if (auto agreement = begins_by_certificates(*command, exchange)) {
      open[exchange.channel()] = {true, out.by_certificates.size()};
      out.by_certificates.push_back(std::move(*agreement));
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

Result<std::vector<SecretBytes>> keys_of(const SessionSecrets& secrets,
                                         std::span<const apdu::CommandApdu> commands) {
  std::vector<SecretBytes> out;
  std::uint32_t counter = 0;
  for (const apdu::CommandApdu& command : commands) {
    ++counter;  // Amendment D, 6.2.6: for every command, with data or without
    if (command.data.size() <= secrets.mac_size) {
      continue;
    }
    const ByteView wrapped = ByteView(command.data).first(command.data.size() - secrets.mac_size);
    SecretBytes data = SecretBytes::copy_of(wrapped);
    if (secrets.decrypts) {
      data = KB_TRY(scp::decrypt_data(secrets.keys, counter, scp::Direction::kCommand, wrapped));
    }
    if (command.ins == apdu::ins::kPutKey) {
      for (const SecretBytes& key : unwrap_put_key(secrets.dek, command, data.expose())) {
        add_secret(out, key.expose());
      }
    }
  }
  return out;
}

}  // namespace kagibin::cli
