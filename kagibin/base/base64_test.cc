// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/base64.h"

#include <array>
#include <utility>

#include <gtest/gtest.h>

namespace kagibin {
namespace {

// RFC 4648, 10: vectors
TEST(Base64Test, HasTheVectorsOfRfc4648AndOneSpelling) {
  const std::array<std::pair<std::string_view, std::string_view>, 7> vectors = {{
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  }};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(ascii(plain)), encoded);
    EXPECT_TRUE(equal(from_base64(encoded).value(), ascii(plain)));
  }
  for (const std::string_view bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==",
                                     "Zm9v\n", "Zm-v", "=Zg=", "Zm 9"}) {
    EXPECT_FALSE(from_base64(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace kagibin
