// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/element.h"

#include "kagibin/crypto/aes.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

TEST(ElementTest, SelectWithoutDataAnswersTheFullNameOfTheIssuerDomain) {
  Bench bench;
  const auto answer = bench.select("");
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(to_hex(answer.data), "6F108408A000000151000000A5049F6501FF");
  EXPECT_EQ(bench.select("A000000151").data, answer.data);
}

TEST(ElementTest, OpensASessionAndPutsAKeySetThatGetDataShowsUnderRMac) {
  Bench bench;
  auto host = bench.open_isd();
  ASSERT_NE(host, nullptr);
  EXPECT_EQ(to_hex(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data),
            "E012C00401308810C00402308810C00403308810");
  const auto keys = test_keys(0x51);
  Bytes data{0x31};
  for (const SecretBytes* key : {&keys.enc, &keys.mac, &keys.dek}) {
    append(data, Bytes{0x88, 0x11, 0x10});
    append(data, host->encrypt_sensitive(key->expose()).value());
    data.push_back(0x03);
    append(data, crypto::aes_kcv(key->expose()).value());
  }
  const auto put = bench.send(*host, {.ins = 0xD8, .p2 = 0x81, .data = data, .le = 256});
  EXPECT_EQ(put.sw.value, 0x9000);
  EXPECT_EQ(put.data.size(), 10);
  EXPECT_EQ(to_hex(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data),
            "E024C00401308810C00402308810C00403308810C00401318810C00402318810C00403318810");
  bench.select("");
  EXPECT_NE(bench.open(test_keys(0x51), 0x31), nullptr);
}

}  // namespace
}  // namespace kagibin::se
