// SPDX-License-Identifier: Apache-2.0
// The limits of P, for payloads that were decoded and payloads that are about to be sealed alike.
#include "kagibin/base/byte_io.h"
#include "kagibin/envelope/payload/own_command.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/envelope/suite.h"

namespace kagibin::envelope {

namespace {

bool is_key_version(std::uint8_t number) { return number >= 0x01 && number <= 0x7F; }

bool is_aes_key(const SecretBytes& key) {
  return key.size() == 16 || key.size() == 24 || key.size() == 32;
}

Result<void> check_probe(const std::optional<Bytes>& probe) {
  return probe ? check_probe_command(*probe) : Result<void>();
}

// DGI (2) | length | value, one or more; the length is one octet 00 to FE, or FF and two octets
// from 00FF on: what the key delivery application sends (gp/store_data.h), so that nothing is
// sealed that it would refuse.
Result<void> check_data_groups(ByteView data) {
  ByteReader in(data);
  do {
    KB_TRY(in.u16());
    const std::uint8_t first = KB_TRY(in.u8());
    std::size_t length = first;
    if (first == 0xFF) {
      length = KB_TRY(in.u16());
      if (length < first) {
        return fail(Errc::kEncoding, "the length of a data grouping up to 254 takes one octet");
      }
    }
    KB_TRY(in.bytes(length));
  } while (!in.empty());
  return {};
}

struct ActionCheck {
  Result<void> operator()(const PutKeyAction& action) const {
    if (action.old_key_version > 0x7F || !is_key_version(action.new_key_version)) {
      return fail(Errc::kValue, "a key version number is 01 to 7F; 00 as the old one adds keys");
    }
    if (action.keys.empty() || action.keys.size() > kMaxKeysPerAction) {
      return fail(Errc::kLimit, "PUT KEY has 1 to 3 keys");
    }
    if (action.first_key_identifier < 0x01 ||
        action.first_key_identifier + action.keys.size() - 1 > 0x7F) {
      return fail(Errc::kValue, "a key identifier is 01 to 7F");
    }
    for (const PutKeyAction::Key& key : action.keys) {
      if (key.type != kKeyTypeAes) {
        return fail(Errc::kNotSupported,
                    "PUT KEY delivers AES keys, type 88; others are not built");
      }
      if (!is_aes_key(key.value)) {
        return fail(Errc::kLength, "an AES key has 16, 24 or 32 octets");
      }
    }
    return {};
  }
  Result<void> operator()(const StoreDataAction& action) const {
    if (action.data.size() < 3 || action.data.size() > kStoreDataMaxSize) {
      return fail(Errc::kLength, "STORE DATA has 3 to 900 octets");
    }
    if (!check_data_groups(action.data.expose())) {
      return fail(Errc::kEncoding, "STORE DATA is a list of DGI, length and value");
    }
    return check_probe(action.probe);
  }
  Result<void> operator()(const DeleteKeyAction& action) const {
    if (!is_key_version(action.key_version)) {
      return fail(Errc::kValue, "DELETE KEY names a key version number, 01 to 7F");
    }
    return {};
  }
  Result<void> operator()(const CommandAction& action) const {
    if (action.data.size() > kCommandDataMaxSize) {
      return fail(Errc::kLength, "a command's data has at most 223 octets");
    }
    if (!is_plain_class(action.header[0])) {
      return fail(Errc::kValue,
                  "a command's class octet is 00 or 80: the secure channel adds its own bits");
    }
    return check_probe(action.probe);
  }
};

bool touches(const Action& action, std::uint8_t key_version) {
  if (const auto* put = std::get_if<PutKeyAction>(&action)) {
    return put->old_key_version == key_version || put->new_key_version == key_version;
  }
  const auto* deletion = std::get_if<DeleteKeyAction>(&action);
  return deletion != nullptr && deletion->key_version == key_version;
}

Result<void> check_by_certificates(const EnvelopeHeader& header, const Payload& payload) {
  if (payload.channel_keys && !header.is_under_static_dek()) {
    return fail(Errc::kValue, "RL2 takes no channel keys in the payload: nobody has them");
  }
  if (header.is_under_static_dek() &&
      (!payload.channel_keys || !payload.channel_keys->is_dek_alone())) {
    return fail(Errc::kValue, "RL4 takes the domain's static Key-DEK in the payload, and no more");
  }
  for (const Action& action : payload.actions) {
    if (touches(action, header.key_version_number)) {
      return fail(Errc::kValue,
                  "an action touches the key version that opens the channel at RL2 and RL4");
    }
  }
  return {};
}

// Nothing is relayed: there is no channel whose keys are named, no target with commands of its own,
// and no outcome to ask for.
Result<void> check_own_delivery(const Payload& payload) {
  if (payload.channel_keys) {
    return fail(Errc::kValue, "OS takes no channel keys in the payload: there is no channel");
  }
  for (const Action& action : payload.actions) {
    const auto* store = std::get_if<StoreDataAction>(&action);
    if (std::holds_alternative<CommandAction>(action) || (store != nullptr && store->probe)) {
      return fail(Errc::kValue, "OS takes PUT KEY, STORE DATA and DELETE KEY, and no probe");
    }
  }
  return {};
}

}  // namespace

Result<void> Payload::check() const {
  if (actions.empty() || actions.size() > kMaxActions) {
    return fail(Errc::kLimit, "a payload has 1 to 8 actions");
  }
  for (const Action& action : actions) {
    KB_TRY(std::visit(ActionCheck{}, action));
  }
  if (channel_keys) {
    if (!is_key_version(channel_keys->key_version)) {
      return fail(Errc::kValue, "the channel keys' version number is 01 to 7F");
    }
    const std::size_t size = channel_keys->dek.size();
    const bool is_one_size = channel_keys->is_dek_alone() ||
                             (channel_keys->enc.size() == size && channel_keys->mac.size() == size);
    if (!is_aes_key(channel_keys->dek) || !is_one_size) {
      return fail(Errc::kLength,
                  "the channel keys are three AES keys of one size, or Key-DEK alone");
    }
  }
  return {};
}

Result<void> check_channel_keys(const EnvelopeHeader& header, const Payload& payload) {
  KB_TRY(relay_level_info(header.level));
  if (header.is_own_delivery()) {
    return check_own_delivery(payload);
  }
  if (header.is_by_certificates()) {
    KB_TRY(check_by_certificates(header, payload));
  } else if (!payload.channel_keys || payload.channel_keys->is_dek_alone()) {
    return fail(Errc::kValue, "RL1 and RL3 need the channel keys in the payload");
  }
  if (payload.channel_keys && payload.channel_keys->key_version != header.key_version_number) {
    return fail(Errc::kValue, "the channel keys have another version number than the header names");
  }
  return {};
}

}  // namespace kagibin::envelope
