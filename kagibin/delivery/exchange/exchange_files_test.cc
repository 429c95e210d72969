// SPDX-License-Identifier: Apache-2.0
// The files that roles hand to each other: shipment list, key export, invitation.
#include <string>

#include <gtest/gtest.h>

#include "kagibin/delivery/exchange/invitation.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/delivery/exchange/shipment_list.h"

namespace kagibin::delivery {
namespace {

ShipmentList a_list() {
  ShipmentList list;
  list.maker_name = "Maker of tests";
  list.maker_certificate = {0x7F, 0x21, 0x00};
  list.issued_at = 1'750'000'000;
  for (std::uint8_t i = 1; i <= 2; ++i) {
    ShippedElement element;
    element.seid.octets.fill(i);
    element.iin = {0x42, i};
    element.cin = {0x45, 0x00, i};
    element.kda_certificate_sha256.emplace().fill(static_cast<std::uint8_t>(0xA0 + i));
    list.elements.push_back(element);
  }
  return list;
}

TEST(ShipmentListTest, ReadsBackAndRefusesEveryCutText) {
  const std::string text = to_json(a_list());
  EXPECT_EQ(shipment_list_from_json(text).value(), a_list());
  EXPECT_EQ(to_json(shipment_list_from_json(text).value()), text);
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(shipment_list_from_json(text.substr(0, length)).has_value());
  }
}

TEST(ShipmentListTest, PinsACertificateOrTheKeysOfACasdOrBoth) {
  ShipmentList list = a_list();
  list.elements[0].casd.emplace().signature_key_sha256.fill(0xCA);
  list.elements[1].casd.emplace().agreement_key_sha256.fill(0xCB);
  list.elements[1].kda_certificate_sha256.reset();
  EXPECT_EQ(shipment_list_from_json(to_json(list)).value(), list);
  list.elements[1].casd.reset();
  EXPECT_EQ(shipment_list_from_json(to_json(list)).error().code, Errc::kEncoding);
}

TEST(ShipmentListTest, RefusesASeidThatStandsTwice) {
  ShipmentList list = a_list();
  list.elements[1].seid = list.elements[0].seid;
  EXPECT_EQ(shipment_list_from_json(to_json(list)).error().code, Errc::kConflict);
}

TEST(ShipmentListTest, RefusesForeignVersionsNamesAndLengths) {
  std::string text = to_json(a_list());
  text.replace(text.find(":1,"), 3, ":2,");
  EXPECT_EQ(shipment_list_from_json(text).error().code, Errc::kValue);
  ShipmentList list = a_list();
  list.maker_name = "two\nlines";
  EXPECT_EQ(shipment_list_from_json(to_json(list)).error().code, Errc::kValue);
  list = a_list();
  list.elements[0].iin.clear();
  EXPECT_EQ(shipment_list_from_json(to_json(list)).error().code, Errc::kLength);
  list.elements[0].iin = Bytes(17, 1);
  EXPECT_FALSE(shipment_list_from_json(to_json(list)).has_value());
}

TEST(ShipmentListTest, TheContainerKeepsTheSignedOctetsExactly) {
  const std::string list = " " + to_json(a_list()) + "\n";  // not as to_json would write it
  const SignedShipmentList signed_list{list, Bytes(70, 0x30)};
  const SignedShipmentList back = signed_shipment_list_from_json(to_json(signed_list)).value();
  EXPECT_EQ(back, signed_list);
  EXPECT_EQ(shipment_list_from_json(back.list).value(), a_list());
  EXPECT_FALSE(signed_shipment_list_from_json(to_json(SignedShipmentList{list, {}})).has_value());
  EXPECT_FALSE(
      signed_shipment_list_from_json(to_json(SignedShipmentList{list, Bytes(73, 1)})).has_value());
}

KeyExport an_export(std::size_t key_size) {
  return {.iin = {0x42, 0x01},
          .cin = Bytes(10, 0x45),
          .security_domain = Aid::from_hex("A000000151000001").value(),
          .key_version_number = 0x30,
          .i = 0x70,
          .key_enc = SecretBytes::copy_of(Bytes(key_size, 0x01)),
          .key_mac = SecretBytes::copy_of(Bytes(key_size, 0x02)),
          .key_dek = SecretBytes::copy_of(Bytes(key_size, 0x03))};
}

TEST(KeyExportTest, ReadsBackKeysOfEverySize) {
  std::vector<KeyExport> exports;
  for (const std::size_t size : {16U, 24U, 32U}) {
    exports.push_back(an_export(size));
  }
  const SecretBytes octets = encode_key_exports(exports).value();
  const std::vector<KeyExport> back = decode_key_exports(octets.expose()).value();
  ASSERT_EQ(back.size(), 3U);
  for (std::size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(back[i].iin, exports[i].iin);
    EXPECT_EQ(back[i].cin, exports[i].cin);
    EXPECT_EQ(back[i].security_domain, exports[i].security_domain);
    EXPECT_EQ(back[i].key_version_number, 0x30);
    EXPECT_EQ(back[i].i, 0x70);
    EXPECT_TRUE(ct_equal(back[i].key_enc.expose(), exports[i].key_enc.expose()));
    EXPECT_TRUE(ct_equal(back[i].key_mac.expose(), exports[i].key_mac.expose()));
    EXPECT_TRUE(ct_equal(back[i].key_dek.expose(), exports[i].key_dek.expose()));
  }
  EXPECT_TRUE(ct_equal(encode_key_exports(back)->expose(), octets.expose()));
}

TEST(KeyExportTest, TheLayoutIsTheOneOfTheHeader) {
  std::vector<KeyExport> exports;
  exports.push_back(an_export(16));
  const SecretBytes octets = encode_key_exports(exports).value();
  EXPECT_EQ(to_hex(octets.expose()), "EA5980010181024201820A" + to_hex(Bytes(10, 0x45)) +
                                         "8308A000000151000001840130850170" + "8610" +
                                         to_hex(Bytes(16, 1)) + "8710" + to_hex(Bytes(16, 2)) +
                                         "8810" + to_hex(Bytes(16, 3)));
}

TEST(KeyExportTest, RefusesEveryCutAndEveryForeignTag) {
  std::vector<KeyExport> exports;
  exports.push_back(an_export(32));
  const SecretBytes octets = encode_key_exports(exports).value();
  for (std::size_t length = 0; length < octets.size(); ++length) {
    EXPECT_FALSE(decode_key_exports(octets.expose().first(length)).has_value()) << length;
  }
  Bytes changed(octets.expose().begin(), octets.expose().end());
  changed[0] = 0xEB;
  EXPECT_FALSE(decode_key_exports(changed).has_value());
  changed[0] = 0xEA;
  changed.push_back(0x00);
  EXPECT_FALSE(decode_key_exports(changed).has_value());
  changed.pop_back();
  changed[5] = 0x02;  // version
  EXPECT_EQ(decode_key_exports(changed).error().code, Errc::kNotSupported);
}

TEST(KeyExportTest, RefusesKeySetsOfUnevenOrForeignSize) {
  std::vector<KeyExport> exports;
  exports.push_back(an_export(16));
  exports[0].key_dek = SecretBytes(24);
  EXPECT_EQ(encode_key_exports(exports).error().code, Errc::kInvalidArgument);
  exports[0] = an_export(20);
  EXPECT_EQ(encode_key_exports(exports).error().code, Errc::kInvalidArgument);
  exports[0] = an_export(16);
  exports[0].cin.clear();
  EXPECT_EQ(encode_key_exports(exports).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(encode_key_exports({}).error().code, Errc::kInvalidArgument);
}

Invitation an_invitation() {
  return {.subject = "device:phone-7",
          .host = "distributor.example",
          .port = 8443,
          .ca_certificate_pem = "-----BEGIN CERTIFICATE-----\nQ0E=\n-----END CERTIFICATE-----\n",
          .certificate_pem = "-----BEGIN CERTIFICATE-----\naW52\n-----END CERTIFICATE-----\n",
          .private_key_pem = SecretBytes::copy_of(
              ascii("-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n"))};
}

TEST(InvitationTest, ReadsBackAndRefusesEveryCutAndTail) {
  const SecretBytes file = encode_invitation(an_invitation()).value();
  const Invitation back = decode_invitation(file.expose()).value();
  EXPECT_EQ(back.subject, "device:phone-7");
  EXPECT_EQ(back.host, "distributor.example");
  EXPECT_EQ(back.port, 8443);
  EXPECT_EQ(back.ca_certificate_pem, an_invitation().ca_certificate_pem);
  EXPECT_EQ(back.certificate_pem, an_invitation().certificate_pem);
  EXPECT_TRUE(ct_equal(back.private_key_pem.expose(), an_invitation().private_key_pem.expose()));
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_FALSE(decode_invitation(file.expose().first(length)).has_value()) << length;
  }
  Bytes longer(file.expose().begin(), file.expose().end());
  longer.push_back('\n');
  EXPECT_FALSE(decode_invitation(longer).has_value());
}

TEST(InvitationTest, RefusesForeignSubjectsHostsAndPorts) {
  Invitation invitation = an_invitation();
  invitation.subject = "root";
  EXPECT_FALSE(encode_invitation(invitation).has_value());
  invitation = an_invitation();
  invitation.host = "a\nserver: b";
  EXPECT_FALSE(encode_invitation(invitation).has_value());
  invitation = an_invitation();
  invitation.port = 0;
  EXPECT_FALSE(encode_invitation(invitation).has_value());
}

TEST(InvitationTest, SaysWhatIsWrongInAFile) {
  const SecretBytes file = encode_invitation(an_invitation()).value();
  const std::string good(file.expose().begin(), file.expose().end());
  const auto fault = [&](std::string_view piece, std::string_view other) {
    std::string text = good;
    text.replace(text.find(piece), piece.size(), other);
    const auto read = decode_invitation(ascii(text));
    EXPECT_FALSE(read.has_value()) << other;
    return read ? Errc::kIo : read.error().code;
  };
  EXPECT_EQ(fault("kagibin-invitation: 1", "kagibin-invitation: 2"), Errc::kEncoding);
  EXPECT_EQ(fault("device:phone-7", "root"), Errc::kValue);
  EXPECT_EQ(fault("server: ", "host: "), Errc::kEncoding);
  EXPECT_EQ(fault("distributor.example:8443", "distributor.example"), Errc::kEncoding);
  EXPECT_EQ(fault("distributor.example", "a_b"), Errc::kValue);
  EXPECT_EQ(fault("distributor.example", std::string(254, 'a')), Errc::kValue);
  EXPECT_EQ(fault(":8443", ":0"), Errc::kValue);
  EXPECT_EQ(fault(":8443", ":08443"), Errc::kValue);
  EXPECT_EQ(fault(":8443", ":65536"), Errc::kValue);
  EXPECT_EQ(fault(":8443", ":8443x"), Errc::kValue);
  EXPECT_EQ(fault("PRIVATE KEY", "PUBLIC KEY"), Errc::kEncoding);
  EXPECT_EQ(fault("-----END PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n\n"), Errc::kTrailing);
  EXPECT_EQ(fault("a2V5", std::string(16'384, 'A')), Errc::kLimit);
  Invitation upper = an_invitation();
  upper.host = "Distributor.EXAMPLE";
  EXPECT_TRUE(encode_invitation(upper).has_value());
}

}  // namespace
}  // namespace kagibin::delivery
