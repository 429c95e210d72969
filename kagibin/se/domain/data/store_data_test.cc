// SPDX-License-Identifier: Apache-2.0
// STORE DATA with every encryption and structure, to a domain and to an application.
#include "kagibin/se/domain/store_data.h"

#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

// Answers what it was given, and its P1 and block number; 5A as its first octet refuses.
class EchoingApplication final : public Application {
 public:
  StatusWord install(ByteView) override { return StatusWord{0x9000}; }
  apdu::ResponseApdu process(const apdu::CommandApdu&) override { return {{}, StatusWord{0x6D00}}; }
  apdu::ResponseApdu process_data(ByteView data, std::uint8_t p1, std::uint8_t block) override {
    if (!data.empty() && data[0] == 0x5A) {
      return {hex("FFFF"), StatusWord{0x6A80}};
    }
    Bytes out{p1, block};
    append(out, data);
    return {out, StatusWord{0x9000}};
  }
};

constexpr std::string_view kEchoFile = "F000000009";
constexpr std::string_view kEchoModule = "F00000000901";
constexpr std::string_view kEchoAid = "F0000000090101";

ModuleRegistry echo_modules() {
  ModuleRegistry out;
  EXPECT_TRUE(out.add({.file = {.aid = aid(kEchoFile),
                                .version = {1, 0},
                                .sources = {std::uint8_t{0}},
                                .modules = {aid(kEchoModule)}},
                       .factories = {[](const ApplicationContext&) {
                         return std::make_unique<EchoingApplication>();
                       }}})
                  .has_value());
  return out;
}

ElementProfile with_echo() {
  ElementProfile profile;
  profile.applications.push_back(
      {aid(kEchoFile), aid(kEchoModule), aid(kEchoAid), profile.isd_aid});
  return profile;
}

class StoreDataFormsTest : public ::testing::Test {
 protected:
  apdu::ResponseApdu store(std::uint8_t p1, ByteView data, std::uint8_t p2 = 0) {
    return bench_.send(*host_,
                       scp::PlainCommand{.ins = 0xE2, .p1 = p1, .p2 = p2, .data = data, .le = 256});
  }
  Bytes encrypted(std::string_view clear) const {
    return host_->encrypt_sensitive(hex(clear)).value();
  }
  static Bytes tlv_of(std::string_view tag, const Bytes& value) {
    Bytes out = hex(tag);
    out.push_back(static_cast<std::uint8_t>(value.size()));
    append(out, value);
    return out;
  }
  std::string read(std::string_view tag) {
    return to_hex(bench_.send(*host_, {.ins = 0xCA, .p2 = hex(tag).at(0), .le = 256}).data);
  }
  void personalize() {
    ASSERT_EQ(bench_.status(*host_, gp::Install{.purpose = gp::InstallFor::kPersonalization,
                                                .application = aid(kEchoAid)}
                                        .encode()
                                        .value()),
              0x9000);
  }
  Bench bench_{echo_modules(), with_echo()};
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

// GPCS 11.11.2.1: P1, structure of the data
TEST_F(StoreDataFormsTest, ADomainTakesItsObjectsInEveryStructure) {
  EXPECT_EQ(store(0x80, hex("420101")).sw.value, 0x9000) << "nothing said";
  EXPECT_EQ(read("42"), "420101");
  EXPECT_EQ(store(0x90, hex("420102")).sw.value, 0x9000) << "BER-TLV";
  EXPECT_EQ(read("42"), "420102");
  EXPECT_EQ(store(0x88, hex("007003420103")).sw.value, 0x9000) << "groupings";
  EXPECT_EQ(read("42"), "420103");
  EXPECT_EQ(store(0x91, hex("420104")).sw.value, 0x9000) << "an answer is asked for";
  EXPECT_EQ(read("42"), "420104");
}

// GPCS 11.11.2.1: P1, encryption under the session's Key-DEK
TEST_F(StoreDataFormsTest, ADomainOpensWhatIsEncryptedUnderTheKeyDek) {
  const Bytes padded = encrypted("01020380000000000000000000000000");
  EXPECT_EQ(store(0xF0, tlv_of("42", padded)).sw.value, 0x9000);
  EXPECT_EQ(read("42"), "4203010203");
  const Bytes whole = encrypted("000102030405060708090A0B0C0D0E0F");
  EXPECT_EQ(store(0xF0, tlv_of("45", whole)).sw.value, 0x9000);
  EXPECT_EQ(read("45"), "4510000102030405060708090A0B0C0D0E0F");
  const Bytes objects = encrypted("42030A0B0C4501FF8000000000000000");
  EXPECT_EQ(store(0xE8, tlv_of("0070", objects)).sw.value, 0x9000);
  EXPECT_EQ(read("42"), "42030A0B0C");
  EXPECT_EQ(read("45"), "4501FF");
  EXPECT_EQ(store(0xF0, hex("4200")).sw.value, 0x9000) << "nothing to decrypt: it is taken away";
  EXPECT_EQ(read("42"), "");
}

TEST_F(StoreDataFormsTest, ADomainRefusesWhatItCannotOpen) {
  EXPECT_EQ(store(0xF0, hex("4203010203")).sw.value, 0x6A80) << "not whole blocks";
  EXPECT_EQ(store(0xE8, hex("007003010203")).sw.value, 0x6A80);
  EXPECT_EQ(store(0xE8, tlv_of("0070", encrypted("FF000000000000000000000000000000"))).sw.value,
            0x6A80)
      << "no objects inside";
  EXPECT_EQ(store(0xB0, hex("420101")).sw.value, 0x6A80) << "application dependent";
  EXPECT_EQ(store(0xC0, hex("420101")).sw.value, 0x6A86) << "reserved";
  EXPECT_EQ(store(0x98, hex("420101")).sw.value, 0x6A86);
  EXPECT_EQ(store(0x84, hex("420101")).sw.value, 0x6A86);
  EXPECT_EQ(store(0x80, hex("660101")).sw.value, 0x6A88);
  EXPECT_EQ(store(0x88, hex("0071020101")).sw.value, 0x6A88);
  EXPECT_EQ(read("42"), "");
}

// GPCS 7.3.3, 11.11.2.1: an application gets P1, the block number and the data as they are, and its
// answer leaves when it was asked for
TEST_F(StoreDataFormsTest, AnApplicationSeesItsBlocksAndAnswersWhenAsked) {
  personalize();
  EXPECT_EQ(to_hex(store(0x09, hex("01020103"), 0).data), "090001020103");
  EXPECT_EQ(store(0x08, hex("01020103"), 1).data, Bytes{}) << "b1 does not ask";
  EXPECT_EQ(to_hex(store(0x61, hex("AABB"), 2).data), "6102AABB");
  EXPECT_EQ(to_hex(store(0xB1, hex("CC"), 3).data), "B103CC") << "the last one";
  EXPECT_EQ(store(0x81, hex("420107")).data, Bytes{}) << "the domain's own from here on";
  EXPECT_EQ(read("42"), "420107");
}

TEST_F(StoreDataFormsTest, ARefusalOfAnApplicationCarriesNoData) {
  personalize();
  const auto refused = store(0x81, hex("5A"));
  EXPECT_EQ(refused.sw.value, 0x6A80);
  EXPECT_TRUE(refused.data.empty());
  EXPECT_EQ(to_hex(store(0x81, hex("01")).data), "810001") << "the block again";
}

// GPCS 11.11.2.2: block numbers
TEST_F(StoreDataFormsTest, AnotherCommandEndsThePersonalization) {
  personalize();
  ASSERT_EQ(store(0x00, hex("01"), 0).sw.value, 0x9000);
  EXPECT_EQ(store(0x00, hex("01"), 2).sw.value, 0x6A86);
  EXPECT_EQ(store(0x00, hex("01"), 1).sw.value, 0x9000);
  ASSERT_EQ(bench_.send(*host_, {.ins = 0xCA, .p2 = 0x66, .le = 256}).sw.value, 0x9000);
  EXPECT_EQ(store(0x81, hex("01"), 2).sw.value, 0x6A86);
  EXPECT_EQ(store(0x81, hex("01"), 0).sw.value, 0x6A80) << "for the domain: no object";
}

}  // namespace
}  // namespace kagibin::se
