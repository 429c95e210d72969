// SPDX-License-Identifier: Apache-2.0
// What a domain can learn about the memory that others use: the sum, and nothing else
// (doc/threat_model.md, "What domains of one element see of each other").
#include "kagibin/base/byte_io.h"
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

constexpr std::string_view kOthersAid = "F0000000020102";
constexpr std::string_view kProbe = "F0000000020103";

class MemoryObservationTest : public ContentBench {
 protected:
  MemoryObservationTest() {
    install_domain(kDomainAid, Privileges::kAuthorizedManagement);
    install_domain(kOtherDomain);
    EXPECT_EQ(status(install_test_application(kOthersAid)), 0x9000);
    EXPECT_EQ(status(extradite(kOthersAid, kOtherDomain)), 0x9000);
    open_domain(kDomainAid);
  }
  // An application of the other domain stores so many octets, twice.
  void other_stores(std::size_t octets) {
    bench_.select(kOthersAid, channel_);
    EXPECT_EQ(
        bench_.send({.cla = 0x80, .ins = 0x04, .data = Bytes(octets, 0x5A)}, channel_).sw.value,
        0x9000);
  }
  bool has_room_for(std::uint32_t octets) {
    Bytes system = hex("C900EF06D804");
    append(system, ByteWriter().u32(octets).view());
    const std::uint16_t answer = status(gp::Install{.load_file = aid(kTestFile),
                                                    .module = aid(kTestModule),
                                                    .application = aid(kProbe),
                                                    .parameters = std::move(system)}
                                            .encode()
                                            .value());
    if (answer == 0x9000) {
      EXPECT_EQ(status(erase(kProbe)), 0x9000);
    } else {
      EXPECT_EQ(answer, 0x6A84);
    }
    return answer == 0x9000;
  }
  // By halving: the most that D8 reserves.
  std::uint32_t most_that_is_free() {
    std::uint32_t least = 0;
    std::uint32_t most = 0x100000;
    while (most - least > 1) {
      const std::uint32_t middle = least + (most - least) / 2;
      (has_room_for(middle) ? least : most) = middle;
    }
    return least;
  }
  std::uint32_t free_as_the_issuer_tells() {
    bench_.select("", channel_);
    const Bytes told =
        bench_.send({.cla = 0x80, .ins = 0xCA, .p1 = 0xFF, .p2 = 0x21, .le = 256}, channel_).data;
    EXPECT_EQ(told.size(), 3U + 4U + 6U + 6U);
    return told.size() == 19 ? ByteReader(ByteView(told).subspan(9, 4)).u32().value() : 0;
  }

  std::uint8_t channel_ = bench_.open_channel();
};

// ETSI TS 102 226, 8.2.1.7.2: FF21 of the ISD alone
TEST_F(MemoryObservationTest, TheIssuersDomainTellsTheSumToEverybodyAndOthersTellNothing) {
  other_stores(10);
  const std::uint32_t before = free_as_the_issuer_tells();
  other_stores(110);
  EXPECT_EQ(before - free_as_the_issuer_tells(), 200U) << "two records, to the octet";
  for (const std::string_view name : {kDomainAid, kOtherDomain}) {
    bench_.select(name, channel_);
    EXPECT_EQ(bench_.send({.cla = 0x80, .ins = 0xCA, .p1 = 0xFF, .p2 = 0x21, .le = 256}, channel_)
                  .sw.value,
              0x6A88)
        << name;
  }
}

// GPCS 11.5.2.3.7: a domain that installs finds the same sum by 6A84
TEST_F(MemoryObservationTest, ADomainThatInstallsFindsTheSameSumByAskingForRoom) {
  other_stores(10);
  const std::uint32_t before = most_that_is_free();
  other_stores(110);
  EXPECT_EQ(before - most_that_is_free(), 200U);
}

// Nothing that a domain sees says who stores, or what: the same sum from another looks the same.
TEST_F(MemoryObservationTest, TheSumDoesNotSayWhoStoresNorWhat) {
  other_stores(110);
  const std::uint32_t of_other = most_that_is_free();
  other_stores(10);
  open_isd();
  EXPECT_EQ(status(extradite(kOthersAid, kIsdAid)), 0x6985) << "selected";
  bench_.select("", channel_);
  ASSERT_EQ(status(extradite(kOthersAid, kIsdAid)), 0x9000);
  open_domain(kDomainAid);
  bench_.select(kOthersAid, channel_);
  EXPECT_EQ(bench_.send({.cla = 0x80, .ins = 0x04, .data = Bytes(110, 0xA5)}, channel_).sw.value,
            0x9000);
  // The ISD's AID has eight octets, the other domain's seven.
  EXPECT_EQ(most_that_is_free() + 1, of_other);
}

}  // namespace
}  // namespace kagibin::se
