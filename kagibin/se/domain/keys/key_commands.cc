// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/keys/key_commands.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kagibin/gp/put_key.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/scp11/certificate_records.h"
#include "kagibin/se/scp11/key_store_domain.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kDeleted = 0x00;  // no confirmation follows

struct ClearKey {
  std::uint8_t identifier = 0;
  gp::Key key;
  std::optional<gp::KeyCheckValue> kcv{};  // for the answer
};

// A component out of its encryption.
std::expected<gp::KeyPart, StatusWord> open_component(const scp::CardSession& session,
                                                      const gp::KeyComponentData& component) {
  if (!gp::is_secret(component.type)) {
    return gp::KeyPart{component.type, SecretBytes::copy_of(component.value)};
  }
  auto value = session.decrypt_sensitive(component.value);
  if (!value) {
    return std::unexpected(value.error());
  }
  value->shrink(component.clear_length);
  return gp::KeyPart{component.type, std::move(*value)};
}

// The key, checked in itself and against its check value.
Result<ClearKey> check_key(std::vector<gp::KeyPart> parts,
                           const gp::KeyData& data,
                           std::uint8_t identifier) {
  gp::Key key = KB_TRY(gp::Key::from(std::move(parts), data.policy));
  if (data.kcv) {
    const bool right = KB_TRY(gp::matches_check_value(key, *data.kcv));
    if (!right) {
      return fail(Errc::kValue,
                  "the key check value is not the key's: was it encrypted under this session's "
                  "Key-DEK? (GPCS 11.8.2.3, B.6)");
    }
  }
  const std::optional<gp::KeyCheckValue> own = KB_TRY(gp::key_check_value(key));
  return ClearKey{identifier, std::move(key), own ? own : data.kcv};
}

std::expected<std::vector<ClearKey>, StatusWord> open_keys(const DomainCommand& command,
                                                           const gp::PutKey& put) {
  const scp::CardSession& session = *command.channel.session;
  std::vector<ClearKey> out;
  std::uint8_t identifier = put.first_identifier;
  for (const gp::KeyData& data : put.keys) {
    command.platform.circumstances.about_key(command.domain.aid, put.new_version, identifier);
    std::vector<gp::KeyPart> parts;
    for (const gp::KeyComponentData& component : data.components) {
      auto part = open_component(session, component);
      if (!part) {
        return std::unexpected(part.error());
      }
      parts.push_back(std::move(*part));
    }
    auto clear = check_key(std::move(parts), data, identifier++);
    if (!clear) {
      return std::unexpected(status_of(clear.error()));
    }
    out.push_back(std::move(*clear));
  }
  return out;
}

// Which keys must and must not be there.
Result<void> check_names(Platform& platform,
                         const Aid& domain,
                         const gp::PutKey& put,
                         const std::vector<ClearKey>& keys) {
  const KeyStore& store = platform.keys;
  const bool moves = put.replaces() && put.old_version != put.new_version;
  for (const ClearKey& key : keys) {
    if (put.replaces() && !store.has_key(domain, {put.old_version, key.identifier})) {
      platform.circumstances.about_key(domain, put.old_version, key.identifier);
      return fail(Errc::kNotFound,
                  "a key to replace is not there: see GET DATA 00E0; P1 00 adds (GPCS 11.8.2.1)");
    }
    if ((!put.replaces() || moves) && store.has_key(domain, {put.new_version, key.identifier})) {
      platform.circumstances.about_key(domain, put.new_version, key.identifier);
      return fail(Errc::kValue,
                  "a key to add is there already: P1 names the version to replace (GPCS "
                  "11.8.2.1)");
    }
  }
  return {};
}

// With what belongs to it.
Result<void> erase(Platform& platform, const Aid& domain, KeyName name) {
  KB_TRY(CertificateRecords(platform.nvm).erase_key(domain, {name.identifier, name.version}));
  return platform.keys.erase_key(domain, name);
}

Result<void> change_keys(Platform& platform,
                         const Aid& domain,
                         const gp::PutKey& put,
                         const std::vector<ClearKey>& keys) {
  KeyStore& store = platform.keys;
  KB_TRY(check_names(platform, domain, put, keys));
  for (const ClearKey& key : keys) {
    KB_TRY(store.put_key(domain, {put.new_version, key.identifier}, key.key));
  }
  if (put.replaces() && put.old_version != put.new_version) {
    KB_TRY(store.inherit_order(domain, put.old_version, put.new_version));
    for (const ClearKey& key : keys) {
      KB_TRY(erase(platform, domain, {put.old_version, key.identifier}));
    }
  }
  return {};
}

// Whether the set opens a session of a protocol that the domain speaks.
bool opens(const KeyStore& store, const RegistryEntry& domain, std::uint8_t version) {
  const auto kind = store.channel_keys(domain.aid, version);
  return (kind == ChannelKeys::kAes && domain.parameter_of(scp::kScp03)) ||
         (kind == ChannelKeys::kDes && domain.parameter_of(scp::kScp02));
}

// A domain whose last complete set goes would be lost to everybody, and one that gets sets that it
// cannot use alone was meant to be opened by them.
Result<void> keep_a_key_set(const KeyStore& store, const RegistryEntry& domain, bool had_one) {
  const bool of_no_use = store.default_version(domain.aid) && !has_agreement_key(store, domain);
  if ((had_one || of_no_use) && !has_key_set(store, domain)) {
    return fail(Errc::kPolicy,
                "a security domain keeps one complete key set for a protocol that it speaks: put "
                "another first (GPCS 7.3)");
  }
  return {};
}

// A single key, for tokens say, takes the place of no set, whatever other sets there are.
Result<void> drop_factory_set(KeyStore& store,
                              const RegistryEntry& domain,
                              std::uint8_t version_put) {
  const bool replaced = version_put != kFactoryKeyVersion && opens(store, domain, version_put);
  if (!replaced || !store.has_version(domain.aid, kFactoryKeyVersion)) {
    return {};
  }
  // The first set stays one of this kind: what a host gets that names no version.
  if (store.default_version(domain.aid) == kFactoryKeyVersion) {
    KB_TRY(store.inherit_order(domain.aid, kFactoryKeyVersion, version_put));
  }
  return store.erase_version(domain.aid, kFactoryKeyVersion);
}

Result<void> put_all(Platform& platform,
                     const RegistryEntry& domain,
                     const gp::PutKey& put,
                     const std::vector<ClearKey>& keys) {
  KeyStore& store = platform.keys;
  const bool had_one = has_key_set(store, domain);
  KB_TRY(change_keys(platform, domain.aid, put, keys));
  KB_TRY(drop_factory_set(store, domain, put.new_version));
  KB_TRY(keep_a_key_set(store, domain, had_one));
  return mark_personalized(platform, domain);
}

Result<void> delete_all(Platform& platform,
                        const RegistryEntry& domain,
                        const gp::DeleteKeys& which) {
  KeyStore& store = platform.keys;
  const bool had_one = has_key_set(store, domain);
  bool found = false;
  for (const gp::KeyEntry& key : store.information(domain.aid).keys) {
    if (key.version == which.version.value_or(key.version) &&
        key.identifier == which.identifier.value_or(key.identifier)) {
      found = true;
      KB_TRY(erase(platform, domain.aid, {key.version, key.identifier}));
    }
  }
  if (!found) {
    platform.circumstances.key_domain = domain.aid;
    platform.circumstances.key_version = which.version;
    platform.circumstances.key_identifier = which.identifier;
    return fail(Errc::kNotFound, "there is no such key: see GET DATA 00E0 (GPCS 11.2.2.3.2)");
  }
  return keep_a_key_set(store, domain, had_one);
}

}  // namespace

apdu::ResponseApdu put_key(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "PUT KEY wants a session with C-MAC of the domain's own provider: open one at level 01 or "
        "more (GPCS 11.8, table 11-1)"));
  }
  if (command.p1 > gp::kHighestKeyVersion) {
    return answer(sw::kIncorrectP1P2.because(
        "P1 of PUT KEY is the version to replace, 01 to 7F, or 00 to add (GPCS 11.8.2.1)"));
  }
  const auto put = gp::PutKey::decode(command.p1, command.p2, command.data);
  if (!put) {
    return answer(status_of(put.error()));
  }
  const auto keys = open_keys(command, *put);
  if (!keys) {
    return answer(keys.error());
  }
  gp::PutKeyAnswer out{.version = put->new_version};
  for (const ClearKey& key : *keys) {
    if (key.kcv) {
      out.kcvs.push_back(*key.kcv);
    }
  }
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, put_all(command.platform, command.domain, *put, *keys),
                  out.encode());
}

apdu::ResponseApdu delete_keys(const DomainCommand& command, const gp::DeleteKeys& which) {
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, delete_all(command.platform, command.domain, which),
                  Bytes{kDeleted});
}

}  // namespace kagibin::se
