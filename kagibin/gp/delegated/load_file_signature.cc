// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/delegated/load_file_signature.h"

#include <algorithm>
#include <array>
#include <optional>

namespace kagibin::gp {

namespace {

std::optional<crypto::HashAlgorithm> algorithm_of(ByteView hash) {
  constexpr std::array kAll = {crypto::HashAlgorithm::kSha1, crypto::HashAlgorithm::kSha256,
                               crypto::HashAlgorithm::kSha384, crypto::HashAlgorithm::kSha512};
  const auto* at = std::ranges::find_if(kAll, [&](crypto::HashAlgorithm algorithm) {
    return crypto::digest_size(algorithm) == hash.size();
  });
  return at == kAll.end() ? std::nullopt : std::optional(*at);
}

}  // namespace

Bytes load_file_hash(crypto::HashAlgorithm algorithm, ByteView data_block) {
  return crypto::digest(algorithm, {data_block});
}

bool is_load_file_hash(ByteView hash, ByteView data_block) {
  const auto algorithm = algorithm_of(hash);
  return algorithm && ct_equal(load_file_hash(*algorithm, data_block), hash);
}

Result<Bytes> sign_load_file(const Key& key, ByteView hash, crypto::Rng& rng) {
  if (!algorithm_of(hash)) {
    return fail(Errc::kLength, "a load file data block hash has 20, 32, 48 or 64 octets (C.2)");
  }
  return sign(key, hash, rng);
}

bool verify_load_file(const Key& key, ByteView hash, ByteView signature) {
  return algorithm_of(hash) && verify(key, hash, signature);
}

}  // namespace kagibin::gp
