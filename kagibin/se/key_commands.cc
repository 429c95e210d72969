// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/key_commands.h"

#include <utility>
#include <vector>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/aes.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kMoreCommands = 0x80;  // b8 of P1
constexpr std::uint8_t kSeveralKeys = 0x80;   // b8 of P2

struct NewKey {
  std::uint8_t identifier = 0;
  SecretBytes value;
  Bytes check;
};

struct PutKey {
  std::uint8_t old_version = 0;
  std::uint8_t new_version = 0;
  std::vector<NewKey> keys;
};

struct SentKey {
  ByteView sealed;
  std::size_t size;
  ByteView check;
};

Result<SentKey> read_key(ByteReader& in) {
  if (KB_TRY(in.u8()) != kAesKeyType) {
    return fail(Errc::kValue, "keys of this type are not taken");
  }
  const std::uint8_t length = KB_TRY(in.u8());
  ByteReader value(KB_TRY(in.bytes(length)));
  std::size_t size = length;
  if (length % crypto::kAesBlockSize == 1) {
    size = KB_TRY(value.u8());
  }
  const ByteView sealed = value.take_rest();
  const std::uint8_t check_length = KB_TRY(in.u8());
  const ByteView check = KB_TRY(in.bytes(check_length));
  return SentKey{sealed, size, check};
}

}  // namespace

// The transaction's body.
static Result<void> change_keys(const DomainCommand& command, const PutKey& put) {
  KeyStore& keys = command.platform.keys;
  const Aid& domain = command.domain.aid;
  const bool moves = put.old_version != 0 && put.old_version != put.new_version;
  for (const NewKey& key : put.keys) {
    KB_TRY(keys.put_key(domain, {put.new_version, key.identifier}, key.value.expose()));
  }
  if (moves) {
    KB_TRY(keys.inherit_order(domain, put.old_version, put.new_version));
    for (const NewKey& key : put.keys) {
      KB_TRY(keys.erase_key(domain, {put.old_version, key.identifier}));
    }
  }
  return {};
}

apdu::ResponseApdu put_key(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied);
  }
  if ((command.p1 & kMoreCommands) != 0) {
    return answer(sw::kIncorrectP1P2);
  }
  const bool several = (command.p2 & kSeveralKeys) != 0;
  ByteReader in(command.data);
  const auto version = in.u8();
  if (!version || *version == 0 || *version > kMaxKeyVersion) {
    return answer(sw::kWrongData);
  }
  PutKey put{.old_version = command.p1, .new_version = *version, .keys = {}};
  std::uint8_t identifier = command.p2 & 0x7FU;
  do {
    const auto sent = read_key(in);
    if (!sent) {
      return answer(sw::kWrongData);
    }
    auto value = command.channel.session.decrypt_sensitive(sent->sealed);
    if (!value) {
      return answer(value.error());
    }
    if (!crypto::is_aes_key_size(sent->size) || sent->size > value->size()) {
      return answer(sw::kWrongData);
    }
    value->shrink(sent->size);
    const auto check = crypto::aes_kcv(value->expose());
    if (!check || (!sent->check.empty() && !equal(sent->check, *check))) {
      return answer(sw::kWrongData);
    }
    put.keys.push_back({identifier++, std::move(*value), Bytes(check->begin(), check->end())});
  } while (several && !in.empty());
  if (!in.finish()) {
    return answer(sw::kWrongData);
  }
  NvmTransaction transaction(command.platform.nvm);
  const auto changed = change_keys(command, put);
  if (!changed) {
    return answer(status_of(changed.error()));
  }
  const auto committed = transaction.commit();
  if (!committed) {
    return answer(status_of(committed.error()));
  }
  Bytes out{put.new_version};
  for (const NewKey& key : put.keys) {
    append(out, key.check);
  }
  return answer(sw::kOk, std::move(out));
}

}  // namespace kagibin::se
