// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/joined_halves.h"

#include <memory>
#include <utility>

namespace kagibin::crypto {
namespace {

constexpr std::string_view kSame = "KB1-HLF";
constexpr std::size_t kSameSize = 16;

class Joined final : public DerivationKey::Holder {
 public:
  Joined(DerivationKey left, DerivationKey right)
      : left_(std::move(left)), right_(std::move(right)) {}
  Result<SecretBytes> diversify(ByteView label, ByteView context, std::size_t size) const override {
    SecretBytes out = KB_TRY(left_.diversify(label, context, size));
    const SecretBytes other = KB_TRY(right_.diversify(label, context, size));
    if (out.size() != size || other.size() != size) {
      return fail(Errc::kCrypto, "a token derived a key of another size than was asked for");
    }
    for (std::size_t i = 0; i < size; ++i) {
      out.expose_mutable()[i] ^= other.expose()[i];
    }
    return out;
  }

 private:
  DerivationKey left_;
  DerivationKey right_;
};

}  // namespace

Result<DerivationKey> join_halves(DerivationKey left, DerivationKey right) {
  const SecretBytes one = KB_TRY(left.diversify(ascii(kSame), ascii(kSame), kSameSize));
  const SecretBytes other = KB_TRY(right.diversify(ascii(kSame), ascii(kSame), kSameSize));
  if (ct_equal(one.expose(), other.expose())) {
    return fail(Errc::kConflict,
                "both halves are the same key, and what is derived would be zeros: each token "
                "needs a half of its own");
  }
  return DerivationKey(std::make_shared<const Joined>(std::move(left), std::move(right)));
}

}  // namespace kagibin::crypto
