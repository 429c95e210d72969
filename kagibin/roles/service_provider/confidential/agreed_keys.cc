// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/roles/service_provider/keys/channel_uses.h"

namespace kagibin::roles::service_provider {

namespace {

// Not the names of the first version, "agreement" and "agreed_keys": those sets were agreed on with
// whatever CASD the authority had certified, before lists pinned its key (decisions/0020).
constexpr std::string_view kWaitingKind = "pinned_agreement";
constexpr std::string_view kAgreedKind = "pinned_agreed_keys";

// The key set has an octet and three keys, so that one octet more shows.
constexpr std::uint8_t kReplacesAll = 0x01;
constexpr std::size_t kKeys = 3;

Result<SecretBytes> encode(const AgreedSet& set) {
  SecretBytes keys = KB_TRY(encode_key_set(set.keys));
  if (!set.replaces_all) {
    return keys;
  }
  SecretBytes out(keys.size() + 1);
  std::ranges::copy(keys.expose(), out.expose_mutable().begin());
  out.expose_mutable().back() = kReplacesAll;
  return out;
}

Result<AgreedSet> decode(ByteView octets) {
  const bool replaces_all =
      octets.size() % kKeys == 2 && !octets.empty() && octets.back() == kReplacesAll;
  const ByteView keys = replaces_all ? octets.first(octets.size() - 1) : octets;
  return AgreedSet{.keys = KB_TRY(decode_key_set(keys)), .replaces_all = replaces_all};
}

std::string label_of(ByteView record) { return fmt::format("{}/{}", kWaitingKind, to_hex(record)); }

}  // namespace

crypto::Digest256 fingerprint_of(const ChannelKeySet& set) {
  return crypto::sha256({ascii("KB1-KFP"), set.enc.expose(), set.mac.expose(), set.dek.expose()});
}

// A fingerprint follows in the records that wait, so the length of the AID stands before it.
Bytes record_name(const DomainKeyName& name) {
  return ByteWriter()
      .bytes(name.seid.view())
      .u8(name.key_version)
      .u8(static_cast<std::uint8_t>(name.security_domain.view().size()))
      .bytes(name.security_domain.view())
      .take();
}

Result<void> AgreedKeys::keep(const AgreedSet& set) {
  Bytes record = record_name(name_);
  append(record, fingerprint_of(set.keys));
  const SecretBytes plain = KB_TRY(encode(set));
  const Bytes blob = KB_TRY(keys_.seal(label_of(record), plain.expose()));
  return journal_.put_record(kWaitingKind, record, blob);
}

Result<std::vector<AgreedSet>> AgreedKeys::waiting() const {
  const Bytes prefix = record_name(name_);
  std::vector<AgreedSet> out;
  for (const auto& [record, blob] : KB_TRY(journal_.records(kWaitingKind))) {
    if (blob.empty() || record.size() < prefix.size() ||
        !equal(ByteView(record).first(prefix.size()), prefix)) {
      continue;
    }
    const SecretBytes plain = KB_TRY(keys_.unseal(label_of(record), blob));
    out.push_back(KB_TRY(decode(plain.expose())));
  }
  return out;
}

Result<void> AgreedKeys::adopt(const AgreedSet& set) {
  KB_TRY(ChannelUses(journal_).note(set.keys.enc));  // the domain opened with it
  KB_TRY(keys_.put_channel_keys(name_.seid, name_.security_domain, name_.key_version, set.keys));
  KB_TRY(journal_.put_record(kAgreedKind, record_name(name_), fingerprint_of(set.keys)));
  if (set.replaces_all) {
    KB_TRY(keys_.forget_other_channel_keys(name_.seid, name_.security_domain, name_.key_version));
  }
  const Bytes prefix = record_name(name_);
  for (const auto& [record, blob] : KB_TRY(journal_.records(kWaitingKind))) {
    if (!blob.empty() && record.size() >= prefix.size() &&
        equal(ByteView(record).first(prefix.size()), prefix)) {
      KB_TRY(journal_.put_record(kWaitingKind, record, {}));
    }
  }
  return {};
}

Result<bool> AgreedKeys::is_agreed(const ChannelKeySet& set) const {
  const auto known = KB_TRY(journal_.find_record(kAgreedKind, record_name(name_)));
  return known && equal(*known, fingerprint_of(set));
}

}  // namespace kagibin::roles::service_provider
