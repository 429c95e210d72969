// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/key_commands.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kagibin/crypto/aes.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/se/open/content.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kMoreCommands = 0x80;  // b8 of P1
constexpr std::uint8_t kDeleted = 0x00;       // no confirmation follows

struct ClearKey {
  std::uint8_t identifier = 0;
  SecretBytes value{};
  gp::KeyCheckValue kcv{};
};

// The key out of its encryption, checked against its KCV. 6A80 for a wrong one.
std::expected<ClearKey, StatusWord> decrypt(const scp::CardSession& session,
                                            const gp::EncryptedKey& key,
                                            std::uint8_t identifier) {
  auto value = session.decrypt_sensitive(key.encrypted_value);
  if (!value) {
    return std::unexpected(value.error());
  }
  value->shrink(key.clear_length);
  const auto kcv = crypto::aes_kcv(value->expose());
  if (!kcv) {
    return std::unexpected(sw::kNoDiagnosis);
  }
  if (key.kcv && !ct_equal(*key.kcv, *kcv)) {
    return std::unexpected(sw::kWrongData);
  }
  return ClearKey{.identifier = identifier, .value = std::move(*value), .kcv = *kcv};
}

std::expected<std::vector<ClearKey>, StatusWord> decrypt_all(const scp::CardSession& session,
                                                             const gp::PutKey& put) {
  std::vector<ClearKey> out;
  std::uint8_t identifier = put.first_identifier;
  for (const gp::EncryptedKey& key : put.keys) {
    auto clear = decrypt(session, key, identifier++);
    if (!clear) {
      return std::unexpected(clear.error());
    }
    out.push_back(std::move(*clear));
  }
  return out;
}

// Which keys must and must not be there.
Result<void> check_names(const KeyStore& store,
                         const Aid& domain,
                         const gp::PutKey& put,
                         const std::vector<ClearKey>& keys) {
  const bool moves = put.replaces() && put.old_version != put.new_version;
  for (const ClearKey& key : keys) {
    if (put.replaces() && !store.has_key(domain, {put.old_version, key.identifier})) {
      return fail(Errc::kNotFound, "a key to replace is not there");
    }
    if ((!put.replaces() || moves) && store.has_key(domain, {put.new_version, key.identifier})) {
      return fail(Errc::kValue, "a key to add is there already");
    }
  }
  return {};
}

Result<void> change_keys(KeyStore& store,
                         const Aid& domain,
                         const gp::PutKey& put,
                         const std::vector<ClearKey>& keys) {
  KB_TRY(check_names(store, domain, put, keys));
  for (const ClearKey& key : keys) {
    KB_TRY(store.put_key(domain, {put.new_version, key.identifier}, key.value.expose()));
  }
  if (put.replaces() && put.old_version != put.new_version) {
    KB_TRY(store.inherit_order(domain, put.old_version, put.new_version));
    for (const ClearKey& key : keys) {
      KB_TRY(store.erase_key(domain, {put.old_version, key.identifier}));
    }
  }
  return {};
}

// A domain whose last complete set goes would be lost to everybody.
Result<void> keep_a_key_set(const KeyStore& store, const Aid& domain, bool had_one) {
  if (had_one && !store.default_version(domain)) {
    return fail(Errc::kPolicy, "a security domain keeps one complete key set");
  }
  return {};
}

Result<void> drop_factory_set(KeyStore& store, const Aid& domain) {
  const std::vector<KeyFacts> keys = store.keys(domain);
  const bool replaced = std::ranges::any_of(keys, [&](const KeyFacts& key) {
    return key.name.version != kFactoryKeyVersion && store.is_complete(domain, key.name.version);
  });
  return replaced ? store.erase_version(domain, kFactoryKeyVersion) : Result<void>{};
}

Result<void> put_all(Platform& platform,
                     const RegistryEntry& domain,
                     const gp::PutKey& put,
                     const std::vector<ClearKey>& keys) {
  KeyStore& store = platform.keys;
  const bool had_one = store.default_version(domain.aid).has_value();
  KB_TRY(change_keys(store, domain.aid, put, keys));
  KB_TRY(keep_a_key_set(store, domain.aid, had_one));
  KB_TRY(drop_factory_set(store, domain.aid));
  return mark_personalized(platform, domain);
}

Result<void> delete_all(KeyStore& store, const Aid& domain, const gp::DeleteKeys& which) {
  const bool had_one = store.default_version(domain).has_value();
  bool found = false;
  for (const KeyFacts& key : store.keys(domain)) {
    if (key.name.version == which.version.value_or(key.name.version) &&
        key.name.identifier == which.identifier.value_or(key.name.identifier)) {
      found = true;
      KB_TRY(store.erase_key(domain, key.name));
    }
  }
  if (!found) {
    return fail(Errc::kNotFound, "there is no such key");
  }
  return keep_a_key_set(store, domain, had_one);
}

}  // namespace

apdu::ResponseApdu put_key(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied);
  }
  if ((command.p1 & kMoreCommands) != 0) {
    return answer(sw::kIncorrectP1P2);
  }
  const auto put = gp::PutKey::decode(command.p1, command.p2, command.data);
  if (!put) {
    return answer(status_of(put.error()));
  }
  const auto keys = decrypt_all(*command.channel.session, *put);
  if (!keys) {
    return answer(keys.error());
  }
  gp::PutKeyAnswer out{.version = put->new_version};
  for (const ClearKey& key : *keys) {
    out.kcvs.push_back(key.kcv);
  }
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, put_all(command.platform, command.domain, *put, *keys),
                  out.encode());
}

apdu::ResponseApdu delete_keys(const DomainCommand& command, const gp::DeleteKeys& which) {
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, delete_all(command.platform.keys, command.domain.aid, which),
                  Bytes{kDeleted});
}

}  // namespace kagibin::se
