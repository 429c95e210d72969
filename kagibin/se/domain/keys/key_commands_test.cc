// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/keys/key_commands.h"

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

class KeyCommandsTest : public ::testing::Test {
 protected:
  gp::KeyInformation keys() {
    return gp::KeyInformation::decode(
               bench_.send(*host_, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data)
        .value();
  }
  std::uint16_t put(const gp::PutKey& command) {
    return bench_.status(*host_, command.encode().value());
  }
  std::uint16_t erase(const gp::DeleteKeys& which) { return bench_.status(*host_, which.encode()); }
  // PUT KEY with this data field.
  std::uint16_t put_raw(std::uint8_t p1, std::uint8_t p2, ByteView data) {
    return bench_.status(*host_, scp::PlainCommand{.ins = 0xD8, .p1 = p1, .p2 = p2, .data = data});
  }

  Bench bench_;
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
  scp::Scp03KeySet fresh_ = test_keys(0x51);
};

// GPCS 11.8.3.1: the answer to PUT KEY
// Amendment D, 7.2: AES keys
TEST_F(KeyCommandsTest, AddsASetAndAnswersItsVersionAndCheckValues) {
  const auto command = Bench::put_key(*host_, 0x31, fresh_).encode().value();
  const auto answer = gp::PutKeyAnswer::decode(bench_.send(*host_, command).data).value();
  EXPECT_EQ(answer.version, 0x31);
  ASSERT_EQ(answer.kcvs.size(), 3U);
  EXPECT_EQ(answer.kcvs[2], crypto::aes_kcv(fresh_.dek.expose()).value());
  EXPECT_TRUE(keys().holds(0x30));
  EXPECT_TRUE(keys().holds(0x31));
}

// GPCS 11.8.2.3: both dialects of key data
TEST_F(KeyCommandsTest, TakesBothDialectsAndEveryKeySize) {
  std::uint8_t version = 0x31;
  for (const std::size_t size : {16U, 24U, 32U}) {
    const auto set = test_keys(0x21, size);
    EXPECT_EQ(put(Bench::put_key(*host_, version, set)), 0x9000);
    bench_.select("");
    EXPECT_TRUE(bench_.open(test_keys(0x21, size), version)->open());
    host_ = bench_.open_isd();
    ++version;
  }
  // 88 10 <16> 03 <KCV>, without the clear length.
  Bytes data{0x40, 0x88, 0x10};
  append(data, host_->encrypt_sensitive(fresh_.enc.expose()).value());
  data.push_back(0x03);
  append(data, crypto::aes_kcv(fresh_.enc.expose()).value());
  EXPECT_EQ(put_raw(0x00, 0x01, data), 0x9000);
  EXPECT_TRUE(keys().holds(0x40, 0x01));
}

// GPCS 11.8.2.1: P1 names the version to replace
TEST_F(KeyCommandsTest, ReplacesASetUnderTheSameVersion) {
  EXPECT_EQ(put(Bench::put_key(*host_, 0x30, fresh_, 0x30)), 0x9000);
  EXPECT_EQ(keys().keys.size(), 3U) << "the session goes on";
  bench_.select("");
  EXPECT_TRUE(bench_.open(test_keys(0x51), 0x30)->open());
}

// GPCS 11.8.2.1: replacing under another version
TEST_F(KeyCommandsTest, ReplacesASetUnderAnotherVersionWhichStaysTheFirst) {
  ASSERT_EQ(put(Bench::put_key(*host_, 0x31, test_keys(0x61))), 0x9000);
  EXPECT_EQ(put(Bench::put_key(*host_, 0x2F, fresh_, 0x30)), 0x9000);
  EXPECT_FALSE(keys().holds(0x30));
  bench_.select("");
  EXPECT_TRUE(bench_.open(test_keys(0x51), 0x00)->open());
}

TEST_F(KeyCommandsTest, TheFactorySetGoesWhenAnotherIsComplete) {
  Bench bench({}, 0xFF);
  auto host = bench.open_isd();
  const auto information = [&] {
    return gp::KeyInformation::decode(bench.send(*host, {.ins = 0xCA, .p2 = 0xE0, .le = 256}).data)
        .value();
  };
  const auto add = [&](const gp::PutKey& command) {
    return bench.status(*host, command.encode().value());
  };
  ASSERT_EQ(add(Bench::put_key(*host, 0x30, {&fresh_.enc, &fresh_.mac})), 0x9000);
  EXPECT_TRUE(information().holds(0xFF));
  ASSERT_EQ(add(Bench::put_key(*host, 0x30, {&fresh_.dek}, 0, 3)), 0x9000);
  EXPECT_FALSE(information().holds(0xFF));
  bench.select("");
  EXPECT_TRUE(bench.open(test_keys(0x51), 0x00)->open());
}

// GPCS 11.8.2.1: P1 = 0 of INITIALIZE UPDATE goes on meaning what it meant
TEST_F(KeyCommandsTest, WhatReplacesTheFactorySetIsTheFirstSetAsThatWas) {
  ElementProfile profile;
  profile.key_sets.push_back({profile.isd_aid, 0xFF, test_keys(kIsdKeys)});
  profile.key_sets.push_back({profile.isd_aid, 0x20, test_keys(0x61)});
  Bench bench(std::move(profile));
  const auto first = [&] {
    bench.select("");
    const auto told = gp::KeyInformation::decode(bench.send("80CA00E000").data).value();
    const auto answer = bench.send("8050000008000102030405060700");
    EXPECT_EQ(answer.data.at(10), told.keys.front().version);
    return answer.data.at(10);
  };
  EXPECT_EQ(first(), 0xFF);
  auto host = bench.open_isd();
  ASSERT_EQ(bench.status(*host, Bench::put_key(*host, 0x01, fresh_).encode().value()), 0x9000);
  EXPECT_EQ(first(), 0x01);
  // Where another set came first, it stays the first.
  ElementProfile later;
  later.key_sets.push_back({later.isd_aid, 0x20, test_keys(kIsdKeys)});
  later.key_sets.push_back({later.isd_aid, 0xFF, test_keys(0x61)});
  Bench other(std::move(later));
  host = other.open_isd();
  ASSERT_EQ(other.status(*host, Bench::put_key(*host, 0x01, fresh_).encode().value()), 0x9000);
  other.select("");
  EXPECT_EQ(other.send("8050000008000102030405060700").data.at(10), 0x20);
}

// GPCS 11.8.2.3, B.6: key check values
TEST_F(KeyCommandsTest, RefusesAWrongCheckValueAndChangesNothing) {
  auto wrong = Bench::put_key(*host_, 0x31, fresh_);
  (*wrong.keys[2].kcv)[1] ^= 0x01;
  EXPECT_EQ(put(wrong), 0x6A80);
  EXPECT_EQ(keys().keys.size(), 3U);
  wrong.keys[2].kcv.reset();
  EXPECT_EQ(put(wrong), 0x9000) << "a key may come without a check value";
}

// GPCS 11.8.3.2: keys to add and to replace
TEST_F(KeyCommandsTest, RefusesKeysThatAreThereOrNotThere) {
  EXPECT_EQ(put(Bench::put_key(*host_, 0x30, fresh_)), 0x6A80);
  EXPECT_EQ(put(Bench::put_key(*host_, 0x31, fresh_, 0x2A)), 0x6A88);
  EXPECT_EQ(put(Bench::put_key(*host_, 0x30, {&fresh_.enc}, 0x30, 0x04)), 0x6A88);
  ASSERT_EQ(put(Bench::put_key(*host_, 0x31, test_keys(0x61))), 0x9000);
  EXPECT_EQ(put(Bench::put_key(*host_, 0x31, fresh_, 0x30)), 0x6A80);
  EXPECT_EQ(keys().keys.size(), 6U);
}

// GPCS 11.8.2: refused
TEST_F(KeyCommandsTest, RefusesWrongParametersTypesAndLengths) {
  const Bytes good = Bench::put_key(*host_, 0x31, {&fresh_.enc}).encode()->data;
  Bytes bad = good;
  bad[0] = 0x00;
  EXPECT_EQ(put_raw(0x00, 0x01, bad), 0x6A80);
  bad[0] = 0x80;
  EXPECT_EQ(put_raw(0x00, 0x01, bad), 0x6A80);
  bad = good;
  bad[1] = 0x80;  // DES
  EXPECT_EQ(put_raw(0x00, 0x01, bad), 0x6A80);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(put_raw(0x00, 0x01, ByteView(good).first(size)), 0x6A80) << size;
  }
  bad = good;
  bad.push_back(0x00);
  EXPECT_EQ(put_raw(0x00, 0x01, bad), 0x6A80);
  EXPECT_EQ(keys().keys.size(), 3U);
}

// GPCS 11.8: the session that PUT KEY needs
TEST_F(KeyCommandsTest, NeedsASessionWithMac) {
  const Bytes data = Bench::put_key(*host_, 0x31, fresh_).encode()->data;
  bench_.select("");
  EXPECT_EQ(bench_.send({.cla = 0x80, .ins = 0xD8, .p2 = 0x81, .data = data}).sw.value, 0x6982);
  EXPECT_EQ(bench_.status("84D8008100"), 0x6982);
  EXPECT_EQ(bench_.status("80E4000003D2013000"), 0x6982);
  host_ = bench_.open_isd(0x00);
  EXPECT_EQ(bench_.send({.cla = 0x80, .ins = 0xD8, .p2 = 0x81, .data = data}).sw.value, 0x6982);
  EXPECT_EQ(bench_.status("80E4000003D2013000"), 0x6982);
}

// GPCS 11.2.2.3.2: DELETE [key]
TEST_F(KeyCommandsTest, DeletesTheSetItsSessionWasOpenedWithWhenAnotherRemains) {
  EXPECT_EQ(erase({.version = 0x30}), 0x6985) << "the last set";
  ASSERT_EQ(put(Bench::put_key(*host_, 0x31, fresh_)), 0x9000);
  EXPECT_EQ(erase({.version = 0x30}), 0x9000);
  EXPECT_FALSE(keys().holds(0x30)) << "the session goes on";
  EXPECT_EQ(erase({.version = 0x31}), 0x6985);
  bench_.select("");
  EXPECT_EQ(bench_.status("8050300008010203040506070800"), 0x6A88);
  EXPECT_TRUE(bench_.open(test_keys(0x51), 0x31)->open());
}

// GPCS 11.2.2.3.2: D0 and D2
TEST_F(KeyCommandsTest, DeletesOneKeyOrOneIdentifierOfEveryVersion) {
  ASSERT_EQ(put(Bench::put_key(*host_, 0x31, fresh_)), 0x9000);
  EXPECT_EQ(erase({.identifier = 0x01}), 0x6985) << "no set would be complete";
  EXPECT_EQ(erase({.identifier = 0x01, .version = 0x31}), 0x9000);
  EXPECT_FALSE(keys().holds(0x31, 0x01));
  EXPECT_EQ(erase({.identifier = 0x03, .version = 0x30}), 0x6985);
  EXPECT_EQ(keys().keys.size(), 5U);
}

// GPCS 11.2.3.2: referenced data not found
TEST_F(KeyCommandsTest, RefusesToDeleteWhatIsNotThere) {
  EXPECT_EQ(erase({.version = 0x31}), 0x6A88);
  EXPECT_EQ(erase({.identifier = 0x09}), 0x6A88);
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xE4, .p1 = 1}), 0x6A86);
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xE4, .p2 = 1}), 0x6A86);
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xE4, .data = hex("D20230")}), 0x6A80);
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xE4}), 0x6A80);
}

// Amendment D, 6.2.2.1: a new key set's sequence counter
TEST_F(KeyCommandsTest, NewKeysStartTheirSequenceCounterAnew) {
  ElementProfile profile;
  profile.scp03 = scp::Scp03Parameter{0x70};
  Bench bench(std::move(profile));
  auto host = bench.open_isd();
  host = bench.open_isd();
  ASSERT_EQ(bench.status(*host, Bench::put_key(*host, 0x30, fresh_, 0x30).encode().value()),
            0x9000);
  bench.select("");
  EXPECT_EQ(to_hex(ByteView(bench.send("8050000008010203040506070800").data).last(3)), "000000");
}

TEST_F(KeyCommandsTest, ADomainHoldsFortyEightSets) {
  for (unsigned version = 1; version <= 0x30; ++version) {
    const auto key =
        Bench::put_key(*host_, static_cast<std::uint8_t>(version), {&fresh_.enc}, 0, 9);
    EXPECT_EQ(put(key), 0x9000) << version;
  }
  EXPECT_EQ(put(Bench::put_key(*host_, 0x31, {&fresh_.enc}, 0, 9)), 0x6A84);
}

}  // namespace
}  // namespace kagibin::se
