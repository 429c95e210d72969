// SPDX-License-Identifier: Apache-2.0
// INSTALL, STORE DATA, SET STATUS, SELECT, MANAGE CHANNEL and GET DATA.
#include <gtest/gtest.h>

#include "kagibin/gp/content/install.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/manage_channel.h"
#include "kagibin/gp/registry/set_status.h"
#include "kagibin/gp/select.h"
#include "kagibin/gp/store_data.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}
Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

Install an_install() {
  return {.purpose = InstallFor::kInstallAndMakeSelectable,
          .load_file = aid("A0000001515350"),
          .module = aid("A000000151535041"),
          .application = aid("A00000015153504101"),
          .privileges = {Privileges::kSecurityDomain | Privileges::kTrustedPath},
          .parameters = with_application_parameters(hex("8201F0"))};
}

// GPCS 11.5.2.3.2: INSTALL [for install]
TEST(InstallTest, RoundTripsForInstall) {
  const Install install = an_install();
  const auto command = install.encode();
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->p1, 0x0C);
  EXPECT_EQ(
      command->data,
      hex("07 A0000001515350 08 A000000151535041 09 A00000015153504101 03 808000 05 C903 8201F0 "
          "00"));
  EXPECT_EQ(Install::decode(command->p1, command->p2, command->data).value(), install);
  for (std::size_t size = 0; size < command->data.size(); ++size) {
    EXPECT_FALSE(Install::decode(0x0C, 0, ByteView(command->data).first(size)).has_value());
  }
  Bytes longer = command->data;
  longer.push_back(0);
  EXPECT_EQ(Install::decode(0x0C, 0, longer).error().code, Errc::kTrailing);
}

// GPCS 11.5.2.1, 11.5.2.3.3, 11.5.2.3.6: make selectable, personalization
TEST(InstallTest, RoundTripsTheOtherPurposes) {
  Install install{.purpose = InstallFor::kPersonalization, .application = aid("A000000003")};
  auto command = install.encode().value();
  EXPECT_EQ(command.p1, 0x20);
  EXPECT_EQ(command.data, hex("00 00 05 A000000003 00 00 00"));
  EXPECT_EQ(Install::decode(0x20, 0, command.data).value(), install);

  install.purpose = InstallFor::kMakeSelectable;
  install.privileges = {Privileges::kCardReset};
  command = install.encode().value();
  EXPECT_EQ(command.data, hex("00 00 05 A000000003 01 04 00 00"));
  EXPECT_EQ(Install::decode(0x08, 0, command.data).value(), install);
  EXPECT_FALSE(install.installs());
  EXPECT_TRUE(install.makes_selectable());

  install = an_install();
  install.purpose = InstallFor::kInstall;
  command = install.encode().value();
  EXPECT_EQ(Install::decode(0x04, 0, command.data).value(), install);
  EXPECT_TRUE(install.installs());
  EXPECT_FALSE(install.makes_selectable());
}

// GPCS 11.5.2.3: BER lengths of long fields
TEST(InstallTest, WritesLongFieldsWithBerLengths) {
  for (const std::size_t size : {0UZ, 0x7FUZ, 0x80UZ, 0xFFUZ, 0x100UZ, 0x1234UZ}) {
    Install install = an_install();
    install.parameters = Bytes(size, 0xC9);
    install.token = Bytes(size, 0x11);
    const auto command = install.encode().value();
    EXPECT_EQ(Install::decode(command.p1, 0, command.data).value(), install) << size;
  }
  EXPECT_EQ(Install::decode(0x20, 0, hex("00 00 81 05 A000000003 00 00 00")).error().code,
            Errc::kEncoding);
  EXPECT_EQ(Install::decode(0x20, 0, hex("00 00 82 0005 A000000003 00 00 00")).error().code,
            Errc::kEncoding);
  EXPECT_EQ(Install::decode(0x20, 0, hex("00 00 83")).error().code, Errc::kEncoding);
}

// GPCS 11.5.2.1: purposes that are not built
TEST(InstallTest, RefusesOtherPurposesByName) {
  const Bytes data = an_install().encode().value().data;
  for (unsigned p1 = 0; p1 <= 0xFF; ++p1) {
    const auto got = Install::decode(static_cast<std::uint8_t>(p1), 0, data);
    if (p1 == 0x04 || p1 == 0x0C) {
      EXPECT_TRUE(got.has_value());
    } else if (p1 == 0x08 || p1 == 0x20) {
      EXPECT_EQ(got.error().code, Errc::kValue);
    } else {
      EXPECT_EQ(got.error().code, Errc::kNotSupported) << p1;
    }
  }
  EXPECT_EQ(Install::decode(0x0C, 0x01, data).error().code, Errc::kNotSupported);
}

// GPCS 11.5.2.3: fields that no INSTALL has
TEST(InstallTest, DoesNotWriteWhatItWouldNotRead) {
  Install install = an_install();
  install.purpose = static_cast<InstallFor>(0x02);
  EXPECT_EQ(install.encode().error().code, Errc::kNotSupported);
  install = an_install();
  install.module.reset();
  EXPECT_EQ(install.encode().error().code, Errc::kValue);
  install = an_install();
  install.privileges = {0x000001};
  EXPECT_EQ(install.encode().error().code, Errc::kValue);
  install = an_install();
  install.parameters = Bytes(65'536);
  EXPECT_EQ(install.encode().error().code, Errc::kLength);
}

// GPCS 11.5.2.3: fields by purpose
TEST(InstallTest, RefusesMissingAndForeignFields) {
  const auto code = [](std::uint8_t p1, std::string_view data) {
    const auto got = Install::decode(p1, 0, hex(data));
    EXPECT_FALSE(got.has_value()) << data;
    return got.has_value() ? Errc::kIo : got.error().code;
  };
  EXPECT_EQ(code(0x0C, "00 05 A000000001 05 A000000002 01 00 00 00"), Errc::kValue);
  EXPECT_EQ(code(0x0C, "05 A000000001 00 05 A000000002 01 00 00 00"), Errc::kValue);
  EXPECT_EQ(code(0x0C, "05 A000000001 05 A000000001 00 01 00 00 00"), Errc::kValue);
  EXPECT_EQ(code(0x0C, "04 A0000000 05 A000000001 05 A000000002 01 00 00 00"), Errc::kLength);
  EXPECT_EQ(code(0x0C, "05 A000000001 05 A000000001 05 A000000002 00 00 00"), Errc::kLength);
  EXPECT_EQ(code(0x0C, "05 A000000001 05 A000000001 05 A000000002 02 8000 00 00"), Errc::kLength);
  EXPECT_EQ(code(0x0C, "05 A000000001 05 A000000001 05 A000000002 03 000001 00 00"), Errc::kValue);
  EXPECT_EQ(code(0x20, "00 00 05 A000000003 01 80 00 00"), Errc::kValue);
  EXPECT_EQ(code(0x20, "00 00 05 A000000003 00 02 C900 00"), Errc::kValue);
  EXPECT_EQ(code(0x20, "00 00 05 A000000003 00 00 01 00"), Errc::kValue);
  EXPECT_EQ(code(0x20, "05 A000000001 00 05 A000000003 00 00 00"), Errc::kValue);
}

// GPCS 11.5.2.3.7: C9
TEST(InstallTest, FindsTheParametersOfTheApplication) {
  EXPECT_EQ(to_hex(application_parameters(hex("C9 02 1234 EF 04 C7020100")).value()), "1234");
  EXPECT_EQ(to_hex(application_parameters(hex("EF 04 C7020100 C9 00")).value()), "");
  EXPECT_EQ(application_parameters(hex("EF 00")).error().code, Errc::kNotFound);
  EXPECT_EQ(application_parameters({}).error().code, Errc::kNotFound);
  EXPECT_EQ(application_parameters(hex("C9 00 C9 00")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(application_parameters(hex("C9 02 12")).error().code, Errc::kTruncated);
}

// GPCS 11.11.2.1: P1 of STORE DATA
TEST(StoreDataTest, RoundTripsEveryP1OrRefusesIt) {
  int taken = 0;
  for (unsigned p1 = 0; p1 <= 0xFF; ++p1) {
    const auto head = StoreData::decode(static_cast<std::uint8_t>(p1), 7);
    const bool reserved = (p1 & 0x60U) == 0x40 || (p1 & 0x18U) == 0x18 || (p1 & 0x06U) != 0;
    ASSERT_EQ(head.has_value(), !reserved) << p1;
    if (head) {
      EXPECT_EQ(head->p1(), p1);
      EXPECT_EQ(head->block, 7);
      ++taken;
    } else {
      EXPECT_EQ(head.error().code, Errc::kValue);
    }
  }
  EXPECT_EQ(taken, 2 * 3 * 3 * 2);
  const auto head = StoreData::decode(0xE8, 0).value();
  EXPECT_TRUE(head.last);
  EXPECT_EQ(head.encryption, StoreEncryption::kEncrypted);
  EXPECT_EQ(head.structure, StoreStructure::kGroupings);
}

// GPCS 11.11.2.3: DGI lengths
TEST(GroupingsTest, RoundTripEveryLengthForm) {
  for (const std::size_t size : {0UZ, 1UZ, 254UZ, 255UZ, 256UZ, 65'535UZ}) {
    const Bytes value(size, 0x33);
    const Bytes second = hex("AA");
    const Grouping both[] = {{0x0070, value}, {0x8010, second}};
    const auto encoded = encode_groupings(both);
    ASSERT_TRUE(encoded.has_value());
    EXPECT_EQ(encoded->size(), (size < 255 ? 3 : 5) + size + 4);
    const auto got = decode_groupings(encoded->expose());
    ASSERT_TRUE(got.has_value());
    ASSERT_EQ(got->size(), 2U);
    EXPECT_EQ((*got)[0].id, 0x0070);
    EXPECT_TRUE(equal((*got)[0].value, value));
    EXPECT_EQ((*got)[1].id, 0x8010);
    EXPECT_TRUE(equal((*got)[1].value, second));
  }
  EXPECT_TRUE(encode_groupings({})->empty());
  EXPECT_TRUE(decode_groupings({})->empty());
}

// GPCS 11.11.2.3: truncated DGIs
TEST(GroupingsTest, RefuseTruncationAndLongLengths) {
  const Bytes whole = hex("0070 03 112233 8010 FF 0100");
  Bytes full = whole;
  full.resize(whole.size() + 0x100);
  EXPECT_TRUE(decode_groupings(full).has_value());
  for (std::size_t size = 1; size < full.size(); ++size) {
    EXPECT_EQ(decode_groupings(ByteView(full).first(size)).has_value(), size == 6) << size;
  }
  EXPECT_EQ(decode_groupings(hex("0070 FF 0001 11")).error().code, Errc::kEncoding);
  const Bytes too_long(65'536);
  const Grouping one[] = {{1, too_long}};
  EXPECT_EQ(encode_groupings(one).error().code, Errc::kInvalidArgument);
}

// GPCS 11.10.2: SET STATUS
TEST(SetStatusTest, RoundTrips) {
  for (const SetStatus& status :
       {SetStatus{.scope = SetStatusScope::kCard, .state = 0x7F, .aid = {}},
        SetStatus{.scope = SetStatusScope::kApplication, .state = 0x80, .aid = aid("A000000003")},
        SetStatus{.scope = SetStatusScope::kDomainAndItsApplications,
                  .state = 0x00,
                  .aid = aid("A000000003")}}) {
    const auto command = status.encode();
    EXPECT_EQ(command.ins, 0xF0);
    EXPECT_EQ(SetStatus::decode(command.p1, command.p2, command.data).value(), status);
  }
  EXPECT_EQ(SetStatus::decode(0x20, 0x80, hex("A000000003")).error().code, Errc::kValue);
  EXPECT_EQ(SetStatus::decode(0x40, 0x80, {}).error().code, Errc::kValue);
  EXPECT_EQ(SetStatus::decode(0x40, 0x80, hex("A0000000")).error().code, Errc::kLength);
}

// GPCS 11.9.2: SELECT by name
TEST(SelectTest, RoundTripsNamesAndTheEmptyOne) {
  for (const Select& select :
       {Select{.name = hex("A000000003"), .next = false}, Select{.name = hex("A000"), .next = true},
        Select{.name = {}, .next = false}}) {
    const auto command = select.encode();
    EXPECT_EQ(command.cla, 0x00);
    EXPECT_EQ(Select::decode(command.p1, command.p2, command.data).value(), select);
    EXPECT_EQ(apdu::CommandApdu::decode(command.encode()).value().data, select.name);
  }
  EXPECT_EQ(Select::decode(0x00, 0x00, {}).error().code, Errc::kNotSupported);
  EXPECT_EQ(Select::decode(0x04, 0x0C, {}).error().code, Errc::kNotSupported);
  EXPECT_EQ(Select::decode(0x04, 0x00, Bytes(17)).error().code, Errc::kLength);
}

// GPCS 11.9.3.1: file control information
TEST(FileControlInformationTest, RoundTripsAndRefusesEveryTruncation) {
  const FileControlInformation fci{.name = hex("A000000151000000"),
                                   .management_data = hex("06072A864886FC6B01"),
                                   .production_life_cycle = hex("0102"),
                                   .longest_command = 0xFF};
  const Bytes whole = fci.encode();
  EXPECT_EQ(FileControlInformation::decode(whole).value(), fci);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(FileControlInformation::decode(ByteView(whole).first(size)).has_value()) << size;
  }
  for (const std::uint16_t longest : std::initializer_list<std::uint16_t>{0, 0xFF, 0x100, 0xFFFF}) {
    const FileControlInformation bare{.name = hex("A000000003"), .longest_command = longest};
    EXPECT_EQ(FileControlInformation::decode(bare.encode()).value(), bare);
  }
}

// GPCS 11.9.3.1: FCI of published cards
TEST(FileControlInformationTest, ReadsWhatCardsAnswer) {
  // The answer of a GlobalPlatform card's ISD, as tools print it: 6F 10 84 08 ... A5 04 9F65 01 FF.
  const auto isd =
      FileControlInformation::decode(hex("6F 10 84 08 A000000151000000 A5 04 9F65 01 FF"));
  ASSERT_TRUE(isd.has_value());
  EXPECT_EQ(isd->longest_command, 0xFF);
  // No A5, and foreign objects.
  EXPECT_TRUE(FileControlInformation::decode(hex("6F 07 84 05 A000000003")).has_value());
  EXPECT_TRUE(
      FileControlInformation::decode(hex("6F 10 84 05 A000000003 A5 04 9F6E 01 2A 87 01 01"))
          .has_value());
}

TEST(FileControlInformationTest, RefusesWhatIsNone) {
  const auto code = [](std::string_view data) {
    const auto got = FileControlInformation::decode(hex(data));
    EXPECT_FALSE(got.has_value()) << data;
    return got.has_value() ? Errc::kIo : got.error().code;
  };
  EXPECT_EQ(code("70 07 84 05 A000000003"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("6F 04 A5 02 7300"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("6F 06 84 04 A0000000"), Errc::kLength);
  EXPECT_EQ(code("6F 0B 84 05 A000000003 A5 00 A5 00"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("6F 0F 84 05 A000000003 A5 06 73 01 00 73 01 00"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("6F 0F 84 05 A000000003 A5 06 9F65 03 000000"), Errc::kLength);
  EXPECT_EQ(code("6F 0C 84 05 A000000003 A5 03 9F65 00"), Errc::kLength);
  EXPECT_EQ(code("6F 08 84 05 A000000003 A5"), Errc::kTruncated);
  EXPECT_EQ(code("6F 0A 84 05 A000000003 A5 01 73"), Errc::kTruncated);
  EXPECT_EQ(code("6F 0C 84 05 A000000003 A5 03 9F6E 00"), Errc::kUnexpectedTag);
}

// GPCS 11.7.2: MANAGE CHANNEL
// ISO/IEC 7816-4, 7.1.2: MANAGE CHANNEL
TEST(ManageChannelTest, RoundTripsEveryChannelAndRefusesOthers) {
  for (unsigned channel = 0; channel <= 0xFF; ++channel) {
    for (const bool open : {true, false}) {
      const ManageChannel manage{.open = open, .channel = static_cast<std::uint8_t>(channel)};
      const auto command = manage.encode();
      EXPECT_EQ(command.le.has_value(), open && channel == 0);
      const auto got = ManageChannel::decode(command.p1, command.p2, {});
      if (channel > 19 || (!open && channel == 0)) {
        EXPECT_EQ(got.error().code, Errc::kValue);
      } else {
        EXPECT_EQ(got.value(), manage);
      }
    }
  }
  EXPECT_EQ(ManageChannel::decode(0x01, 0, {}).error().code, Errc::kValue);
  EXPECT_EQ(ManageChannel::decode(0x00, 0, hex("00")).error().code, Errc::kTrailing);
  EXPECT_EQ(channel_of_answer(hex("02")).value(), 2);
  EXPECT_EQ(channel_of_answer({}).error().code, Errc::kLength);
  EXPECT_EQ(channel_of_answer(hex("0202")).error().code, Errc::kLength);
  EXPECT_EQ(channel_of_answer(hex("00")).error().code, Errc::kValue);
  EXPECT_EQ(channel_of_answer(hex("14")).error().code, Errc::kValue);
}

// GPCS 11.3.2: GET DATA
TEST(GetDataTest, RoundTrips) {
  for (const GetData& get :
       {GetData{.tag = data_object::kCardData, .filter = {}},
        GetData{.tag = data_object::kApplicationList, .filter = hex("5C00")}}) {
    const auto command = get.encode();
    EXPECT_EQ(command.cla, 0x80);
    EXPECT_EQ(GetData::decode(command.p1, command.p2, command.data), get);
  }
  EXPECT_EQ(GetData{data_object::kCardData}.encode().encode(), hex("80CA006600"));
}

}  // namespace
}  // namespace kagibin::gp
