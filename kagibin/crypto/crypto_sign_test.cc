// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/ecdsa.h"
#include "kagibin/crypto/ecdsa_digest.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::crypto {
namespace {

TEST(EcdsaTest, SignsAsRfc6979WithoutAdditionalInput) {
  const auto key = EcPrivateKey::from_scalar(
                       *from_hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"))
                       .value();
  EXPECT_EQ(to_hex(ecdsa_sign_digest(key, sha256(ascii("sample")), {}).value()),
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
}

}  // namespace
}  // namespace kagibin::crypto
