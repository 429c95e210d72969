// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/cipher/des3.h"

#include <string>

#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/padding.h"

#include "tests/support/vector_file.h"

namespace kagibin::crypto {
namespace {

using test::for_each_vector;
using test::VectorCase;

DesBlock block_of(ByteView octets) {
  const auto out = to_array<kDesBlockSize>(octets);
  EXPECT_TRUE(out.has_value());
  return out.value_or(DesBlock{});
}

// The value in hexadecimal, or the name of the error.
template <typename T>
std::string shown(const Result<T>& result) {
  if (!result) {
    return std::string(name(result.error().code));
  }
  if constexpr (requires { result->expose(); }) {
    return to_hex(result->expose());
  } else {
    return to_hex(*result);
  }
}

void check_mac(VectorCase& vector) {
  const Bytes key = vector.octets("Key");
  const Bytes message = vector.octets("Message");
  const std::string mac = to_hex(vector.octets("Mac"));
  const ByteView view(message);
  EXPECT_EQ(shown(retail_mac(key, {}, {message})), mac);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    EXPECT_EQ(shown(retail_mac(key, {}, {view.first(cut), {}, view.subspan(cut)})), mac);
  }
}

// SP 800-67, 3: triple DES
// ISO/IEC 9797-1, 7: MACs
// GPCS B.1.2: DES MACs
TEST(Des3Test, GivesTheStandardsValues) {
  int cases = 0;
  for_each_vector("kagibin/crypto/cipher/testdata/des3.vec", [&](VectorCase& vector) {
    ++cases;
    if (vector.section() == "RetailMac") {
      return check_mac(vector);
    }
    const Bytes key = vector.octets("Key");
    if (vector.section() == "Kcv") {
      EXPECT_EQ(shown(des3_kcv(key)), to_hex(vector.octets("Kcv")));
      return;
    }
    const Bytes plaintext = vector.octets("Plaintext");
    const Bytes ciphertext = vector.octets("Ciphertext");
    if (vector.section() == "Ecb") {
      EXPECT_EQ(shown(des3_ecb_encrypt(key, plaintext)), to_hex(ciphertext));
      EXPECT_EQ(shown(des3_ecb_decrypt(key, ciphertext)), to_hex(plaintext));
      return;
    }
    const DesBlock iv = block_of(vector.octets("Iv"));
    EXPECT_EQ(shown(des3_cbc_encrypt(key, iv, plaintext)), to_hex(ciphertext));
    EXPECT_EQ(shown(des3_cbc_decrypt(key, iv, ciphertext)), to_hex(plaintext));
    EXPECT_EQ(shown(des3_cbc_encrypt(key, iv, {})), "");
    EXPECT_EQ(shown(des3_cbc_decrypt(key, iv, {})), "");
  });
  EXPECT_EQ(cases, 8);
}

TEST(Des3Test, RefusesWhatTheStandardsDoNotGive) {
  for_each_vector("kagibin/crypto/cipher/testdata/des3_invalid.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    if (vector.section() == "WrongMac") {
      EXPECT_NE(shown(retail_mac(key, {}, {vector.octets("Message")})),
                to_hex(vector.octets("Mac")));
    } else if (vector.section() == "WrongCiphertext") {
      EXPECT_NE(
          shown(des3_cbc_encrypt(key, block_of(vector.octets("Iv")), vector.octets("Plaintext"))),
          to_hex(vector.octets("Ciphertext")));
    } else {
      const Bytes data = vector.octets("Data");
      EXPECT_EQ(shown(des3_ecb_encrypt(key, data)), "invalid_argument");
      EXPECT_EQ(shown(des3_ecb_decrypt(key, data)), "invalid_argument");
      EXPECT_EQ(shown(des3_cbc_encrypt(key, {}, data)), "invalid_argument");
      EXPECT_EQ(shown(des3_cbc_decrypt(key, {}, data)), "invalid_argument");
    }
  });
  EXPECT_EQ(shown(retail_mac(Bytes(24), {}, {})), "invalid_argument");
  EXPECT_EQ(shown(retail_mac(Bytes(8), {}, {})), "invalid_argument");
  EXPECT_EQ(shown(des3_mac(Bytes(8), {}, {})), "invalid_argument");
  EXPECT_EQ(shown(des_encrypt_block(Bytes(16), {})), "invalid_argument");
  EXPECT_EQ(shown(des3_kcv(Bytes(8))), "invalid_argument");
}

// Single DES is triple DES whose keys are the same; two keys are three with the first twice.
TEST(Des3Test, IsOneCipherInAllItsKeyLengths) {
  const Bytes k1 = from_hex("0123456789ABCDEF").value();
  const Bytes k2 = from_hex("FEDCBA9876543210").value();
  const auto joined = [](std::initializer_list<Bytes> keys) {
    Bytes out;
    for (const Bytes& key : keys) {
      append(out, key);
    }
    return out;
  };
  // "Now is t" under single DES with K1: the first block of the standard's MAC algorithm 1 example.
  const DesBlock block = block_of(from_hex("4E6F772069732074").value());
  EXPECT_EQ(shown(des_encrypt_block(k1, block)), "3FA40E8A984D4815");
  EXPECT_EQ(shown(des3_ecb_encrypt(joined({k1, k1}), block)), "3FA40E8A984D4815");
  EXPECT_EQ(shown(des3_ecb_encrypt(joined({k1, k2}), block)),
            shown(des3_ecb_encrypt(joined({k1, k2, k1}), block)));
  EXPECT_NE(shown(des3_ecb_encrypt(joined({k1, k2}), block)),
            shown(des3_ecb_encrypt(joined({k1, k2, k2}), block)));
}

// The full triple DES MAC is the last block of CBC over the padded message, in every cut.
// GPCS B.1.2.1, B.1.2.2: full and single DES MAC
TEST(Des3Test, MacsAreTheEndOfAChain) {
  const Bytes key = from_hex("0123456789ABCDEFFEDCBA9876543210").value();
  const DesBlock icv = block_of(from_hex("A1C72E74EA3FA9B6").value());
  Bytes message;
  for (std::size_t size = 0; size <= 33; ++size) {
    const SecretBytes padded = pad80(message, kDesBlockSize);
    const Bytes cipher = des3_cbc_encrypt(key, icv, padded.expose()).value();
    EXPECT_EQ(shown(des3_mac(key, icv, {message})), to_hex(ByteView(cipher).last(kDesBlockSize)));
    EXPECT_EQ(
        shown(des3_mac(key, icv,
                       {ByteView(message).first(size / 2), ByteView(message).subspan(size / 2)})),
        shown(des3_mac(key, icv, {message})));
    const bool one_block = padded.size() == kDesBlockSize;
    EXPECT_EQ(shown(retail_mac(key, icv, {message})) == shown(des3_mac(key, icv, {message})),
              one_block)
        << "the retail MAC is triple DES in its last block alone";
    message.push_back(static_cast<std::uint8_t>(size));
  }
}

// GPCS B.1.3: padding
TEST(PaddingTest, EndsEveryLengthInBlocksOfEight) {
  Bytes data;
  for (std::size_t size = 0; size <= 17; ++size) {
    const SecretBytes padded = pad80(data, kDesBlockSize);
    EXPECT_EQ(padded.size(), (size / 8 + 1) * 8);
    EXPECT_EQ(unpad80(padded.expose(), kDesBlockSize), size);
    data.push_back(0x80);
  }
  for (const std::string_view wrong : {"", "80000000000000", "0000000000000000", "8000000000000001",
                                       "80000000000000000000000000000000", "0102030405060708"}) {
    EXPECT_FALSE(unpad80(from_hex(wrong).value(), kDesBlockSize).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace kagibin::crypto
