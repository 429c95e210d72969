// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

#include <array>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/roles/service_provider/keys/exposed_keys.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::string_view kSetKind = "exclusive_keys";
constexpr std::string_view kKeyKind = "exclusive_key";
constexpr std::uint8_t kThere = 0x01;
constexpr std::uint8_t kLongGroup = 0xFF;  // of a data group: a length of two octets follows

crypto::Digest256 fingerprint(ByteView key) { return crypto::sha256({ascii("KB1-KFP"), key}); }

bool has_key_size(ByteView value) {
  return value.size() == 16 || value.size() == 24 || value.size() == 32;
}

// What each action carries that may be a key.
struct KeysOf {
  std::vector<ByteView>& out;

  void operator()(const envelope::PutKeyAction& action) const {
    for (const envelope::PutKeyAction::Key& key : action.keys) {
      keep(key.value.expose());  // empty when it is in a token
    }
  }
  void operator()(const envelope::StoreDataAction& action) const {
    ByteReader in(action.data.expose());
    while (!in.empty()) {
      const auto value = next_group(in);
      if (!value) {
        return;
      }
      keep(*value);
    }
  }
  void operator()(const envelope::DeleteKeyAction&) const {}
  void operator()(const envelope::CommandAction& action) const { keep(action.data.expose()); }

  static Result<ByteView> next_group(ByteReader& in) {
    KB_TRY(in.u16());
    std::size_t size = KB_TRY(in.u8());
    if (size == kLongGroup) {
      size = KB_TRY(in.u16());
    }
    return in.bytes(size);
  }
  void keep(ByteView value) const {
    if (has_key_size(value)) {
      out.push_back(value);
    }
  }
};

// Record "exclusive_keys": the fingerprint, and behind it the origin where one was noted.
Result<ByteView> noted_fingerprint(ByteView noted) {
  ByteReader in(noted);
  return in.bytes(crypto::Digest256().size());
}

Result<std::optional<KeyOrigin>> noted_origin(ByteView noted) {
  ByteReader in(noted);
  KB_TRY(in.bytes(crypto::Digest256().size()));
  if (in.empty()) {
    return std::optional<KeyOrigin>();
  }
  return std::optional(KB_TRY(decode_origin(in)));
}

std::array<ByteView, 3> keys_of(const ChannelKeySet& set) {
  return {set.enc.expose(), set.mac.expose(), set.dek.expose()};
}

}  // namespace

Checked<void> ExclusiveKeys::expose(std::span<const envelope::Action> actions) {
  std::vector<ByteView> keys;
  for (const envelope::Action& action : actions) {
    std::visit(KeysOf{keys}, action);
  }
  const auto refuse_exclusive = [&]() -> Checked<void> {
    for (const ByteView key : keys) {
      if (KB_TRY(journal_.find_record(kKeyKind, fingerprint(key)))) {
        return problem(Errc::kPolicy,
                       "The payload has a key that opens a channel at RL3, and would be sealed at "
                       "RL1, where manager and device together can read it; nothing was sealed. "
                       "Deliver it at RL2 or above, or take another master key or key version.");
      }
    }
    return {};
  };
  KB_TRY(refuse_exclusive());
  for (const ByteView key : keys) {
    KB_TRY(expose(key));
  }
  // Again, for note() in another process writes before it looks, too: one of the two sees it.
  return refuse_exclusive();
}

Checked<void> ExclusiveKeys::expose_unseen(std::string_view name, const SecretBytes& key) {
  const auto refuse_exclusive = [&]() -> Checked<void> {
    if (KB_TRY(journal_.find_record(kKeyKind, fingerprint(key.expose())))) {
      return problem(Errc::kPolicy,
                     fmt::format("The key \"{}\" opens a channel at RL3, and nobody could see in a "
                                 "token that it must not go out at RL1; nothing was stored. Take "
                                 "another key.",
                                 name));
    }
    return {};
  };
  KB_TRY(refuse_exclusive());
  KB_TRY(expose(key.expose()));
  return refuse_exclusive();  // as above
}

Result<void> ExclusiveKeys::expose(const ChannelKeySet& set) {
  for (const ByteView key : keys_of(set)) {
    KB_TRY(expose(key));
  }
  return {};
}

Result<void> ExclusiveKeys::expose(ByteView key) { return ExposedKeys(keys_).add(key); }

Result<void> ExclusiveKeys::note(const DomainKeyName& name,
                                 const ChannelKeySet& set,
                                 const std::optional<KeyOrigin>& origin) {
  if (KB_TRY(is_exposed(set)) || KB_TRY(exposing_master(origin))) {
    return {};
  }
  for (const ByteView key : keys_of(set)) {
    KB_TRY(keep_from_rl1(key));
  }
  if (KB_TRY(is_exposed(set))) {
    return {};
  }
  ByteWriter out;
  out.bytes(fingerprint_of(set));
  if (origin) {
    encode_origin(*origin, out);
  }
  return journal_.put_record(kSetKind, record_name(name), out.view());
}

Result<bool> ExclusiveKeys::holds(const DomainKeyName& name) const {
  const auto set = KB_TRY(keys_.channel_keys(name.seid, name.security_domain, name.key_version));
  return set ? is_exclusive(name, *set) : Result<bool>(false);
}

Result<bool> ExclusiveKeys::is_exclusive(const DomainKeyName& name,
                                         const ChannelKeySet& set) const {
  if (KB_TRY(is_exposed(set))) {
    return false;
  }
  const auto noted = KB_TRY(journal_.find_record(kSetKind, record_name(name)));
  if (noted && equal(KB_TRY(noted_fingerprint(*noted)), fingerprint_of(set))) {
    const std::optional<KeyOrigin> origin = KB_TRY(noted_origin(*noted));
    if (!KB_TRY(exposing_master(origin))) {
      return true;
    }
  }
  return AgreedKeys(journal_, keys_, name).is_agreed(set);
}

Result<std::optional<std::string>> ExclusiveKeys::why_exposed(const DomainKeyName& name) const {
  const auto set = KB_TRY(keys_.channel_keys(name.seid, name.security_domain, name.key_version));
  const auto noted = KB_TRY(journal_.find_record(kSetKind, record_name(name)));
  if (!set || !noted || !equal(KB_TRY(noted_fingerprint(*noted)), fingerprint_of(*set))) {
    return std::optional<std::string>();
  }
  const std::optional<KeyOrigin> origin = KB_TRY(noted_origin(*noted));
  return exposing_master(origin);
}

Result<std::optional<std::string>> ExclusiveKeys::exposing_master(
    const std::optional<KeyOrigin>& origin) const {
  const ExposedKeys exposed(keys_);
  if (!origin) {
    const bool is_unknown = KB_TRY(exposed.has_unknown());
    return is_unknown ? std::optional<std::string>(
                            "an older program put it there and did not note from which master key")
                      : std::nullopt;
  }
  for (const std::string& master : *origin) {
    if (const auto how = KB_TRY(exposed.master(master))) {
      return std::optional(sentence(master, *how));
    }
  }
  return std::optional<std::string>();
}

Result<bool> ExclusiveKeys::is_exposed(ByteView key) const { return ExposedKeys(keys_).has(key); }

Result<void> ExclusiveKeys::keep_from_rl1(ByteView key) {
  return journal_.put_record(kKeyKind, fingerprint(key), Bytes{kThere});
}

Result<bool> ExclusiveKeys::is_exposed(const ChannelKeySet& set) const {
  for (const ByteView key : keys_of(set)) {
    if (KB_TRY(is_exposed(key))) {
      return true;
    }
  }
  return false;
}

}  // namespace kagibin::roles::service_provider
