// SPDX-License-Identifier: Apache-2.0
// GET STATUS, card data, privileges and life-cycle states.
#include <gtest/gtest.h>

#include "kagibin/gp/card_data.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/gp/registry/life_cycle.h"
#include "kagibin/gp/registry/privileges.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}
Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

StatusEntry an_application() {
  return {.aid = aid("A00000000301"),
          .state = kSelectable,
          .privileges = Privileges{Privileges::kSecurityDomain | Privileges::kTrustedPath},
          .load_file = aid("A000000003"),
          .security_domain = aid("A000000151000000")};
}

StatusEntry a_load_file() {
  return {.aid = aid("A000000062"),
          .state = kExecutableLoadFileLoaded,
          .security_domain = aid("A000000151"),
          .version = hex("0100"),
          .modules = {aid("A00000006201"), aid("A00000006202")}};
}

// GPCS 11.4.2: GET STATUS
TEST(GetStatusTest, RoundTripsTheCommand) {
  for (const auto scope : {StatusScope::kIssuerSecurityDomain, StatusScope::kApplications,
                           StatusScope::kLoadFiles, StatusScope::kLoadFilesAndModules}) {
    for (const bool next : {false, true}) {
      for (const bool tlv_format : {false, true}) {
        const GetStatus status{.scope = scope,
                               .next = next,
                               .tlv_format = tlv_format,
                               .filter = hex("A000"),
                               .tags = {0x4F, 0x9F70, 0xC5}};
        const auto command = status.encode();
        EXPECT_EQ(command.data, hex("4F 02 A000 5C 04 4F 9F70 C5"));
        EXPECT_EQ(GetStatus::decode(command.p1, command.p2, command.data).value(), status);
      }
    }
  }
  const auto command = GetStatus{}.encode();
  EXPECT_EQ(command.encode(), hex("80F24002024F0000"));
  for (std::size_t size = 0; size < command.data.size(); ++size) {
    EXPECT_FALSE(GetStatus::decode(0x40, 0x02, ByteView(command.data).first(size)).has_value());
  }
}

// GPCS 11.4.2.1, 11.4.2.2: P1 and P2 of GET STATUS
TEST(GetStatusTest, RefusesWhatItDoesNotKnow) {
  const Bytes all = hex("4F00");
  EXPECT_EQ(GetStatus::decode(0x60, 0x02, all).error().code, Errc::kValue);
  EXPECT_EQ(GetStatus::decode(0x00, 0x02, all).error().code, Errc::kValue);
  EXPECT_EQ(GetStatus::decode(0x40, 0x04, all).error().code, Errc::kValue);
  EXPECT_EQ(GetStatus::decode(0x40, 0x02, hex("C5 01 80")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(GetStatus::decode(0x40, 0x02, hex("4F00 C5 01 80")).error().code, Errc::kNotSupported);
  EXPECT_EQ(GetStatus::decode(0x40, 0x02, hex("4F11") /* seventeen octets follow */).error().code,
            Errc::kTruncated);
  EXPECT_EQ(GetStatus::decode(0x40, 0x02, hex("4F00 5C 01 9F")).error().code, Errc::kTruncated);
  EXPECT_EQ(GetStatus::decode(0x40, 0x02, hex("4F00 5C 03 9F8170")).error().code, Errc::kEncoding);
}

// GPCS 11.4.2.3: search criteria
TEST(GetStatusTest, FiltersByTheBeginningOfTheAid) {
  GetStatus status;
  EXPECT_TRUE(status.matches(aid("A000000003")));
  status.filter = hex("A0000000");
  EXPECT_TRUE(status.matches(aid("A000000003")));
  status.filter = hex("A000000004");
  EXPECT_FALSE(status.matches(aid("A000000003")));
}

// GPCS 11.4.3.1: entries in E3
TEST(StatusEntryTest, RoundTripsInTlvFormat) {
  const GetStatus applications;
  const GetStatus modules{.scope = StatusScope::kLoadFilesAndModules};
  const Bytes application = encode_entry(an_application(), applications);
  EXPECT_EQ(application, hex("E3 22 4F 06 A00000000301 9F70 01 07 C5 03 808000 C4 05 A000000003 "
                             "CC 08 A000000151000000"));
  EXPECT_EQ(decode_entries(application, applications).value(),
            std::vector<StatusEntry>{an_application()});
  const Bytes load_file = encode_entry(a_load_file(), modules);
  EXPECT_EQ(decode_entries(load_file, modules).value(), std::vector<StatusEntry>{a_load_file()});
  // Without the modules when P1 does not ask for them.
  StatusEntry without = a_load_file();
  without.modules.clear();
  const GetStatus files{.scope = StatusScope::kLoadFiles};
  EXPECT_EQ(decode_entries(encode_entry(a_load_file(), files), files).value(),
            std::vector<StatusEntry>{without});
  for (const Bytes& whole : {application, load_file}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      EXPECT_FALSE(decode_entries(ByteView(whole).first(size), applications).has_value());
    }
  }
}

// GPCS 11.4.2.3: tag list 5C
TEST(StatusEntryTest, AnswersTheTagsThatWereAskedFor) {
  const GetStatus status{.tags = {0x4F, 0x9F70}};
  EXPECT_EQ(encode_entry(an_application(), status), hex("E3 0C 4F 06 A00000000301 9F70 01 07"));
}

// GPCS 11.4.3.1: entries in the older format
TEST(StatusEntryTest, RoundTripsInTheOlderFormat) {
  const GetStatus applications{.tlv_format = false};
  EXPECT_EQ(encode_entry(an_application(), applications), hex("06 A00000000301 07 80"));
  const auto got = decode_entries(hex("06 A00000000301 07 80 05 A000000004 0F 00"), applications);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->size(), 2U);
  EXPECT_EQ((*got)[0].privileges, Privileges{Privileges::kSecurityDomain});
  const GetStatus modules{.scope = StatusScope::kLoadFilesAndModules, .tlv_format = false};
  const Bytes load_file = encode_entry(a_load_file(), modules);
  EXPECT_EQ(load_file, hex("05 A000000062 01 00 02 06 A00000006201 06 A00000006202"));
  EXPECT_EQ((*decode_entries(load_file, modules))[0].modules, a_load_file().modules);
  for (std::size_t size = 1; size < load_file.size(); ++size) {
    EXPECT_FALSE(decode_entries(ByteView(load_file).first(size), modules).has_value()) << size;
  }
}

// Answers of real cards, as published in the tests of kaoh/globalplatform (scp03Test.c,
// LGPL-3.0-or- later) and OpenSCP-Java (OutputTestData.java, Apache-2.0).
// GPCS 11.4.3.1: answers of published cards
TEST(StatusEntryTest, ReadsPublishedAnswersOfCards) {
  const GetStatus isd{.scope = StatusScope::kIssuerSecurityDomain};
  auto got = decode_entries(hex("E3324F08A0000001510000009F70020F00C50382FC80C407A0000001515350CE02"
                                "0100CC08A000000151000000EA0580030080 00"),
                            isd);
  ASSERT_TRUE(got.has_value()) << got.error().detail.text();
  ASSERT_EQ(got->size(), 1U);
  EXPECT_EQ((*got)[0].aid, aid("A000000151000000"));
  EXPECT_EQ((*got)[0].state, std::to_underlying(CardState::kSecured));
  ASSERT_TRUE((*got)[0].privileges.has_value());
  EXPECT_TRUE((*got)[0]
                  .privileges.value_or(Privileges{})
                  .has(Privileges::kSecurityDomain | Privileges::kGlobalDelete |
                       Privileges::kReceiptGeneration));
  EXPECT_EQ((*got)[0].load_file, aid("A0000001515350"));

  const GetStatus files{.scope = StatusScope::kLoadFiles};
  got = decode_entries(hex("E3194F07A00000006200019F70020100CE020100CC05A000000151"
                           "E3194F07A00000006201019F70020100CE020105CC05A000000151"),
                       files);
  ASSERT_TRUE(got.has_value());
  ASSERT_EQ(got->size(), 2U);
  EXPECT_EQ((*got)[1].version, hex("0105"));
  EXPECT_EQ((*got)[1].state, kExecutableLoadFileLoaded);

  const GetStatus older{.tlv_format = false};
  got = decode_entries(
      hex("0AA9A8A7A6A5A4A3A2A1A00F800AA0A1A2A3A4A5A6A7A8A9070009A00000015141434C00070010A000000220"
          "2003010301000000000011070007A00000024804000700"),
      older);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->size(), 5U);
}

TEST(StatusEntryTest, RefusesWhatIsNone) {
  const GetStatus status;
  const auto code = [&](std::string_view data) {
    const auto got = decode_entries(hex(data), status);
    EXPECT_FALSE(got.has_value()) << data;
    return got.has_value() ? Errc::kIo : got.error().code;
  };
  EXPECT_EQ(code("E4 00"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("E3 00"), Errc::kTruncated);
  EXPECT_EQ(code("E3 06 4F 04 A0000000"), Errc::kLength);
  EXPECT_EQ(code("E3 0E 4F 05 A000000003 4F 05 A000000003"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("E3 0B 4F 05 A000000003 9F70 01"), Errc::kTruncated);
  EXPECT_EQ(code("E3 0A 4F 05 A000000003 9F70 00"), Errc::kLength);
  EXPECT_EQ(code("E3 0B 4F 05 A000000003 C5 02 8000"), Errc::kLength);
}

// GPCS 11.4.2.3: the tag list of GET STATUS
// GPCS 11.4.3.1: objects of an entry that are none
TEST(StatusEntryTest, RefusesTagListsAndModulesThatAreNone) {
  const auto list = [](std::string_view data) {
    return GetStatus::decode(0x40, 0x02, hex(data)).error().code;
  };
  EXPECT_EQ(list("4F00 5C01 9F"), Errc::kTruncated);
  EXPECT_EQ(list("4F00 5C03 9F8170"), Errc::kEncoding);
  EXPECT_EQ(decode_entries(hex("E3 0B 4F 05 A000000003 84 02 A000"), {}).error().code,
            Errc::kLength);
  EXPECT_EQ(decode_entries(hex("E3 08 4F 05 A000000003 84"), {}).error().code, Errc::kTruncated);
}

// GPCS 11.4.3.2: 6310 and the next occurrence
TEST(StatusPageTest, PagesWholeEntriesAndEndsWithTheLast) {
  const GetStatus status;
  const std::vector<StatusEntry> entries(7, an_application());
  const std::size_t one = encode_entry(an_application(), status).size();
  std::size_t done = 0;
  std::vector<std::size_t> counts;
  for (bool more = true; more;) {
    const StatusPage page = status_page(std::span(entries).subspan(done), status, 3 * one + 1);
    EXPECT_LE(page.data.size(), 3 * one + 1);
    ASSERT_EQ(decode_entries(page.data, status)->size(), page.count);
    counts.push_back(page.count);
    done += page.count;
    more = page.more;
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{3, 3, 1}));
  EXPECT_EQ(status_page(entries, status, 1).count, 1U);
  EXPECT_TRUE(status_page(entries, status, 1).more);
  const StatusPage none = status_page({}, status, 256);
  EXPECT_TRUE(none.data.empty());
  EXPECT_FALSE(none.more);
}

// GPCS H.2: card recognition data
TEST(CardDataTest, RoundTripsAndRefusesEveryTruncation) {
  const CardData card{.version = {2, 3, 1}, .protocols = {{3, 0x70}, {3, 0x71}, {0x11, 0x0203}}};
  const Bytes whole = card.encode();
  const auto got = CardData::decode(whole);
  ASSERT_TRUE(got.has_value()) << got.error().detail.text();
  EXPECT_EQ(*got, card);
  EXPECT_EQ(got->parameter_of(3), 0x70);
  EXPECT_EQ(got->parameter_of(0x11), 0x0203);
  EXPECT_EQ(got->parameter_of(2), std::nullopt);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(CardData::decode(ByteView(whole).first(size)).has_value()) << size;
  }
}

// GPCS H.2: card recognition data
TEST(CardDataTest, WritesTheFormOfAnnexH) {
  const CardData card{.version = {2, 3, 1}, .protocols = {{3, 0x60}}};
  EXPECT_EQ(card.encode(),
            hex("66 31 73 2F 06 07 2A864886FC6B01 60 0C 06 0A 2A864886FC6B02020301 63 09 06 07 "
                "2A864886FC6B03 64 0B 06 09 2A864886FC6B040360"));
}

// GPCS H.2: what published cards write
TEST(CardDataTest, TakesSeveralIdentifiersInOneTagAndForeignObjects) {
  const auto card =
      CardData::decode(hex("66 2A 73 28 06 07 2A864886FC6B01 64 16 06 09 2A864886FC6B040215 06 09 "
                           "2A864886FC6B040370 65 02 0500 66 01 00"));
  ASSERT_TRUE(card.has_value()) << card.error().detail.text();
  EXPECT_TRUE(card->version.empty());
  EXPECT_EQ(card->protocols, (std::vector<ChannelProtocol>{{2, 0x15}, {3, 0x70}}));
}

TEST(CardDataTest, RefusesForeignIdentifiers) {
  const auto code = [](std::string_view data) {
    const auto got = CardData::decode(hex(data));
    EXPECT_FALSE(got.has_value()) << data;
    return got.has_value() ? Errc::kIo : got.error().code;
  };
  EXPECT_EQ(code("67 0B 73 09 06 07 2A864886FC6B01"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("66 0B 74 09 06 07 2A864886FC6B01"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("66 0B 73 09 06 07 2A864886FC6C01"), Errc::kEncoding);
  EXPECT_EQ(code("66 0B 73 09 06 07 2A864886FC6B02"), Errc::kValue);
  EXPECT_EQ(code("66 0A 73 08 06 06 2A864886FC6B"), Errc::kValue);
  EXPECT_EQ(code("66 16 73 14 06 07 2A864886FC6B01 64 09 06 07 2A864886FC6B04"), Errc::kValue);
  EXPECT_EQ(code("66 17 73 15 06 07 2A864886FC6B01 64 0A 06 08 2A864886FC6B0483"),
            Errc::kTruncated);
  EXPECT_EQ(code("66 18 73 16 06 07 2A864886FC6B01 64 0B 06 09 2A864886FC6B048003"),
            Errc::kEncoding);
}

// GPCS H.2: card recognition data whose inner objects are cut or wrong
TEST(CardDataTest, RefusesInnerObjectsThatAreNone) {
  const auto code = [](std::string_view objects) {
    const Bytes inner = hex("06 07 2A864886FC6B01 " + std::string(objects));
    const auto got = CardData::decode(tlv::encode(0x66, tlv::encode(0x73, inner)));
    EXPECT_FALSE(got.has_value()) << objects;
    return got.has_value() ? Errc::kIo : got.error().code;
  };
  EXPECT_EQ(code("60"), Errc::kTruncated);
  EXPECT_EQ(code("60 00"), Errc::kTruncated);
  EXPECT_EQ(code("60 02 0500"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("60 0B 06 08 2A864886FC6B0202 00"), Errc::kTrailing);
  EXPECT_EQ(code("60 0C 06 08 2A864886FC6B0202 0500"), Errc::kTrailing);
  EXPECT_EQ(code("60 04 06 02 2A86"), Errc::kTruncated);
  EXPECT_EQ(code("60 09 06 07 2A864886FC6B02"), Errc::kValue);
  EXPECT_EQ(code("60 0A 06 08 2A864886FC6B0302"), Errc::kValue);
  EXPECT_EQ(code("60 0A 06 08 2A864886FC6B0202 60 0A 06 08 2A864886FC6B0202"), Errc::kValue);
  EXPECT_EQ(code("64 02 0500"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("64 04 06 02 2A86"), Errc::kTruncated);
  EXPECT_EQ(code("64 0F 06 0D 2A864886FC6B 04 03 8181818100"), Errc::kEncoding);
  const auto outer = [](std::string_view octets) {
    return CardData::decode(hex(octets)).error().code;
  };
  EXPECT_EQ(outer("66 02 7300"), Errc::kTruncated);
  EXPECT_EQ(outer("66 04 7302 0600"), Errc::kLength);
  EXPECT_EQ(outer("66 07 7305 0603 2A8648"), Errc::kTruncated);
}

// GPCS 11.1.2: privileges in one and three octets
TEST(PrivilegesTest, RoundTripInOneAndThreeOctets) {
  EXPECT_EQ((Privileges{Privileges::kSecurityDomain}).encode(), hex("80"));
  EXPECT_EQ((Privileges{Privileges::kSecurityDomain}).encode_three(), hex("800000"));
  EXPECT_EQ(Privileges::decode(hex("80")).value(), Privileges::decode(hex("800000")).value());
  for (unsigned bit = 0; bit < 24; ++bit) {
    const Privileges one{1U << bit};
    EXPECT_EQ(Privileges::decode(one.encode()).value(), one);
    EXPECT_EQ(Privileges::decode(one.encode_three()).value(), one);
  }
  for (const std::size_t size : {0UZ, 2UZ, 4UZ}) {
    EXPECT_EQ(Privileges::decode(Bytes(size)).error().code, Errc::kLength);
  }
}

// GPCS 6.6.2: which privileges go together
TEST(PrivilegesTest, CheckTheRulesOfTheSpecification) {
  const auto good = [](std::uint32_t bits) { return Privileges{bits}.check().has_value(); };
  EXPECT_TRUE(good(0));
  EXPECT_TRUE(good(0x82FC80));  // an ISD as a card answers it
  EXPECT_TRUE(good(Privileges::kCardReset));
  EXPECT_TRUE(good(Privileges::kSecurityDomain | Privileges::kDapVerification |
                   Privileges::kMandatedDapVerification));
  EXPECT_FALSE(good(Privileges::kSecurityDomain | Privileges::kMandatedDapVerification));
  EXPECT_FALSE(good(Privileges::kDapVerification));
  EXPECT_FALSE(good(Privileges::kAuthorizedManagement));
  EXPECT_FALSE(good(Privileges::kDelegatedManagement));
  EXPECT_FALSE(good(0x000001));
  EXPECT_FALSE(good(0x800008));
}

// GPCS 5.1: the card's life cycle
// GPCS 11.1.1: its coding
TEST(LifeCycleTest, CardMovesForwardOnly) {
  using enum CardState;
  const CardState all[] = {kOpReady, kInitialized, kSecured, kCardLocked, kTerminated};
  const std::vector<std::pair<CardState, CardState>> allowed{
      {kOpReady, kInitialized}, {kInitialized, kSecured},  {kSecured, kCardLocked},
      {kCardLocked, kSecured},  {kOpReady, kTerminated},   {kInitialized, kTerminated},
      {kSecured, kTerminated},  {kCardLocked, kTerminated}};
  for (const CardState from : all) {
    for (const CardState to : all) {
      const bool expected =
          std::find(allowed.begin(), allowed.end(), std::pair(from, to)) != allowed.end();
      EXPECT_EQ(may_move(from, to), expected) << name(from) << " to " << name(to);
    }
    EXPECT_EQ(card_state_from(std::to_underlying(from)).value(), from);
  }
  for (unsigned octet = 0; octet <= 0xFF; ++octet) {
    const bool state =
        octet == 0x01 || octet == 0x07 || octet == 0x0F || octet == 0x7F || octet == 0xFF;
    EXPECT_EQ(card_state_from(static_cast<std::uint8_t>(octet)).has_value(), state);
  }
}

// GPCS 5.3: locking and unlocking
TEST(LifeCycleTest, ObjectsLockAndComeBackToTheirState) {
  const auto domain = ObjectState::of_security_domain(kPersonalized).value();
  EXPECT_TRUE(domain.selectable());
  EXPECT_EQ(domain.lock().octet(), 0x8F);
  EXPECT_TRUE(domain.lock().locked());
  EXPECT_FALSE(domain.lock().selectable());
  EXPECT_EQ(domain.lock().unlock(), domain);
  EXPECT_FALSE(ObjectState::of_security_domain(kInstalled)->selectable());
}

// GPCS 11.1.1: life cycle coding
TEST(LifeCycleTest, TakesTheStatesOfTheTablesAndNoOther) {
  for (unsigned octet = 0; octet <= 0xFF; ++octet) {
    const unsigned state = octet & 0x7FU;
    const auto value = static_cast<std::uint8_t>(octet);
    EXPECT_EQ(ObjectState::of_security_domain(value).has_value(),
              state == 0x03 || state == 0x07 || state == 0x0F);
    EXPECT_EQ(ObjectState::of_application(value).has_value(),
              state == 0x03 || (state & 0x07U) == 0x07);
  }
}

}  // namespace
}  // namespace kagibin::gp
