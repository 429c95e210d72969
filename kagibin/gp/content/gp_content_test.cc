// SPDX-License-Identifier: Apache-2.0
// LOAD, INSTALL of every purpose and its parameters, DELETE with a token.
#include <gtest/gtest.h>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/domain_parameters.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/install_parameters.h"
#include "kagibin/gp/content/load.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}
Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

template <typename Request>
void expect_round_trip(const Request& request, std::string_view data) {
  const auto command = request.encode();
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(to_hex(command->data), to_hex(hex(data)));
  EXPECT_EQ(Request::decode(command->p1, command->p2, command->data).value(), request);
  for (std::size_t size = 0; size < command->data.size(); ++size) {
    EXPECT_FALSE(Request::decode(command->p1, command->p2, ByteView(command->data).first(size)));
  }
  Bytes longer = command->data;
  longer.push_back(0);
  EXPECT_FALSE(Request::decode(command->p1, command->p2, longer));
}

// GPCS 11.5.2.3.1: INSTALL [for load]
TEST(InstallForLoadTest, RoundTrips) {
  expect_round_trip(InstallForLoad{.load_file = aid("F000000009"),
                                   .security_domain = aid("A000000151000000"),
                                   .hash = hex("0102"),
                                   .parameters = hex("EF04C602017F")},
                    "05F000000009 08A000000151000000 020102 06EF04C602017F 00");
  expect_round_trip(InstallForLoad{.load_file = aid("F000000009"), .token = Bytes(256, 0x55)},
                    "05F000000009 00 00 00 820100" + to_hex(Bytes(256, 0x55)));
  const auto combined = InstallForLoad{.load_file = aid("F000000009"), .combined = true}.encode();
  EXPECT_EQ(to_hex(combined->encode()), "80E60E010A05F0000000090000000000");
}

// GPCS 11.5.2.1, 11.5.2.3.1: INSTALL [for load] refused
TEST(InstallForLoadTest, RefusesOtherPurposesAndNoLoadFile) {
  const Bytes data = hex("05F00000000900000000");
  EXPECT_EQ(InstallForLoad::decode(0x04, 0x00, data).error().code, Errc::kValue);
  EXPECT_EQ(InstallForLoad::decode(0x02, 0x01, data).error().code, Errc::kValue);
  EXPECT_EQ(InstallForLoad::decode(0x0E, 0x03, data).error().code, Errc::kValue);
  EXPECT_EQ(InstallForLoad::decode(0x02, 0x00, hex("0000000000")).error().code, Errc::kValue);
  EXPECT_EQ(InstallForLoad::decode(0x02, 0x00, hex("04F000000000000000")).error().code,
            Errc::kLength);
}

// GPCS 11.5.2.3.4: INSTALL [for extradition]
TEST(ExtraditionTest, RoundTrips) {
  expect_round_trip(
      Extradition{.security_domain = aid("F000000001AA01"), .object = aid("F0000000020101")},
      "07F000000001AA01 00 07F0000000020101 00 00 00");
  expect_round_trip(Extradition{.security_domain = aid("F000000001AA01"),
                                .object = aid("F0000000020101"),
                                .token = Bytes(64, 1)},
                    "07F000000001AA01 00 07F0000000020101 00 00 40" + to_hex(Bytes(64, 1)));
  EXPECT_EQ(Extradition::decode(0x10, 0x00, hex("000007F0000000020101000000")).error().code,
            Errc::kValue);
  EXPECT_EQ(Extradition::decode(0x10, 0x00, hex("05F000000001 05F000000002 05F000000003 00 00 00"))
                .error()
                .code,
            Errc::kValue);
}

// GPCS 11.5.2.3.5: INSTALL [for registry update]
TEST(RegistryUpdateTest, RoundTrips) {
  expect_round_trip(RegistryUpdate{.application = aid("F0000000020101"),
                                   .privileges = Privileges{Privileges::kCardReset},
                                   .parameters = hex("EF03CF0143")},
                    "00 00 07F0000000020101 0104 05EF03CF0143 00");
  expect_round_trip(RegistryUpdate{}, "000000000000");
  EXPECT_EQ(RegistryUpdate::decode(0x40, 0x01, hex("000000000000")).error().code, Errc::kValue);
  EXPECT_EQ(RegistryUpdate::decode(0x40, 0x00, hex("00000002 0000 00 00")).error().code,
            Errc::kLength);
}

// GPCS 9.3.8: the end of a combined load, install and make selectable
TEST(InstallTest, EndsACombinedLoad) {
  const Install install{.purpose = InstallFor::kLoadInstallAndMakeSelectable,
                        .load_file = aid("F000000009"),
                        .module = aid("F00000000901"),
                        .application = aid("F00000000901")};
  expect_round_trip(install, "05F000000009 06F00000000901 06F00000000901 0100 00 00");
  EXPECT_EQ(install.encode()->p1, 0x0E);
  EXPECT_EQ(install.encode()->p2, 0x03);
  EXPECT_FALSE(Install::decode(0x0C, 0x03, install.encode()->data));
  EXPECT_FALSE(Install::decode(0x0E, 0x00, install.encode()->data));
}

// GPCS 11.5.2.3.7: system specific install parameters
TEST(InstallParametersTest, ReadsWhatOpenUses) {
  const Bytes octets =
      hex("C9020102 EF17 C6020200 C70100 C80400010000 D70105 D8020010 CF0143 B7 00");
  const auto parameters = InstallParameters::decode(octets);
  ASSERT_TRUE(parameters.has_value()) << parameters.error().detail.text();
  EXPECT_EQ(to_hex(*parameters->application), "0102");
  EXPECT_EQ(parameters->code_octets, 0x200U);
  EXPECT_EQ(parameters->volatile_octets, 0U);
  EXPECT_EQ(parameters->data_octets, 0x10000U);
  EXPECT_EQ(parameters->reserved_volatile, 5U);
  EXPECT_EQ(parameters->reserved_data, 16U);
  EXPECT_EQ(parameters->implicit_selection->channel(), 3U);
  EXPECT_TRUE(parameters->implicit_selection->on_contact());
  EXPECT_FALSE(parameters->global_service);
  EXPECT_TRUE(InstallParameters::decode({}).has_value());
  EXPECT_TRUE(InstallParameters::decode(hex("EF04CB028101"))->global_service);
}

// GPCS 11.5.2.3.7: install parameters twice or malformed
TEST(InstallParametersTest, RefusesWhatStandsTwiceOrIsMalformed) {
  for (const std::string_view text :
       {"C900C900", "EF00EF00", "EF08C6020200C6020200", "EF02C600", "EF07C6050000000001",
        "EF03CF0160", "EF03CF0114", "EF04CF024040", "C9", "C90201", "EF03C60201"}) {
    EXPECT_FALSE(InstallParameters::decode(hex(text)).has_value()) << text;
  }
}

// GPCS 11.5.2.3.7: implicit selection, CF
TEST(ImplicitSelectionTest, OverlapsOnTheSameChannelOfOneInterface) {
  const auto of = [](std::uint8_t octet) { return ImplicitSelection::from(octet).value(); };
  EXPECT_TRUE(of(0x40).overlaps(of(0xC0)));
  EXPECT_FALSE(of(0x40).overlaps(of(0x80)));
  EXPECT_FALSE(of(0x40).overlaps(of(0x41)));
}

// GPCS 11.5.2.3.7: parameters of a security domain
TEST(DomainParametersTest, ReadsProtocolsAndAcceptance) {
  const auto parameters =
      DomainParameters::decode(hex("81020255 81020370 82022008 830120 8400 870180"));
  ASSERT_TRUE(parameters.has_value());
  EXPECT_EQ(parameters->protocols, (std::vector<ChannelProtocol>{{2, 0x55}, {3, 0x70}}));
  EXPECT_EQ(parameters->extradition_here, (Acceptance{0x20, 0x08}));
  EXPECT_EQ(parameters->deletion, (Acceptance{0x20, 0x20}));
  EXPECT_EQ(parameters->extradition_away, (Acceptance{0x80, 0x80}));
  EXPECT_TRUE(parameters->personalized);
  EXPECT_FALSE(DomainParameters::decode({})->extradition_here.has_value());
}

// GPCS 11.5.2.3.7: parameters of a security domain that are not known
TEST(DomainParametersTest, RefusesWhatItDoesNotKnow) {
  for (const std::string_view text :
       {"8200", "8203200808", "83022020", "840100", "84008400", "82012082 0120", "820101",
        "81020355 85 00", "8103030070", "45050102030405"}) {
    EXPECT_FALSE(DomainParameters::decode(hex(text)).has_value()) << text;
  }
}

// GPCS 11.5.2.3: fields longer than a length can tell
TEST(InstallForLoadTest, NoFieldIsLongerThanItsLengthCanTell) {
  const Bytes too_long(65'536);
  EXPECT_EQ(
      (InstallForLoad{.load_file = aid("F000000009"), .hash = too_long}).encode().error().code,
      Errc::kLength);
  EXPECT_EQ((Extradition{.security_domain = aid("F000000001AA01"),
                         .object = aid("F0000000020101"),
                         .token = too_long})
                .encode()
                .error()
                .code,
            Errc::kLength);
  EXPECT_EQ((RegistryUpdate{.parameters = too_long}).encode().error().code, Errc::kLength);
}

// GPCS 11.5.2.3.7: at most eight protocols here
TEST(DomainParametersTest, SpeaksAtMostEightProtocols) {
  std::string text;
  for (int i = 0; i < 8; ++i) {
    text += "81020370";
  }
  EXPECT_EQ(DomainParameters::decode(hex(text))->protocols.size(), 8U);
  EXPECT_EQ(DomainParameters::decode(hex(text + "81020370")).error().code, Errc::kLimit);
}

// GPCS 11.5.2.3.7: restriction D9, and objects that are not for OPEN
TEST(InstallParametersTest, KnowsARestrictionAndPassesOverTheRest) {
  EXPECT_TRUE(InstallParameters::decode(hex("EF03D90101"))->restricts);
  const auto other = InstallParameters::decode(hex("EF03DA0101"));
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(other->restricts);
  EXPECT_EQ(InstallParameters::decode(hex("EF06CF0140CF0140")).error().code, Errc::kUnexpectedTag);
}

// GPCS 11.6.2.1, 11.6.2.2: LOAD blocks
TEST(LoadTest, RoundTrips) {
  const Load last{.last = true, .block = 7};
  EXPECT_EQ(to_hex(last.encode(hex("0102")).encode()), "80E8800702010200");
  EXPECT_EQ(Load::decode(0x80, 0x07).value(), last);
  EXPECT_EQ(Load::decode(0x00, 0xFF).value(), (Load{.last = false, .block = 0xFF}));
  EXPECT_FALSE(Load::decode(0x40, 0x00).has_value());
}

// GPCS 11.6.2.3: load file structure over blocks
TEST(LoadFileReaderTest, PutsAFileTogetherHoweverItIsCut) {
  const std::vector<DapBlock> dap{{aid("F000000001AA01"), Bytes(200, 0xDA)},
                                  {aid("F000000001AA02"), hex("01")}};
  const Bytes data(300, 0x11);
  const Bytes file = encode_load_file(dap, data);
  for (std::size_t size = 1; size <= file.size(); ++size) {
    LoadFileReader reader(data.size());
    for (std::size_t at = 0; at < file.size(); at += size) {
      EXPECT_FALSE(reader.complete());
      ASSERT_TRUE(reader.add(ByteView(file).subspan(at, std::min(size, file.size() - at))));
    }
    EXPECT_TRUE(reader.complete());
    EXPECT_TRUE(equal(reader.data_block(), data));
    EXPECT_EQ(reader.dap_blocks(), dap);
  }
}

// GPCS 11.6.2.3: length forms
TEST(LoadFileReaderTest, TakesTheLengthsThatHostsWrite) {
  for (const std::string_view text : {"C402AABB", "C48102AABB", "C4820002AABB", "C483000002AABB"}) {
    LoadFileReader reader(2);
    EXPECT_TRUE(reader.add(hex(text)).has_value()) << text;
    EXPECT_TRUE(reader.complete());
  }
}

// GPCS 11.6.2.3: what is no load file
TEST(LoadFileReaderTest, RefusesWhatIsNoLoadFile) {
  const std::pair<std::string_view, Errc> cases[] = {
      {"C403AABBCC", Errc::kNoSpace},
      {"C402AABBCC", Errc::kTrailing},
      {"C400", Errc::kLength},
      {"C48000", Errc::kEncoding},
      {"C484000000", Errc::kEncoding},
      {"D402AABB", Errc::kNotSupported},
      {"D30800", Errc::kNotSupported},
      {"E5020000", Errc::kUnexpectedTag},
      {"E20400000000", Errc::kUnexpectedTag},
      {"E2094F05F000000001C300", Errc::kLength},
      {"E2820800", Errc::kLength},
      {"E20C4F05F000000001C301019A00", Errc::kTrailing},
      {"E20A4F05F000000001C30101E20A4F05F000000001C30102", Errc::kConflict}};
  for (const auto& [text, code] : cases) {
    LoadFileReader reader(2);
    const auto added = reader.add(hex(text));
    ASSERT_FALSE(added.has_value()) << text;
    EXPECT_EQ(added.error().code, code) << text;
  }
  LoadFileReader many(2);
  for (int i = 0; i < 9; ++i) {
    const Bytes one =
        encode_load_file({{aid("F0000000" + to_hex(Bytes{std::uint8_t(i)})), hex("01")}}, {});
    EXPECT_EQ(many.add(ByteView(one).first(one.size() - 2)).has_value(), i < 8);
  }
}

// GPCS 11.2.2.3.1: a delete token and its control reference
TEST(DeleteTest, CarriesATokenAndItsControlReference) {
  const DeleteObject object{.aid = aid("F0000000020101"),
                            .related = true,
                            .control_reference = hex("420101"),
                            .token = Bytes(4, 0x77)};
  const auto command = object.encode();
  EXPECT_EQ(to_hex(command.data), "4F07F0000000020101B6034201019E0477777777");
  EXPECT_EQ(decode_delete(command.p1, command.p2, command.data).value(), Delete{object});
  EXPECT_FALSE(decode_delete(0, 0, hex("4F05F0000000029E0477777777B603420101")).has_value());
  EXPECT_FALSE(decode_delete(0, 0, hex("4F05F0000000029E00")).has_value());
}

}  // namespace
}  // namespace kagibin::gp
