// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/kdf/hkdf.h"

#include <gtest/gtest.h>

namespace kagibin::crypto {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// RFC 5869, A.1
TEST(HkdfTest, ExpandsAsRfc5869DoesWithSha256) {
  const Bytes key = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  const auto out = hkdf_expand(HkdfHash::kSha256, key, hex("f0f1f2f3f4f5f6f7f8f9"), 42);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(to_hex(out->expose()),
            "3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865");
}

// T(1) = HMAC-SHA384(key, info | 01), computed with another implementation (Python's hmac).
TEST(HkdfTest, ExpandsWithSha384AsAnotherImplementationDoes) {
  const auto out = hkdf_expand(HkdfHash::kSha384, Bytes(48, 0x0B), hex("F0F1F2"), 16);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(to_hex(out->expose()), "D5E2E5CC1DF8D47C91B0F9CDD5503790");
}

TEST(HkdfTest, RefusesAShortKeyAndTooMuchOutput) {
  EXPECT_EQ(hkdf_expand(HkdfHash::kSha384, Bytes(32, 1), {}, 16).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(hkdf_expand(HkdfHash::kSha256, Bytes(32, 1), {}, 255 * 32 + 1).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(hkdf_expand(HkdfHash::kSha256, Bytes(32, 1), {}, 0).error().code,
            Errc::kInvalidArgument);
}

}  // namespace
}  // namespace kagibin::crypto
