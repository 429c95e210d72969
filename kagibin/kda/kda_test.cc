// SPDX-License-Identifier: Apache-2.0
// Codecs, chaining and the table of the KDA's interface. The pump has a test of its own.
#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/kda/block_assembler.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/kda/next.h"
#include "kagibin/kda/status.h"
#include "kagibin/kda/status_meaning.h"

namespace kagibin::kda {
namespace {

Handle handle() { return Handle::from_hex("000102030405060708090A0B0C0D0E0F").value(); }

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// What decodes encodes to the same octets; what is cut short does not decode.
template <typename T>
void expect_strict(ByteView whole) {
  const auto decoded = T::decode(whole);
  ASSERT_TRUE(decoded.has_value()) << to_hex(whole);
  EXPECT_EQ(to_hex(decoded->encode()), to_hex(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = T::decode(whole.first(size));
    EXPECT_TRUE(!cut || cut->encode().size() == size) << "cut to " << size;
  }
  Bytes longer(whole.begin(), whole.end());
  longer.push_back(0x00);
  EXPECT_FALSE(T::decode(longer).has_value());
}

struct Refused {
  std::string_view octets;
  Errc code;
};

template <typename T>
void expect_refused(const std::vector<Refused>& rows) {
  for (const Refused& row : rows) {
    const auto decoded = T::decode(hex(row.octets));
    ASSERT_FALSE(decoded.has_value()) << row.octets;
    EXPECT_EQ(kagibin::name(decoded.error().code), kagibin::name(row.code)) << row.octets;
  }
}

BlockHeader block(std::uint8_t number, bool more) {
  return {.instruction = ins::kLoad, .p1 = 0, .p2 = number, .more = more};
}

TEST(KdaCommands, ALongMessageIsChainedByB5AndNumberedInP2) {
  const Commands blocks = load(handle(), Bytes(500, 0xAB));
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[0].cla, 0x90);
  EXPECT_EQ(blocks[1].cla, 0x90);
  EXPECT_EQ(blocks[2].cla, 0x80);
  EXPECT_EQ(blocks[0].data.size(), 255U);
  EXPECT_EQ(blocks[2].data.size(), 518U - 510U);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].p2, i);
    EXPECT_EQ(blocks[i].ins, ins::kLoad);
    EXPECT_FALSE(blocks[i].extended);
  }
  EXPECT_EQ(to_hex(ByteView(blocks[0].data).first(18)), "8310000102030405060708090A0B0C0D0E0F");
}

TEST(KdaCommands, AShortMessageIsOneBlockWithLeWhereAnAnswerComes) {
  const Commands blocks = enrol(Bytes(255, 0x01));
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].cla, 0x80);
  EXPECT_EQ(blocks[0].le, 256U);
  EXPECT_FALSE(load(handle(), Bytes(3, 0)).back().le.has_value());
}

TEST(KdaCommands, SelectNamesTheAid) {
  EXPECT_EQ(to_hex(select().encode()), "00A4040009F04B41474942494E0100");
}

TEST(KdaCommands, AHandleIsOneObjectAndNothingElse) {
  EXPECT_EQ(decode_handle(encode_handle(handle())).value(), handle());
  EXPECT_FALSE(decode_handle(hex("830100")).has_value());
  Bytes longer = encode_handle(handle());
  longer.push_back(0);
  EXPECT_FALSE(decode_handle(longer).has_value());
}

TEST(BlockAssembler, PutsBlocksTogetherInOrder) {
  BlockAssembler assembler;
  Bytes message(700, 0);
  for (std::size_t i = 0; i < message.size(); ++i) {
    message[i] = static_cast<std::uint8_t>(i * 7);
  }
  const Commands blocks = chain(ins::kLoad, message, false);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const bool last = i + 1 == blocks.size();
    const auto got = assembler.accept(block(static_cast<std::uint8_t>(i), !last), blocks[i].data);
    ASSERT_TRUE(got.has_value());
    ASSERT_EQ(got->has_value(), last);
    if (last) {
      EXPECT_EQ(**got, message);
    }
  }
}

TEST(BlockAssembler, TakesTheLastBlockAgainWithoutEffect) {
  BlockAssembler assembler;
  EXPECT_TRUE(assembler.accept(block(0, true), hex("0102")).has_value());
  EXPECT_TRUE(assembler.accept(block(0, true), hex("0102")).has_value());
  EXPECT_TRUE(assembler.accept(block(1, true), hex("03")).has_value());
  EXPECT_TRUE(assembler.accept(block(1, true), hex("03")).has_value());
  const auto message = assembler.accept(block(2, false), hex("04"));
  ASSERT_TRUE(message.has_value() && message->has_value());
  EXPECT_EQ(**message, hex("01020304"));
}

TEST(BlockAssembler, RefusesAGapAnotherContentAndABlockWithoutItsChain) {
  BlockAssembler assembler;
  EXPECT_EQ(assembler.accept(block(1, false), hex("01")).error(), apdu::sw::kWrongData);
  EXPECT_TRUE(assembler.accept(block(0, true), hex("01")).has_value());
  EXPECT_EQ(assembler.accept(block(2, false), hex("03")).error(), apdu::sw::kWrongData);
  EXPECT_EQ(assembler.accept(block(1, false), hex("02")).error(), apdu::sw::kWrongData);
  EXPECT_TRUE(assembler.accept(block(0, true), hex("01")).has_value());
  EXPECT_TRUE(assembler.accept(block(1, true), hex("02")).has_value());
  EXPECT_EQ(assembler.accept(block(1, true), hex("99")).error(), apdu::sw::kWrongData);
}

TEST(BlockAssembler, AnotherInstructionDoesNotContinueTheChain) {
  BlockAssembler assembler;
  EXPECT_TRUE(assembler.accept(block(0, true), hex("01")).has_value());
  EXPECT_EQ(
      assembler.accept({.instruction = ins::kEnrol, .p2 = 1, .more = false}, hex("02")).error(),
      apdu::sw::kWrongData);
}

TEST(BlockAssembler, RefusesOneOctetMoreThanTheLimitAndP1) {
  BlockAssembler assembler;
  for (std::uint8_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(assembler.accept(block(i, true), Bytes(255, i)).has_value());
  }
  BlockAssembler full = assembler;
  EXPECT_TRUE(full.accept(block(4, false), Bytes(4, 0)).has_value());
  EXPECT_EQ(assembler.accept(block(4, false), Bytes(5, 0)).error(), apdu::sw::kWrongLength);
  EXPECT_EQ(assembler.accept({.instruction = ins::kLoad, .p1 = 1}, {}).error(),
            apdu::sw::kIncorrectP1P2);
}

TEST(NextCodec, TheRequestCarriesBothOrNeitherOfStatusAndData) {
  expect_strict<NextRequest>(NextRequest{handle(), std::nullopt}.encode());
  expect_strict<NextRequest>(
      NextRequest{handle(), apdu::ResponseApdu{Bytes(960, 0x11), apdu::sw::kOk}}.encode());
  Bytes sw_alone = encode_handle(handle());
  append(sw_alone, hex("D3029000"));
  EXPECT_FALSE(NextRequest::decode(sw_alone).has_value());
  Bytes data_alone = encode_handle(handle());
  append(data_alone, hex("D400"));
  EXPECT_FALSE(NextRequest::decode(data_alone).has_value());
  append(sw_alone, hex("D400"));
  EXPECT_EQ(NextRequest::decode(sw_alone)->last, (apdu::ResponseApdu{{}, apdu::sw::kOk}));
}

TEST(NextCodec, TheRequestRefusesMoreThanTheReassemblyTakes) {
  Bytes request = encode_handle(handle());
  append(request, hex("D3029000D48203C1"));
  append(request, Bytes(961, 0));
  EXPECT_FALSE(NextRequest::decode(request).has_value());
}

TEST(NextCodec, TheAnswerRoundTripsInItsFourForms) {
  expect_strict<NextAnswer>(hex("D0058050000008"));
  expect_strict<NextAnswer>(hex("D0058050000008D106A00000015101D20102"));
  expect_strict<NextAnswer>(hex("D20101"));
  expect_strict<NextAnswer>(hex("D20103"));
  expect_strict<NextAnswer>(hex("D20104"));
}

TEST(NextCodec, TheAnswerRefusesCombinationsThatMeanNothing) {
  const std::vector<std::string_view> wrong{
      "",                                // nothing to do
      "D20102",                          // which AID?
      "D106A00000015101",                // no hint
      "D0058050000008D106A00000015101",  // AID without hint
      "D106A00000015101D20102",          // nothing to send
      "D106A00000015101D20103",          // AID with another hint
      "D0058050000008D20103",            // command with wait
      "D0058050000008D20104",            // command with done
      "D20100",                          // hint 00
      "D20105",                          // hint 05
      "D0058150000008",                  // channel 1
      "D003805000",                      // shorter than a C-APDU
      "D008805000000000010A",            // extended length
      "D20104D20104",                    // twice
  };
  for (const std::string_view text : wrong) {
    EXPECT_FALSE(NextAnswer::decode(hex(text)).has_value()) << text;
  }
}

TEST(NextCodec, SaysWhatIsWrong) {
  const std::string request = "8310000102030405060708090A0B0C0D0E0F";
  const std::vector<std::pair<std::string, Errc>> requests = {
      {"", Errc::kTruncated},
      {"830F000102030405060708090A0B0C0D0E", Errc::kLength},
      {request + "D30190", Errc::kLength},
      {request + "D3029000", Errc::kTruncated},
      {request + "D400", Errc::kUnexpectedTag},
      {request + "D3029000D400D500", Errc::kTrailing},
  };
  for (const auto& [text, code] : requests) {
    expect_refused<NextRequest>({{text, code}});
  }
  expect_refused<NextAnswer>({
      {"D003805000", Errc::kLength},
      {"D0048050", Errc::kTruncated},
      {"D006805000000201", Errc::kTruncated},
      {"D004FF500000", Errc::kValue},
      {"D104A0000001", Errc::kLength},
      {"D200", Errc::kLength},
      {"D20100", Errc::kValue},
      {"D20105", Errc::kValue},
      {"D20104D20104", Errc::kTrailing},
      {"D20102", Errc::kValue},
      {"D106A00000015101D20102", Errc::kValue},
      {"D0058150000008", Errc::kValue},
      {"D008805000000000010A", Errc::kValue},
  });
}

TEST(StatusCodec, RoundTripsAndRefusesWhatItDoesNotKnow) {
  expect_strict<Status>(hex("800101810103"));
  expect_strict<Status>(hex("80010A810100"));
  EXPECT_FALSE(Status::decode(hex("800100810103")).has_value());
  EXPECT_FALSE(Status::decode(hex("80010B810103")).has_value());
  EXPECT_FALSE(Status::decode(hex("800101810104")).has_value());
  EXPECT_FALSE(is_final(State::kUnknown));
  EXPECT_TRUE(is_final(State::kDone));
  EXPECT_EQ(name(State::kAbsent), "absent");
}

TEST(StatusCodec, SaysWhatIsWrong) {
  expect_refused<Status>({
      {"", Errc::kTruncated},
      {"810103", Errc::kUnexpectedTag},
      {"80020101810103", Errc::kLength},
      {"800101", Errc::kTruncated},
      {"800101800103", Errc::kUnexpectedTag},
      {"8001018100", Errc::kLength},
      {"800101810103820100", Errc::kTrailing},
      {"800100810103", Errc::kValue},
      {"80010B810103", Errc::kValue},
      {"800101810104", Errc::kValue},
  });
}

TEST(StatusCodec, EveryStateHasItsNameAndTheRestHaveNone) {
  const std::vector<std::string_view> names = {"enrolled",  "loaded",    "channel", "sent",
                                               "unknown",   "done",      "absent",  "refused",
                                               "cancelled", "superseded"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const State state{static_cast<std::uint8_t>(i + 1)};
    EXPECT_EQ(name(state), names[i]);
    EXPECT_EQ(is_final(state), state >= State::kDone);
  }
  EXPECT_EQ(name(State{0x00}), "undefined");
  EXPECT_EQ(name(State{0x0B}), "undefined");
}

TEST(CapabilitiesCodec, RoundTripsAndRefusesListsThatDoNotRise) {
  expect_strict<Capabilities>(hex("8001018102011082010183020400"));
  EXPECT_FALSE(Capabilities::decode(hex("8001018102100182010183020400")).has_value());
  EXPECT_FALSE(Capabilities::decode(hex("8001018102010182010183020400")).has_value());
  EXPECT_FALSE(Capabilities::decode(hex("80010181010182012083020400")).has_value());
}

TEST(CapabilitiesCodec, SaysWhatIsWrong) {
  expect_refused<Capabilities>({
      {"", Errc::kTruncated},
      {"8000", Errc::kLength},
      {"8009010203040506070809", Errc::kLength},
      {"80020101810110820101830204 00", Errc::kEncoding},
      {"800101", Errc::kTruncated},
      {"8001018100", Errc::kLength},
      {"80010181020101820101830204 00", Errc::kEncoding},
      {"800101810110", Errc::kTruncated},
      {"8001018101108200", Errc::kLength},
      {"800101810110820101", Errc::kTruncated},
      {"800101810110820101830104", Errc::kLength},
      {"800101810110820101830204008400", Errc::kTrailing},
      {"80010181011082012083020400", Errc::kValue},
  });
}

TEST(MakerDataCodec, RoundTrips) {
  GeneratedKeys keys;
  keys.signing_key.fill(0x04);
  keys.agreement_key.fill(0x05);
  expect_strict<GeneratedKeys>(keys.encode());
  StoredCertificates stored{.maker_certificate = Bytes(200, 1), .kda_certificate = Bytes(250, 2)};
  expect_strict<StoredCertificates>(stored.encode());
  stored.oce_certificate = Bytes(240, 3);
  expect_strict<StoredCertificates>(stored.encode());
}

TEST(MakerDataCodec, SaysWhatIsWrong) {
  const std::string point = "41" + std::string(130, '4');
  const auto refusal = [](const auto& decoded) {
    return decoded.has_value() ? std::string_view("none") : kagibin::name(decoded.error().code);
  };
  const auto keys = [&](const std::string& text) {
    return refusal(GeneratedKeys::decode(hex(text)));
  };
  EXPECT_EQ(keys("80" + point + "81" + point), "none");
  EXPECT_EQ(keys("81" + point), kagibin::name(Errc::kUnexpectedTag));
  EXPECT_EQ(keys("80" + point), kagibin::name(Errc::kTruncated));
  EXPECT_EQ(keys("80" + point + "810104"), kagibin::name(Errc::kLength));
  EXPECT_EQ(keys("80" + point + "81" + point + "8200"), kagibin::name(Errc::kTrailing));
  const auto stored = [&](const std::string& text) {
    return refusal(StoredCertificates::decode(hex(text)));
  };
  EXPECT_EQ(stored("80" + point + "810101820102"), "none");
  EXPECT_EQ(stored("80" + point + "810101820102830103"), "none");
  EXPECT_EQ(stored("800104"), kagibin::name(Errc::kLength));
  EXPECT_EQ(stored("80" + point + "8100"), kagibin::name(Errc::kLength));
  EXPECT_EQ(stored("80" + point + "810101"), kagibin::name(Errc::kTruncated));
  EXPECT_EQ(stored("80" + point + "8101018200"), kagibin::name(Errc::kLength));
  EXPECT_EQ(stored("80" + point + "8101018201028300"), kagibin::name(Errc::kLength));
  EXPECT_EQ(stored("80" + point + "8101018201028400"), kagibin::name(Errc::kTrailing));
}

TEST(AuthorityStatementCodec, TheValueHasTheLengthOfItsKind) {
  const Bytes signature(70, 0x30);
  for (const auto& [kind, size] : {std::pair{AuthorityStatement::Kind::kTick, 4U},
                                   std::pair{AuthorityStatement::Kind::kMinEpoch, 2U},
                                   std::pair{AuthorityStatement::Kind::kRoot, 69U}}) {
    expect_strict<AuthorityStatement>(
        AuthorityStatement{kind, Bytes(size, 0x01), signature}.encode());
    EXPECT_FALSE(AuthorityStatement::decode(
                     AuthorityStatement{kind, Bytes(size + 1, 0x01), signature}.encode())
                     .has_value());
  }
  EXPECT_EQ(AuthorityStatement::decode(hex("800104810100")).error().code, Errc::kNotSupported);
}

TEST(AuthorityStatementCodec, SaysWhatIsWrong) {
  const std::string signature = "9E08" + std::string(16, '3');
  EXPECT_TRUE(AuthorityStatement::decode(hex("800102 81020001" + signature)).has_value());
  const std::vector<std::pair<std::string, Errc>> rows = {
      {"", Errc::kTruncated},
      {"8000", Errc::kLength},
      {"800100 81020001" + signature, Errc::kNotSupported},
      {"800102", Errc::kTruncated},
      {"800102 810101" + signature, Errc::kLength},
      {"800102 81020001", Errc::kTruncated},
      {"800102 81020001 9E0730303030303030", Errc::kLength},
      {"800102 81020001 9E49" + std::string(146, '3'), Errc::kLength},
      {"800102 81020001" + signature + "8000", Errc::kTrailing},
  };
  for (const auto& [text, code] : rows) {
    expect_refused<AuthorityStatement>({{text, code}});
  }
}

TEST(StatusMeaningTable, EveryAnswerHasASentenceForEachOfTheThreeQuestions) {
  for (int instruction = 0; instruction <= 0xFF; ++instruction) {
    for (const unsigned sw :
         {0x9000U, 0x6400U, 0x6581U, 0x6700U, 0x6982U, 0x6985U, 0x6986U, 0x6A80U, 0x6A81U, 0x6A82U,
          0x6A84U, 0x6A86U, 0x6A88U, 0x6D00U, 0x6E00U, 0x1234U}) {
      const StatusMeaning row = meaning(static_cast<std::uint8_t>(instruction),
                                        StatusWord{static_cast<std::uint16_t>(sw)});
      EXPECT_FALSE(row.happened.empty());
      EXPECT_FALSE(row.state.empty());
      EXPECT_FALSE(row.advice.empty());
    }
  }
}

TEST(StatusMeaningTable, ARowOfTheInstructionGoesBeforeTheGeneralOne) {
  EXPECT_NE(meaning(ins::kEnrol, apdu::sw::kReferencedDataNotFound).happened,
            meaning(ins::kStatus, apdu::sw::kReferencedDataNotFound).happened);
  EXPECT_NE(meaning(ins::kEnrol, apdu::sw::kConditionsNotSatisfied).advice.find("NEXT"),
            std::string_view::npos);
}

}  // namespace
}  // namespace kagibin::kda
