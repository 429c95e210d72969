// SPDX-License-Identifier: Apache-2.0
// Every member of a shipment list and of its container: missing, of another type, unknown, out of
// its limits.
#include "kagibin/delivery/exchange/shipment_list.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/support/json_members.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

json::value a_list() {
  ShipmentList list;
  list.maker_name = "Maker of tests";
  list.maker_certificate = {0x7F, 0x21, 0x00};
  list.issued_at = 1'750'000'000;
  ShippedElement element;
  element.seid.octets.fill(0x01);
  element.iin = {0x42};
  element.cin = {0x45, 0x00};
  element.kda_certificate_sha256.emplace().fill(0xCE);
  element.casd.emplace().signature_key_sha256.fill(0xCA);
  element.casd->agreement_key_sha256.fill(0xCB);
  list.elements.push_back(element);
  const std::string text = to_json(list);
  return json::parse(json::string_view(text.data(), text.size()));
}

std::string text_of(const json::value& value) { return json::serialize(value); }

// The name of the code that it fails with; "none" when it is read.
std::string_view fault(const json::value& value) {
  const auto list = shipment_list_from_json(text_of(value));
  return list ? std::string_view("none") : name(list.error().code);
}

constexpr const char* kCertificatePin = "/elements/0/kdaCertificateSha256";
constexpr const char* kCasdPin = "/elements/0/casd";

TEST(ShipmentListMemberTest, EachIsNeededAndOfOneType) {
  ASSERT_EQ(fault(a_list()), "none");
  const std::vector<std::string> places = test::json_places(a_list());
  EXPECT_EQ(places.size(), 14U);
  for (const std::string& place : places) {
    json::value value = a_list();
    value.at_pointer(place) = nullptr;
    EXPECT_EQ(fault(value), name(Errc::kEncoding)) << place;
    value = a_list();
    const bool is_pin = place == kCertificatePin || place == kCasdPin;
    if (!is_pin && test::erase_member(value, place)) {
      EXPECT_EQ(fault(value), name(Errc::kEncoding)) << place;
    }
  }
  EXPECT_EQ(fault(json::array()), name(Errc::kEncoding));
}

TEST(ShipmentListMemberTest, AnElementHasOnePinAtLeast) {
  json::value value = a_list();
  ASSERT_TRUE(test::erase_member(value, kCertificatePin));
  EXPECT_EQ(fault(value), "none");
  ASSERT_TRUE(test::erase_member(value, kCasdPin));
  EXPECT_EQ(fault(value), name(Errc::kEncoding));
  value = a_list();
  ASSERT_TRUE(test::erase_member(value, kCasdPin));
  EXPECT_EQ(fault(value), "none");
}

TEST(ShipmentListMemberTest, NoOtherIsKnown) {
  for (const std::string place : {"", "/maker", "/elements/0", "/elements/0/casd"}) {
    json::value value = a_list();
    value.at_pointer(place).as_object()["more"] = 1;
    EXPECT_EQ(fault(value), name(Errc::kEncoding)) << place;
  }
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }
std::string digits(std::size_t octets) { return quoted(std::string(2 * octets, '1')); }

TEST(ShipmentListMemberTest, EachHasItsLimits) {
  struct Row {
    std::string place;
    std::string value;  // JSON
    Errc code;
  };
  const std::vector<Row> rows = {
      {"/version", "2", Errc::kValue},
      {"/maker/name", R"("")", Errc::kValue},
      {"/maker/name", R"("two\nlines")", Errc::kValue},
      {"/maker/name", quoted(std::string(65, 'a')), Errc::kLimit},
      {"/maker/certificate", R"("====")", Errc::kEncoding},
      {"/maker/certificate", quoted(std::string(428, 'A')), Errc::kLimit},  // 321 octets
      {"/maker/certificate", quoted(std::string(432, 'A')), Errc::kLimit},
      {"/issuedAt", "-1", Errc::kValue},
      {"/issuedAt", "253402300800", Errc::kValue},
      {"/elements/0/seid", digits(15), Errc::kLength},
      {"/elements/0/seid", digits(17), Errc::kLimit},
      {"/elements/0/iin", R"("")", Errc::kLength},
      {"/elements/0/iin", digits(17), Errc::kLimit},
      {"/elements/0/cin", R"("")", Errc::kLength},
      {"/elements/0/cin", R"("0G")", Errc::kEncoding},
      {"/elements/0/kdaCertificateSha256", digits(31), Errc::kLength},
      {"/elements/0/kdaCertificateSha256", digits(33), Errc::kLimit},
      {"/elements/0/casd/signatureKeySha256", digits(31), Errc::kLength},
      {"/elements/0/casd/signatureKeySha256", digits(33), Errc::kLimit},
      {"/elements/0/casd/agreementKeySha256", digits(31), Errc::kLength},
      {"/elements/0/casd/agreementKeySha256", digits(33), Errc::kLimit},
  };
  for (const Row& row : rows) {
    json::value value = a_list();
    value.at_pointer(row.place) = json::parse(row.value);
    EXPECT_EQ(fault(value), name(row.code)) << row.place << " " << row.value;
  }
}

TEST(ShipmentListMemberTest, AListHasAtMostAHundredThousandElements) {
  json::value value = a_list();
  json::array many;
  many.resize(100'001);
  value.at_pointer("/elements") = std::move(many);
  EXPECT_EQ(fault(value), name(Errc::kLimit));
}

TEST(SignedShipmentListTest, HoldsAListAndASignatureAndNothingElse) {
  const auto of = [](std::string_view text) -> std::string_view {
    const auto container = signed_shipment_list_from_json(text);
    return container ? std::string_view("none") : name(container.error().code);
  };
  const std::string list = R"("list":"AAAA")";
  EXPECT_EQ(of("{" + list + R"(,"signature":"AAAAAAAAAAAA"})"), "none");
  EXPECT_EQ(of("{" + list + R"(,"signature":"AAAAAAAAAA=="})"), name(Errc::kLength));
  EXPECT_EQ(of("{" + list + R"(,"signature":")" + std::string(100, 'A') + R"("})"),
            name(Errc::kLimit));
  EXPECT_EQ(of("{" + list + R"(,"signature":7})"), name(Errc::kEncoding));
  EXPECT_EQ(of("{" + list + "}"), name(Errc::kEncoding));
  EXPECT_EQ(of(R"({"signature":"AAAAAAAAAAAA"})"), name(Errc::kEncoding));
  EXPECT_EQ(of(R"({"list":"A","signature":"AAAAAAAAAAAA"})"), name(Errc::kEncoding));
  EXPECT_EQ(of("{" + list + R"(,"signature":"AAAAAAAAAAAA","more":1})"), name(Errc::kEncoding));
  EXPECT_EQ(of("[]"), name(Errc::kEncoding));
  EXPECT_EQ(of("{"), name(Errc::kEncoding));
}

}  // namespace
}  // namespace kagibin::delivery
