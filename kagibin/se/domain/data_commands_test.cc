// SPDX-License-Identifier: Apache-2.0
// GET DATA, STORE DATA to the domain itself, GET STATUS.
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

TEST(GetDataTest, AnswersWhatIsThereAndNothingElse) {
  Bench bench;
  EXPECT_EQ(to_hex(bench.send("80CA00CF00").data), "CF0A00000000000000000000");
  EXPECT_EQ(to_hex(bench.send("80CA00E000").data), "E012C00401308810C00402308810C00403308810");
  for (const std::string_view tag : {"0042", "0045", "9F7F", "5F50", "5F20", "00C0", "00D3"}) {
    EXPECT_EQ(bench.status("80CA" + std::string(tag) + "00"), 0x6A88) << tag;
  }
  EXPECT_EQ(bench.status("80CA0066025C0000"), 0x6700);
}

class StoreDataTest : public ::testing::Test {
 protected:
  std::uint16_t store(std::uint8_t p1, std::string_view data, std::uint8_t p2 = 0) {
    const Bytes octets = hex(data);
    return bench_.status(*host_,
                         scp::PlainCommand{.ins = 0xE2, .p1 = p1, .p2 = p2, .data = octets});
  }
  std::string read(std::uint16_t tag) {
    const auto answer =
        bench_.send(*host_, scp::PlainCommand{.ins = 0xCA,
                                              .p1 = static_cast<std::uint8_t>(tag >> 8U),
                                              .p2 = static_cast<std::uint8_t>(tag & 0xFFU),
                                              .le = 256});
    return to_hex(answer.data);
  }
  Bench bench_;
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

TEST_F(StoreDataTest, StoresObjectsInBothStructuresAndTakesThemAway) {
  EXPECT_EQ(store(0x90, "4203010203450204055F50026162CF0A0102030405060708090A"), 0x9000);
  EXPECT_EQ(read(0x0042), "4203010203");
  EXPECT_EQ(read(0x0045), "45020405");
  EXPECT_EQ(read(0x5F50), "5F50026162");
  EXPECT_EQ(read(0x00CF), "CF0A0102030405060708090A");
  EXPECT_EQ(store(0x88, "00700442020909"), 0x9000);
  EXPECT_EQ(read(0x0042), "42020909");
  EXPECT_EQ(store(0x90, "4200"), 0x9000);
  EXPECT_EQ(read(0x0042), "");
}

TEST_F(StoreDataTest, CountsBlocks) {
  EXPECT_EQ(store(0x10, "420101", 0x00), 0x9000);
  EXPECT_EQ(store(0x90, "450102", 0x02), 0x6A86);
  EXPECT_EQ(store(0x90, "450102", 0x01), 0x9000);
  EXPECT_EQ(store(0x10, "420101", 0x00), 0x9000);
  EXPECT_EQ(store(0x90, "450103", 0x00), 0x9000);
}

TEST_F(StoreDataTest, TakesABlockWholeOrNotAtAll) {
  EXPECT_EQ(store(0x90, "42020102660101"), 0x6A88);
  EXPECT_EQ(store(0x90, "4202010245"), 0x6A80);
  EXPECT_EQ(store(0x88, "007004420201028010"), 0x6A80);
  EXPECT_EQ(store(0x88, "00700442020102801000"), 0x6A88);
  EXPECT_EQ(read(0x0042), "");
}

TEST_F(StoreDataTest, RefusesWrongParametersEncryptionAndNoSession) {
  EXPECT_EQ(store(0x98, "420101"), 0x6A86);
  EXPECT_EQ(store(0xF0, "420101"), 0x6A80);
  EXPECT_EQ(store(0x90, ""), 0x6A80);
  bench_.select("");
  EXPECT_EQ(bench_.status("80E2900003420101"), 0x6982);
}

class GetStatusTest : public ::testing::Test {
 protected:
  GetStatusTest() {
    EXPECT_EQ(bench_.status(*host_, Bench::install_domain(kDomainAid)), 0x9000);
    EXPECT_EQ(bench_.status(*host_, install_test_application()), 0x9000);
  }
  apdu::ResponseApdu ask(const gp::GetStatus& query) { return bench_.send(*host_, query.encode()); }
  static std::vector<gp::StatusEntry> entries(const apdu::ResponseApdu& answer,
                                              const gp::GetStatus& query) {
    return gp::decode_entries(answer.data, query).value();
  }

  Bench bench_{test_modules(), {}};
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

TEST_F(GetStatusTest, ListsEveryScope) {
  const gp::GetStatus issuer{.scope = gp::StatusScope::kIssuerSecurityDomain};
  EXPECT_EQ(to_hex(ask(issuer).data), "E3134F08A0000001510000009F700101C5039EFE80");
  const gp::GetStatus applications{.scope = gp::StatusScope::kApplications};
  const auto found = entries(ask(applications), applications);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].aid, aid(kDomainAid));
  EXPECT_EQ(found[0].state, 0x07);
  EXPECT_EQ(found[0].privileges->bits, gp::Privileges::kSecurityDomain);
  EXPECT_EQ(found[0].security_domain, aid(kIsdAid));
  EXPECT_EQ(found[1].aid, aid(kTestAid));
  EXPECT_EQ(found[1].load_file, aid(kTestFile));
  const gp::GetStatus files{.scope = gp::StatusScope::kLoadFiles};
  ASSERT_EQ(entries(ask(files), files).size(), 2U);
  EXPECT_TRUE(entries(ask(files), files)[1].modules.empty());
  const gp::GetStatus modules{.scope = gp::StatusScope::kLoadFilesAndModules};
  EXPECT_EQ(entries(ask(modules), modules)[1].modules, std::vector<Aid>{aid(kTestModule)});
}

TEST_F(GetStatusTest, FiltersByNameAndTag) {
  gp::GetStatus query{.filter = hex("F000000002"), .tags = {0x4F, 0xC5}};
  EXPECT_EQ(to_hex(ask(query).data), "E30E4F07F0000000020101C503000000");
  query.filter = hex("F000000003");
  EXPECT_EQ(ask(query).sw.value, 0x6A88);
}

// GPCS 11.4.2.1, 11.4.3.1: every subset in both formats; the older one in exact octets
TEST_F(GetStatusTest, AnswersEverySubsetInTheOlderFormat) {
  EXPECT_EQ(
      to_hex(ask({.scope = gp::StatusScope::kIssuerSecurityDomain, .tlv_format = false}).data),
      "08A000000151000000019E");
  EXPECT_EQ(to_hex(ask({.scope = gp::StatusScope::kApplications, .tlv_format = false}).data),
            "07F000000001AA010780"
            "07F00000000201010700");
  EXPECT_EQ(to_hex(ask({.scope = gp::StatusScope::kLoadFiles, .tlv_format = false}).data),
            "07A00000015153500100"
            "05F0000000020100");
  EXPECT_EQ(to_hex(ask({.scope = gp::StatusScope::kLoadFilesAndModules, .tlv_format = false}).data),
            "07A0000001515350010001"
            "08A000000151535041"
            "05F0000000020100"
            "0106F00000000201");
}

TEST_F(GetStatusTest, TellsAidsOfFiveToSixteenOctets) {
  const std::vector<std::string> names{"F000000003", "F0000000030000000000000000000016"};
  for (const std::string& name : names) {
    ASSERT_EQ(bench_.status(*host_, install_test_application(name)), 0x9000);
  }
  for (const bool tlv_format : {true, false}) {
    const gp::GetStatus query{.tlv_format = tlv_format, .filter = hex("F000000003")};
    const auto found = entries(ask(query), query);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].aid, aid(names[0]));
    EXPECT_EQ(found[1].aid, aid(names[1]));
  }
}

// GPCS 11.4.2.2, 11.4.3.2: the older format goes on, too
TEST_F(GetStatusTest, PagesInTheOlderFormat) {
  for (unsigned i = 0x10; i < 0x40; ++i) {
    const Bytes number{static_cast<std::uint8_t>(i)};
    ASSERT_EQ(bench_.status(*host_, install_test_application("F00000000201" + to_hex(number))),
              0x9000);
  }
  gp::GetStatus query{.tlv_format = false};
  const auto first = ask(query);
  ASSERT_EQ(first.sw.value, 0x6310);
  query.next = true;
  std::size_t count = entries(first, query).size();
  for (auto next = ask(query); count < 60; next = ask(query)) {
    count += entries(next, query).size();
    if (next.sw.value == 0x9000) {
      break;
    }
    ASSERT_EQ(next.sw.value, 0x6310);
  }
  EXPECT_EQ(count, 50U);
}

// GPCS 11.4.2.3: the tag list says what is told
TEST_F(GetStatusTest, TellsEachTagThatIsAskedForAlone) {
  const std::vector<std::pair<tlv::Tag, std::string>> tags{{0x9F70, "9F700107"},
                                                           {0xC5, "C503000000"},
                                                           {0xC4, "C405F000000002"},
                                                           {0xCC, "CC08A000000151000000"}};
  for (const auto& [tag, object] : tags) {
    const std::string own = "4F07F0000000020101" + object;
    EXPECT_EQ(to_hex(ask({.filter = hex(kTestAid), .tags = {tag}}).data),
              "E3" + to_hex(Bytes{static_cast<std::uint8_t>(own.size() / 2)}) + own);
  }
}

TEST_F(GetStatusTest, PagesAndGoesOnWhereItStopped) {
  for (unsigned i = 0x10; i < 0x30; ++i) {
    const Bytes number{static_cast<std::uint8_t>(i)};
    ASSERT_EQ(bench_.status(*host_, install_test_application("F00000000201" + to_hex(number))),
              0x9000);
  }
  gp::GetStatus query;
  std::vector<gp::StatusEntry> all;
  apdu::ResponseApdu answer = ask(query);
  query.next = true;
  int pages = 1;
  for (; answer.sw.value == 0x6310 && pages < 50; ++pages) {
    EXPECT_LE(answer.data.size(), 239U);
    std::ranges::move(entries(answer, query), std::back_inserter(all));
    answer = ask(query);
  }
  std::ranges::move(entries(answer, query), std::back_inserter(all));
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(all.size(), 34U);
  EXPECT_GT(pages, 3);
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &gp::StatusEntry::aid));
  EXPECT_EQ(ask(query).sw.value, 0x6985) << "nothing is left to go on with";
}

TEST_F(GetStatusTest, GoesOnWithTheSameQuestionOnly) {
  for (unsigned i = 0x10; i < 0x20; ++i) {
    const Bytes number{static_cast<std::uint8_t>(i)};
    ASSERT_EQ(bench_.status(*host_, install_test_application("F00000000201" + to_hex(number))),
              0x9000);
  }
  EXPECT_EQ(ask({.next = true}).sw.value, 0x6985);
  ASSERT_EQ(ask({}).sw.value, 0x6310);
  EXPECT_EQ(ask({.next = true, .filter = hex("F0")}).sw.value, 0x6985);
  ASSERT_EQ(ask({}).sw.value, 0x6310);
  ASSERT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xCA, .p2 = 0x66}), 0x9000);
  EXPECT_EQ(ask({.next = true}).sw.value, 0x6985);
}

TEST_F(GetStatusTest, ADomainSeesItselfAndWhatIsBelow) {
  bench_.select(kDomainAid);
  host_ = bench_.open(test_keys(kIsdKeys));
  const gp::GetStatus query;
  const auto found = entries(ask(query), query);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].aid, aid(kDomainAid));
  EXPECT_EQ(ask({.scope = gp::StatusScope::kIssuerSecurityDomain}).sw.value, 0x6A88);
  EXPECT_EQ(ask({.scope = gp::StatusScope::kLoadFiles}).sw.value, 0x6A88);
}

TEST_F(GetStatusTest, ShowsADomainPersonalizedOnceItHasItsKeys) {
  bench_.select(kDomainAid);
  host_ = bench_.open(test_keys(kIsdKeys));
  ASSERT_EQ(bench_.status(*host_, Bench::put_key(*host_, 0x30, test_keys(0x51)).encode().value()),
            0x9000);
  const gp::GetStatus query;
  EXPECT_EQ(entries(ask(query), query)[0].state, 0x0F);
}

TEST_F(GetStatusTest, RefusesWrongParametersAndNoSession) {
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xF2, .p1 = 0xC0, .p2 = 2}), 0x6A86);
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xF2, .p1 = 0x40, .p2 = 4}), 0x6A86);
  EXPECT_EQ(bench_.status(*host_, scp::PlainCommand{.ins = 0xF2, .p1 = 0x40, .p2 = 2}), 0x6A80);
  bench_.select("");
  EXPECT_EQ(bench_.status("80F24002024F0000"), 0x6982);
  host_ = bench_.open_isd(0x00);
  EXPECT_EQ(bench_.status("80F24002024F0000"), 0x9000) << "any session will do";
}

}  // namespace
}  // namespace kagibin::se
