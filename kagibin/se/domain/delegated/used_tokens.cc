// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/delegated/used_tokens.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/se/domain/keys/key_store.h"

namespace kagibin::se {

namespace {

constexpr std::size_t kMaxRecord = 8'192;

Bytes used_numbers(const Nvm& nvm, const Aid& verifier) {
  const SecretBytes* record = nvm.get(KeyStore::used_tokens_record(verifier, kTokenKeyVersion));
  return record == nullptr ? Bytes{} : Bytes(record->expose().begin(), record->expose().end());
}

}  // namespace

bool was_token_used(const Nvm& nvm, const Aid& verifier, ByteView number) {
  const Bytes all = used_numbers(nvm, verifier);
  ByteReader in(all);
  while (!in.empty()) {
    const auto length = in.u8();
    const auto used = length ? in.bytes(*length) : fail(Errc::kTruncated, "");
    if (!used || equal(*used, number)) {
      return true;  // a damaged record: no token is believed
    }
  }
  return false;
}

Result<void> mark_token_used(Nvm& nvm, const Aid& verifier, ByteView number) {
  KB_CHECK(!number.empty() && number.size() <= 0xFF);
  Bytes all = used_numbers(nvm, verifier);
  all.push_back(static_cast<std::uint8_t>(number.size()));
  append(all, number);
  if (all.size() > kMaxRecord) {
    return fail(Errc::kLimit,
                "the numbers of used tokens fill their memory: put the token key anew");
  }
  return nvm.put(KeyStore::used_tokens_record(verifier, kTokenKeyVersion), all);
}

}  // namespace kagibin::se
