// SPDX-License-Identifier: Apache-2.0
// Every member of a profile in turn: missing, of another type, out of its limits. The fault is
// refused with its own code, and the member is named.
#include "kagibin/cli/profile/profile_file.h"

#include <algorithm>
#include <map>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/support/json_members.h"
#include "tests/support/must.h"

namespace kagibin::cli {
namespace {

namespace json = boost::json;

// Every member that there is, but historical_bytes, which stands in the place of octets.
constexpr std::string_view kEverything = R"({
  "format": 1, "name": "everything", "about": "All members.", "warning": "For tests.",
  "isd": { "aid": "A000000151000000", "privileges": ["Security Domain", "Card Reset"] },
  "scp03": { "i": "70" },
  "scp02": { "i": "55", "reason": "Old tools." },
  "scp11": "S16",
  "casd": { "authority_key":
            "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
            "mandated_dap": true },
  "limits": { "channels": 4, "basic_channel_reserved": true, "failed_authentications": 9,
              "memory_octets": 4096 },
  "answer_to_reset": { "octets": "3B00" },
  "identity": { "iin": "4204B00142", "cin_prefix": "4B42", "cplc": "" },
  "keys": [
    { "name": "one", "domain": "A000000151000001", "kvn": "FF", "type": "AES-128",
      "from": "published", "value": "404142434445464748494A4B4C4D4E4F" },
    { "name": "two", "kvn": "01", "type": "3DES", "from": "given" }
  ],
  "security_domains": [
    { "aid": "A000000151000001", "privileges": ["Security Domain", "DAP Verification"] }
  ],
  "applications": [
    { "load_file": "F0000000010203", "module": "F000000001020304", "aid": "F00000000102030405",
      "domain": "A000000151000001", "parameters": "C900" }
  ]
})";

json::value everything() {
  return json::parse(json::string_view(kEverything.data(), kEverything.size()));
}

std::expected<ProfileFile, ProfileProblem> parse(const json::value& value) {
  const std::string text = json::serialize(value);
  return ProfileFile::parse(text);
}

std::vector<std::string> places() { return test::json_places(everything()); }

// As a problem names it: "/keys/0/name" is "keys.name".
std::string named(const std::string& place) {
  std::string out;
  for (std::size_t at = 1; at < place.size();) {
    const std::size_t end = std::min(place.find('/', at), place.size());
    const std::string part = place.substr(at, end - at);
    if (part.find_first_not_of("0123456789") != std::string::npos) {
      out += out.empty() ? part : "." + part;
    }
    at = end + 1;
  }
  return out;
}

// It fails with this code and a text that begins so.
void expect_problem(const json::value& value,
                    Errc code,
                    const std::string& start,
                    const std::string& what) {
  const auto parsed = parse(value);
  ASSERT_FALSE(parsed.has_value()) << what;
  EXPECT_EQ(name(parsed.error().code), name(code)) << what << ": " << parsed.error().text;
  EXPECT_TRUE(parsed.error().text.starts_with(start)) << what << ": " << parsed.error().text;
}

TEST(ProfileMemberTest, EveryMemberIsReadToItsPlace) {
  const ProfileFile profile = test::must(parse(everything()));
  EXPECT_EQ(profile.name, "everything");
  EXPECT_EQ(profile.about, "All members.");
  EXPECT_EQ(profile.warning, "For tests.");
  EXPECT_EQ(profile.scp02_reason, "Old tools.");
  EXPECT_EQ(to_hex(profile.cin_prefix), "4B42");
  EXPECT_EQ(profile.element.channel_count, 4);
  EXPECT_TRUE(profile.element.basic_channel_reserved);
  EXPECT_EQ(profile.element.authentication_failure_limit, 9);
  EXPECT_EQ(profile.element.memory_octets, 4096U);
  EXPECT_EQ(to_hex(profile.element.atr), "3B00");
  EXPECT_EQ(profile.element.scp11, scp::kScp11S16);
  ASSERT_TRUE(profile.element.casd.has_value());
  EXPECT_EQ(to_hex(ByteView(profile.element.casd->authority_key).first(3)), "046B17");
  EXPECT_TRUE(profile.element.casd->mandated_dap);
  ASSERT_EQ(profile.keys.size(), 2U);
  EXPECT_EQ(profile.keys[0].domain.value().hex(), "A000000151000001");
  EXPECT_EQ(profile.keys[0].source, KeySource::kPublished);
  EXPECT_FALSE(profile.keys[1].domain.has_value());
  EXPECT_FALSE(profile.keys[1].aes);
  EXPECT_TRUE(profile.has_published_keys());
  ASSERT_EQ(profile.element.applications.size(), 1U);
  EXPECT_EQ(profile.element.applications[0].security_domain.hex(), "A000000151000001");
  EXPECT_EQ(to_hex(profile.element.applications[0].parameters), "C900");
}

TEST(ProfileMemberTest, EveryMemberThatIsMissingIsNamed) {
  struct Expected {
    Errc code;
    std::string start;
  };
  const std::vector<std::string> optional = {"/warning",
                                             "/scp11",
                                             "/casd",
                                             "/casd/authority_key",
                                             "/answer_to_reset",
                                             "/keys/0/domain",
                                             "/applications/0/domain",
                                             "/applications/0/parameters"};
  const std::map<std::string, Expected> other = {
      {"/scp02", {Errc::kPolicy, "keys.type: 3DES keys are for SCP02"}},
      {"/scp02/reason", {Errc::kPolicy, "scp02.reason: "}},
      {"/answer_to_reset/octets", {Errc::kEncoding, "answer_to_reset.historical_bytes: "}},
  };
  for (const std::string& place : places()) {
    json::value value = everything();
    if (!test::erase_member(value, place)) {
      continue;
    }
    if (std::ranges::find(optional, place) != optional.end()) {
      EXPECT_TRUE(parse(value).has_value()) << place;
    } else if (const auto found = other.find(place); found != other.end()) {
      expect_problem(value, found->second.code, found->second.start, place);
    } else {
      expect_problem(value, Errc::kEncoding, named(place) + ": a JSON member is missing", place);
    }
  }
}

TEST(ProfileMemberTest, EveryMemberOfAnotherTypeIsNamed) {
  for (const std::string& place : places()) {
    json::value value = everything();
    value.at_pointer(place) = nullptr;
    expect_problem(value, Errc::kEncoding, named(place) + ": a", place);
  }
}

TEST(ProfileMemberTest, AMemberThatNobodyKnowsIsRefusedInEveryObject) {
  std::vector<std::string> all = places();
  all.emplace_back("");
  std::size_t objects = 0;
  for (const std::string& place : all) {
    json::value value = everything();
    json::object* object = value.at_pointer(place).if_object();
    if (object == nullptr) {
      continue;
    }
    ++objects;
    (*object)["unknown"] = 1;
    const std::string where = place.empty() ? "" : named(place) + ": ";
    expect_problem(value, Errc::kEncoding, where + "a JSON member that is not known here", place);
  }
  EXPECT_EQ(objects, 12U);
}

std::string digits(std::size_t octets) { return "\"" + std::string(2 * octets, '4') + "\""; }

std::string list_of(std::size_t count, const std::string& entry) {
  std::string out = "[";
  for (std::size_t i = 0; i < count; ++i) {
    out += (i == 0 ? "" : ",") + entry;
  }
  return out + "]";
}

TEST(ProfileMemberTest, EveryValueOutOfItsLimitsIsNamed) {
  struct Row {
    std::string place;
    std::string value;
    Errc code;
    std::string text;  // the beginning of the sentence behind the name of the member
  };
  const std::string name41 = "\"" + std::string(41, 'a') + "\"";
  const std::vector<Row> rows = {
      {"/format", "2", Errc::kValue, "a JSON number is out of range"},
      {"/name", R"("")", Errc::kValue, "a name is of"},
      {"/name", R"("Factory")", Errc::kValue, "a name is of"},
      {"/name", R"("a_b")", Errc::kValue, "a name is of"},
      {"/name", name41, Errc::kLimit, "a JSON string"},
      {"/about", R"("")", Errc::kValue, "a sentence"},
      {"/about", R"("two\nlines")", Errc::kValue, "a sentence"},
      {"/about", digits(1'001), Errc::kLimit, "a JSON string"},
      {"/warning", R"("")", Errc::kValue, "a sentence"},
      {"/isd/aid", digits(4), Errc::kLength, "a hexadecimal member is too short"},
      {"/isd/aid", digits(17), Errc::kLimit, "a JSON string"},
      {"/isd/aid", R"("A00000015")", Errc::kEncoding, "a JSON member is not hexadecimal"},
      {"/isd/aid", R"("A0 00 00 01 51")", Errc::kEncoding, "a JSON member is not hexadecimal"},
      {"/isd/privileges", R"(["Security Domain", "card lock"])", Errc::kValue, "this is not"},
      {"/isd/privileges", R"(["Card Reset"])", Errc::kValue, "a security domain has the privilege"},
      {"/isd/privileges", R"(["Delegated Management"])", Errc::kValue, "only a security domain"},
      {"/isd/privileges", R"(["Security Domain", "Mandated DAP Verification"])", Errc::kValue,
       "mandated DAP"},
      {"/isd/privileges", list_of(25, R"("Security Domain")"), Errc::kLimit, "a JSON array"},
      {"/scp03/i", R"("44")", Errc::kNotSupported, "the SCP03 parameter"},
      {"/scp03/i", R"("")", Errc::kLength, "a hexadecimal member is too short"},
      {"/scp02/i", R"("35")", Errc::kNotSupported, "the SCP02 parameter"},
      {"/scp02/reason", R"("")", Errc::kValue, "a sentence"},
      {"/scp11", R"("S32")", Errc::kValue, "SCP11 is"},
      {"/scp11", R"("S128")", Errc::kLimit, "a JSON string"},
      {"/casd/authority_key", digits(64), Errc::kLength, "a hexadecimal member is too short"},
      {"/casd/authority_key", digits(65), Errc::kValue, "the controlling authority's key"},
      {"/casd/authority_key", digits(66), Errc::kLimit, "a JSON string"},
      {"/limits/channels", "0", Errc::kValue, "a JSON number"},
      {"/limits/channels", "21", Errc::kValue, "a JSON number"},
      {"/limits/failed_authentications", "-1", Errc::kValue, "a JSON number"},
      {"/limits/failed_authentications", "256", Errc::kValue, "a JSON number"},
      {"/limits/memory_octets", "16777217", Errc::kValue, "a JSON number"},
      {"/answer_to_reset/octets", R"("3B")", Errc::kLength, "a hexadecimal member is too short"},
      {"/answer_to_reset/octets", digits(34), Errc::kLimit, "a JSON string"},
      {"/identity/iin", digits(17), Errc::kLimit, "a JSON string"},
      {"/identity/cin_prefix", digits(13), Errc::kLimit, "a JSON string"},
      {"/identity/cplc", digits(41), Errc::kLength, "CPLC has 42 octets"},
      {"/identity/cplc", digits(43), Errc::kLimit, "a JSON string"},
      {"/keys/0/name", R"("")", Errc::kValue, "a name is of"},
      {"/keys/1/name", R"("one")", Errc::kConflict, "two key sets"},
      {"/keys/0/domain", digits(4), Errc::kLength, "a hexadecimal member is too short"},
      {"/keys/0/kvn", R"("")", Errc::kLength, "a hexadecimal member is too short"},
      {"/keys/0/kvn", R"("0030")", Errc::kLimit, "a JSON string"},
      {"/keys/0/type", R"("DES")", Errc::kValue, "key sets are of"},
      {"/keys/0/type", name41, Errc::kLimit, "a JSON string"},
      {"/keys/0/type", R"("AES-256")", Errc::kPolicy, "a profile holds no key"},
      {"/keys/0/from", R"("elsewhere")", Errc::kValue, "keys come from"},
      {"/keys/0/value", digits(16), Errc::kPolicy, "a profile holds no key"},
      {"/keys/0/value", digits(1'001), Errc::kLimit, "a JSON string"},
      {"/security_domains/0/aid", digits(17), Errc::kLimit, "a JSON string"},
      {"/security_domains/0/privileges", "[]", Errc::kValue, "a security domain has"},
      {"/applications/0/load_file", digits(4), Errc::kLength, "a hexadecimal member is too short"},
      {"/applications/0/module", digits(17), Errc::kLimit, "a JSON string"},
      {"/applications/0/aid", digits(4), Errc::kLength, "a hexadecimal member is too short"},
      {"/applications/0/domain", digits(4), Errc::kLength, "a hexadecimal member is too short"},
      {"/applications/0/parameters", digits(128), Errc::kLimit, "a JSON string"},
      {"/keys", list_of(17, "{}"), Errc::kLimit, "a JSON array"},
      {"/security_domains", list_of(17, "{}"), Errc::kLimit, "a JSON array"},
      {"/applications", list_of(17, "{}"), Errc::kLimit, "a JSON array"},
  };
  // Two faults of a key set show where its value is read.
  const auto place_told = [](const Row& row) {
    return row.place == "/keys/0/type" && row.code == Errc::kPolicy ? "keys.value"
                                                                    : named(row.place);
  };
  for (const Row& row : rows) {
    json::value value = everything();
    value.at_pointer(row.place) = json::parse(row.value);
    expect_problem(value, row.code, place_told(row) + ": " + row.text, row.place + " " + row.value);
  }
}

TEST(ProfileMemberTest, HistoricalBytesAreOneToFifteen) {
  const auto with = [](std::size_t octets) {
    json::value value = everything();
    value.at_pointer("/answer_to_reset") =
        json::parse(R"({ "historical_bytes": )" + digits(octets) + " }");
    return value;
  };
  constexpr const char* kNamed = "answer_to_reset.historical_bytes: ";
  expect_problem(with(0), Errc::kLength, kNamed, "none");
  EXPECT_TRUE(parse(with(1)).has_value());
  EXPECT_TRUE(parse(with(15)).has_value());
  expect_problem(with(16), Errc::kLimit, kNamed, "sixteen");
}

TEST(ProfileMemberTest, AFileHasAtMost64KiB) {
  std::string text(kEverything);
  text.append(65'536 - text.size(), ' ');
  EXPECT_TRUE(ProfileFile::parse(text).has_value());
  text += ' ';
  const auto parsed = ProfileFile::parse(text);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, Errc::kLimit);
}

}  // namespace
}  // namespace kagibin::cli
