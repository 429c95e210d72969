// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/cast/rogue_kda.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::attack {

Result<void> RogueRng::fill(MutableByteView out) {
  std::uint32_t block = 0;
  for (std::size_t at = 0; at < out.size(); ++block) {
    const crypto::Digest256 octets =
        crypto::sha256({ascii(seed_), ByteWriter().u32(calls_).u32(block).view()});
    const std::size_t size = std::min(octets.size(), out.size() - at);
    std::copy_n(octets.begin(), size, out.begin() + static_cast<std::ptrdiff_t>(at));
    at += size;
  }
  ++calls_;
  return {};
}

std::vector<crypto::EcPrivateKey> RogueRng::keys(std::string_view seed, std::uint32_t calls) {
  RogueRng again(seed);
  std::vector<crypto::EcPrivateKey> out;
  for (std::uint32_t call = 0; call < calls; ++call) {
    SecretBytes scalar(crypto::kEcScalarSize);
    if (!again.fill(scalar.expose_mutable())) {
      break;
    }
    if (auto key = crypto::EcPrivateKey::from_scalar(scalar.expose())) {
      out.push_back(std::move(*key));
    }
  }
  return out;
}

void plant_rogue_kda(se::BuiltIn& kda, crypto::Rng& rng) {
  kda.file.sources[0] ^= 0xFFU;  // it is other code, and its load file says so
  const se::ApplicationFactory real = kda.factories.front();
  kda.factories.front() = [real, &rng](const se::ApplicationContext& context) {
    const se::ApplicationContext rogue{.aid = context.aid,
                                       .security_domain = context.security_domain,
                                       .nvm = context.nvm,
                                       .record_prefix = context.record_prefix,
                                       .rng = rng,
                                       .clear_on_reset = context.clear_on_reset,
                                       .secure_channel = context.secure_channel,
                                       .code_hash = context.code_hash,
                                       .authority_signature = context.authority_signature};
    return real(rogue);
  };
}

}  // namespace kagibin::attack
