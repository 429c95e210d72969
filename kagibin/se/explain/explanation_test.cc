// SPDX-License-Identifier: Apache-2.0
// Every refusal has a name, a reason, a clause and advice; numbers come from the element; nothing
// of a data field is told.
#include "kagibin/se/explain/explanation.h"

#include <cctype>
#include <functional>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
namespace ins = apdu::ins;

ElementProfile limited(std::uint8_t tries) {
  ElementProfile profile;
  profile.authentication_failure_limit = tries;
  return profile;
}

// A bench that keeps the last exchange, as a card behind a reader would see it.
class WatchedBench : public Bench {
 public:
  explicit WatchedBench(ElementProfile profile = limited(3)) : Bench(std::move(profile)) {}

  std::optional<Explanation> tell(ByteView command) {
    const auto answer = element->transmit(command);
    EXPECT_TRUE(answer.has_value());
    return answer ? explain(command, *answer, *element) : std::nullopt;
  }
  std::optional<Explanation> tell(std::string_view command) { return tell(hex(command)); }
  std::optional<Explanation> tell(scp::Scp03Host& host, const scp::PlainCommand& command) {
    return tell(host.wrap(command).value().encode());
  }
  std::optional<Explanation> tell(scp::Scp03Host& host,
                                  const std::same_as<apdu::CommandApdu> auto& command) {
    return tell(host, scp::PlainCommand{.cla = command.cla,
                                        .ins = command.ins,
                                        .p1 = command.p1,
                                        .p2 = command.p2,
                                        .data = command.data,
                                        .le = command.le});
  }
  // EXTERNAL AUTHENTICATE of a host with other keys for this version.
  std::optional<Explanation> guess() {
    const auto challenge = send("8050300008 0001020304050607 00");
    EXPECT_EQ(challenge.sw.value, 0x9000);
    return tell("8482330010 00112233445566778899AABBCCDDEEFF");
  }
};

// ---- The table of bad commands: each is refused with this word under this name
// ---------------------
using Tell = std::optional<Explanation> (*)(WatchedBench&);
struct BadCommand {
  const char* what;  // a part of the test's name
  std::uint16_t status = 0;
  const char* name = "";
  Tell tell;
};

const BadCommand kBadCommands[] = {
    {"InitializeUpdateUnderSecureMessaging", 0x6882, "INITIALIZE UPDATE",
     [](WatchedBench& b) { return b.tell("8450300008 0001020304050607 00"); }},
    {"InitializeUpdateWithP2", 0x6A86, "INITIALIZE UPDATE",
     [](WatchedBench& b) { return b.tell("8050300108 0001020304050607 00"); }},
    {"InitializeUpdateOfNoKeySet", 0x6A88, "INITIALIZE UPDATE",
     [](WatchedBench& b) { return b.tell("8050310008 0001020304050607 00"); }},
    {"InitializeUpdateWithAShortChallenge", 0x6700, "INITIALIZE UPDATE",
     [](WatchedBench& b) { return b.tell("8050300007 00010203040506 00"); }},
    {"ExternalAuthenticateAlone", 0x6985, "EXTERNAL AUTHENTICATE",
     [](WatchedBench& b) { return b.tell("8482330010 00112233445566778899AABBCCDDEEFF"); }},
    {"WrongHostCryptogram", 0x6300, "EXTERNAL AUTHENTICATE",
     [](WatchedBench& b) { return b.guess(); }},
    {"LevelThatIsNone", 0x6A86, "EXTERNAL AUTHENTICATE",
     [](WatchedBench& b) {
       b.send("8050300008 0001020304050607 00");
       return b.tell("8482220010 00112233445566778899AABBCCDDEEFF");
     }},
    {"ExternalAuthenticateTooShort", 0x6700, "EXTERNAL AUTHENTICATE",
     [](WatchedBench& b) {
       b.send("8050300008 0001020304050607 00");
       return b.tell("8482330008 0011223344556677");
     }},
    {"ExternalAuthenticateInClass80", 0x6982, "EXTERNAL AUTHENTICATE",
     [](WatchedBench& b) {
       b.send("8050300008 0001020304050607 00");
       return b.tell("8082330010 00112233445566778899AABBCCDDEEFF");
     }},
    {"RMacSessionWithoutASession", 0x6985, "BEGIN R-MAC SESSION",
     [](WatchedBench& b) { return b.tell("807A1001 01 00"); }},
    {"SessionWithoutCMacInIt", 0x6982, "GET STATUS [issuer security domain]",
     [](WatchedBench& b) {
       b.open_isd();
       return b.tell("80F2800202 4F00");
     }},
    {"WrongCMac", 0x6982, "GET STATUS [issuer security domain]",
     [](WatchedBench& b) {
       b.open_isd();
       return b.tell("84F280020A 4F00 0011223344556677");
     }},
    {"AfterAnAbortedSession", 0x6982, "GET STATUS [issuer security domain]",
     [](WatchedBench& b) {
       b.open_isd();
       b.send("84F280020A 4F00 0011223344556677");
       return b.tell("80F2800202 4F00");
     }},
    {"PutKeyWithoutASession", 0x6982, "PUT KEY [add]",
     [](WatchedBench& b) { return b.tell("80D80081 01 31"); }},
    {"PutKeyThatIsTruncated", 0x6A80, "PUT KEY [add]",
     [](WatchedBench& b) {
       auto host = b.open_isd();
       return b.tell(*host, {.ins = ins::kPutKey, .p2 = 0x81, .data = hex("31")});
     }},
    {"KeyToReplaceIsNotThere", 0x6A88, "PUT KEY [replace]",
     [](WatchedBench& b) {
       auto host = b.open_isd();
       const auto put = Bench::put_key(*host, 0x32, test_keys(0x50), 0x31);
       return b.tell(*host, put.encode().value());
     }},
    {"KeyToAddIsThere", 0x6A80, "PUT KEY [add]",
     [](WatchedBench& b) {
       auto host = b.open_isd();
       return b.tell(*host, Bench::put_key(*host, 0x30, test_keys(0x50)).encode().value());
     }},
    {"WrongKeyCheckValue", 0x6A80, "PUT KEY [add]",
     [](WatchedBench& b) {
       auto host = b.open_isd();
       auto put = Bench::put_key(*host, 0x31, test_keys(0x50));
       put.keys[1].kcv->front() ^= 1;
       return b.tell(*host, put.encode().value());
     }},
    {"DeleteOfNoKey", 0x6A88, "DELETE",
     [](WatchedBench& b) {
       auto host = b.open_isd();
       return b.tell(*host, {.ins = ins::kDelete, .data = hex("D20141")});
     }},
    {"DeleteOfTheLastKeySet", 0x6985, "DELETE",
     [](WatchedBench& b) {
       auto host = b.open_isd();
       return b.tell(*host, {.ins = ins::kDelete, .data = hex("D20130")});
     }},
    {"GenerateKeyWithoutASession", 0x6982, "GENERATE KEY",
     [](WatchedBench& b) { return b.tell("80F1001303 010203"); }},
    {"GenerateKeyThatIsTruncated", 0x6A80, "GENERATE KEY",
     [](WatchedBench& b) {
       auto host = b.open_isd();
       return b.tell(*host, {.ins = 0xF1, .p2 = 0x13, .data = hex("01")});
     }},
    {"Scp11IsOff", 0x6D00, "INTERNAL AUTHENTICATE",
     [](WatchedBench& b) { return b.tell("8088031301 00"); }},
    {"CertificateStoreWithoutAKey", 0x6A80, "GET DATA",
     [](WatchedBench& b) { return b.tell("80CABF2100"); }},
    {"NoCertificateStore", 0x6A88, "GET DATA",
     [](WatchedBench& b) { return b.tell("80CABF2106 A60483021303 00"); }},
    {"ExtendedLcOfZero", 0x6700, "GET DATA",
     [](WatchedBench& b) { return b.tell("80CA0066 000000 00"); }},
};

class EveryRefusal : public testing::TestWithParam<BadCommand> {};

TEST_P(EveryRefusal, HasANameAReasonAClauseAndAdvice) {
  WatchedBench bench;
  const auto why = GetParam().tell(bench);
  ASSERT_TRUE(why.has_value()) << "it was not refused";
  EXPECT_EQ(why->sw.value, GetParam().status);
  EXPECT_EQ(why->command, GetParam().name);
  EXPECT_FALSE(bench.element->reason().text().empty());
  EXPECT_EQ(why->reason, bench.element->reason().text());
  EXPECT_FALSE(why->clause.empty());
  EXPECT_FALSE(why->meaning.empty());
  EXPECT_FALSE(why->advice.empty());
  EXPECT_EQ(why->about.channel, 0);
  ASSERT_TRUE(why->about.selected.has_value());
  EXPECT_EQ(why->about.selected->hex(), kIsdAid);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryRefusal, testing::ValuesIn(kBadCommands), [](const auto& one) {
  return std::string(one.param.what);
});

// ---- Numbers
// ---------------------------------------------------------------------------------------
TEST(ExplanationTest, TriesAreCountedDownToTheLimitOfTheProfile) {
  WatchedBench bench;
  for (const unsigned left : {2U, 1U, 0U}) {
    const auto why = bench.guess();
    ASSERT_TRUE(why.has_value());
    EXPECT_EQ(why->sw.value, 0x6300);
    EXPECT_EQ(why->about.tries_left, left);
    EXPECT_EQ(why->about.key_version, 0x30);
    EXPECT_FALSE(why->about.key_identifier.has_value());
    EXPECT_EQ(why->about.key_domain->hex(), kIsdAid);
  }
  const auto blocked = bench.tell("8050300008 0001020304050607 00");
  ASSERT_TRUE(blocked.has_value());
  EXPECT_EQ(blocked->sw.value, 0x6983);
  EXPECT_EQ(blocked->about.tries_left, 0);
  EXPECT_NE(blocked->advice.find("blocked"), std::string_view::npos);
}

TEST(ExplanationTest, TheLastTryIsAnnounced) {
  WatchedBench bench(limited(2));
  const auto why = bench.guess();
  ASSERT_TRUE(why.has_value());
  EXPECT_NE(why->advice.find("the next wrong try blocks"), std::string_view::npos);
}

TEST(ExplanationTest, WithoutALimitNoTriesAreTold) {
  WatchedBench bench(limited(0));
  const auto why = bench.guess();
  ASSERT_TRUE(why.has_value());
  EXPECT_FALSE(why->about.tries_left.has_value());
}

TEST(ExplanationTest, AKeyIsNamedByVersionAndIdentifier) {
  WatchedBench bench;
  auto host = bench.open_isd();
  auto put = Bench::put_key(*host, 0x31, test_keys(0x50));
  put.keys[1].kcv->front() ^= 1;
  const auto wrong = bench.tell(*host, put.encode().value());
  ASSERT_TRUE(wrong.has_value());
  EXPECT_EQ(wrong->about.key_version, 0x31);
  EXPECT_EQ(wrong->about.key_identifier, 0x02);
  const auto missing = bench.tell(*host, {.ins = ins::kDelete, .data = hex("D00107D20141")});
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->about.key_version, 0x41);
  EXPECT_EQ(missing->about.key_identifier, 0x07);
  EXPECT_EQ(missing->clause, "GPCS 11.2.2.3.2");
}

TEST(ExplanationTest, TheTagComesFromTheReasonOrTheHeader) {
  const Circumstances nothing;
  const auto named = explain(
      hex("80E60400"),
      sw::kWrongData.because("the parameters (tag C9) are missing (GPCS 11.5.2.3.7)"), nothing);
  EXPECT_EQ(named.about.tag, 0xC9);
  EXPECT_EQ(named.clause, "GPCS 11.5.2.3.7");
  const auto longer = explain(hex("80E60400"), sw::kWrongData.because("no tag 9F65"), nothing);
  EXPECT_EQ(longer.about.tag, 0x9F65);
  EXPECT_EQ(longer.clause, "GPCS 11.5") << "the command's, where the reason has none";
  for (const StatusWord word :
       {sw::kWrongData.because("a tag stands twice (tags)"), sw::kWrongData.because("of tag C"),
        sw::kWrongData.because("of tag 01020304"), sw::kWrongData.because("the tag ")}) {
    EXPECT_FALSE(explain(hex("80E60400"), word, nothing).about.tag.has_value());
  }
  EXPECT_EQ(explain(hex("80CA9F7F"), sw::kReferencedDataNotFound, nothing).about.tag, 0x9F7F);
  Circumstances noted;
  noted.tag = 0xEF;
  EXPECT_EQ(explain(hex("80E60400"), sw::kWrongData.because("no tag C9"), noted).about.tag, 0xEF);
}

TEST(ExplanationTest, ACommandOfAnyLengthIsExplained) {
  for (const auto* octets : {"", "80", "80E6", "80E602"}) {
    EXPECT_EQ(explain(hex(octets), sw::kWrongLength, {}).command, "no whole header");
  }
  EXPECT_EQ(explain(hex("8052"), sw::kWrongLength, {}).header[1], 0x52);
  EXPECT_EQ(explain(hex("80520000"), sw::kInstructionNotSupported, {}).command, "INS 52");
}

TEST(ExplanationTest, TheKeyDeliveryApplicationsRefusalsAreReadFromItsTable) {
  Circumstances selected;
  selected.selected = kda::aid();
  const auto why = explain(hex("80120000"), sw::kConditionsNotSatisfied, selected);
  EXPECT_EQ(why.command, "LOAD [envelope]");
  EXPECT_EQ(why.reason, "the envelope was refused");
  EXPECT_EQ(why.clause, "protocol, section 9");
  EXPECT_EQ(explain(hex("80120000"), sw::kConditionsNotSatisfied, {}).command, "INS 12");
}

TEST(ExplanationTest, ACommandThatIsDoneIsNotExplained) {
  WatchedBench bench;
  EXPECT_FALSE(bench.tell("00A4040000").has_value());
  EXPECT_FALSE(bench.tell("8050300008 0001020304050607 00").has_value());
  EXPECT_FALSE(bench.element->circumstances().in_session);
  auto host = bench.open_isd();
  EXPECT_FALSE(bench.tell(*host, {.ins = ins::kGetStatus, .p1 = 0x80, .p2 = 2, .data = hex("4F00")})
                   .has_value());
  EXPECT_TRUE(bench.element->circumstances().in_session);
}

TEST(ExplanationTest, TheChannelAndTheSelectionAreThoseOfTheCommand) {
  WatchedBench bench;
  bench.open_channel();
  const auto why = bench.tell("81D8008101 31");
  ASSERT_TRUE(why.has_value());
  EXPECT_EQ(why->about.channel, 1);
  EXPECT_EQ(why->about.selected->hex(), kIsdAid);
  // A channel that is closed has nothing selected.
  const auto closed = bench.tell("82D8008101 31");
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->about.channel, 2);
  EXPECT_FALSE(closed->about.selected.has_value());
}

// A wrong C-MAC and wrong padding have one reason, here as on the wire (aes_messaging.cc).
TEST(ExplanationTest, AWrongMacIsToldAsOneOfTwoThings) {
  WatchedBench bench;
  bench.open_isd();
  const auto why = bench.tell("84F280020A 4F00 0011223344556677");
  ASSERT_TRUE(why.has_value());
  EXPECT_NE(why->reason.find("C-MAC or its padding"), std::string_view::npos);
}

}  // namespace
}  // namespace kagibin::se
