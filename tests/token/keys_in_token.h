// SPDX-License-Identifier: Apache-2.0
// For tests: a provider whose keys lie in a soft token, behind the module that lets it fail.
#pragma once

#include <optional>
#include <string_view>

#include <gtest/gtest.h>

#include "kagibin/crypto/token/pkcs11_tokens.h"

#include "tests/support/deployment.h"
#include "tests/token/faults.h"
#include "tests/token/soft_token.h"

namespace kagibin::test {

class KeysInTokenTest : public testing::Test {
 protected:
  explicit KeysInTokenTest(SoftToken::Make make = SoftToken::Make::kSoftHsm) : token_(make, true) {}

  void SetUp() override {
    if (!token_.missing().empty()) {
      GTEST_SKIP() << token_.missing();
    }
    faults_.emplace();
  }

  DeploymentOptions in_token() {
    return {.tokens = &tokens_,
            .key_uri = [this](std::string_view key) { return token_.uri(key); },
            .token_uri = token_.token_uri()};
  }

  SoftToken token_;
  crypto::token::Pkcs11Tokens tokens_{[](const crypto::token::TokenUri&) -> Result<SecretBytes> {
    return SecretBytes::copy_of(ascii(SoftToken::pin()));
  }};
  std::optional<Faults> faults_;
};

}  // namespace kagibin::test
