// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/record/sealed_record.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/record/scrypt.h"

namespace kagibin::crypto {
namespace {

constexpr std::string_view kMagic = "KBR1";
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kHeadSize = 4 + 3 + kSaltSize;
constexpr std::size_t kNonceSize = 12;

bool is_in_limits(const ScryptCost& cost) {
  return cost.log2_n >= 10 && cost.log2_n <= 20 && cost.r >= 1 && cost.r <= 16 && cost.p >= 1 &&
         cost.p <= 4;
}

Result<void> check_passphrase(const SecretBytes& passphrase) {
  if (passphrase.empty()) {
    return fail(Errc::kInvalidArgument, "the passphrase is empty");
  }
  return {};
}

Bytes additional_data(ByteView head, std::string_view label) {
  return ByteWriter().bytes(head).bytes(ascii(label)).take();
}

}  // namespace

Result<RecordKey> RecordKey::create(const SecretBytes& passphrase, Rng& rng, ScryptCost cost) {
  KB_TRY(check_passphrase(passphrase));
  if (!is_in_limits(cost)) {
    return fail(Errc::kInvalidArgument, "scrypt costs: log2 N 10 to 20, r 1 to 16, p 1 to 4");
  }
  const auto salt = KB_TRY(random_array<kSaltSize>(rng));
  Bytes head =
      ByteWriter().bytes(ascii(kMagic)).u8(cost.log2_n).u8(cost.r).u8(cost.p).bytes(salt).take();
  SecretArray<32> key = KB_TRY(run_scrypt(passphrase, salt, cost));
  return RecordKey(std::move(key), std::move(head));
}

Result<RecordKey> RecordKey::for_record(const SecretBytes& passphrase, ByteView record) {
  KB_TRY(check_passphrase(passphrase));
  ByteReader in(record);
  const ByteView magic = KB_TRY(in.bytes(kMagic.size()));
  if (!equal(magic, ascii(kMagic))) {
    return fail(Errc::kEncoding, "not a sealed record: it does not begin with KBR1");
  }
  ScryptCost cost;
  cost.log2_n = KB_TRY(in.u8());
  cost.r = KB_TRY(in.u8());
  cost.p = KB_TRY(in.u8());
  const ByteView salt = KB_TRY(in.bytes(kSaltSize));
  if (!is_in_limits(cost)) {
    return fail(Errc::kLimit, "the record asks for scrypt costs outside the limits");
  }
  SecretArray<32> key = KB_TRY(run_scrypt(passphrase, salt, cost));
  const ByteView head = record.first(kHeadSize);
  return RecordKey(std::move(key), Bytes(head.begin(), head.end()));
}

Result<Bytes> RecordKey::seal(std::string_view label, ByteView plaintext, Rng& rng) const {
  const auto nonce = KB_TRY(random_array<kNonceSize>(rng));
  const Bytes sealed =
      KB_TRY(aes_gcm_seal(key_.expose(), nonce, additional_data(head_, label), plaintext));
  return ByteWriter().bytes(head_).bytes(nonce).bytes(sealed).take();
}

Result<SecretBytes> RecordKey::open(std::string_view label, ByteView record) const {
  if (!matches(record) || record.size() < kHeadSize + kNonceSize) {
    return fail(Errc::kAuthentication, "the record does not open");
  }
  auto content =
      aes_gcm_open(key_.expose(), record.subspan(kHeadSize, kNonceSize),
                   additional_data(head_, label), record.subspan(kHeadSize + kNonceSize));
  if (!content && content.error().code == Errc::kAuthentication) {
    return fail(Errc::kAuthentication, "the record does not open");
  }
  return content;
}

bool RecordKey::matches(ByteView record) const {
  return record.size() >= kHeadSize && equal(record.first(kHeadSize), head_);
}

}  // namespace kagibin::crypto
