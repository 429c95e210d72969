// SPDX-License-Identifier: Apache-2.0
// What kagibin gp reads from files and options: key files, CAP archives, PEM keys, privileges.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include "kagibin/cli/console/private_file.h"
#include "kagibin/cli/gp/input/cap_archive.h"
#include "kagibin/cli/gp/input/key_file.h"
#include "kagibin/cli/gp/input/pem_key.h"
#include "kagibin/cli/gp/input/privilege_names.h"

namespace kagibin::cli {
namespace {

constexpr std::string_view kSet =
    "# a card\n"
    "kvn 30\n"
    "enc 404142434445464748494A4B4C4D4E4F\n"
    "mac 505152535455565758595A5B5C5D5E5F\n"
    "dek 606162636465666768696a6b6c6d6e6f   # lower case, too\n";

KeyFileProblem problem_of(std::string_view text) {
  const auto parsed = parse_key_file(ascii(text));
  return parsed ? KeyFileProblem{999, {Errc::kStore, "no problem"}} : parsed.error();
}

TEST(GpKeyFileTest, ReadsSetsAndSingleKeysWithTheirTypes) {
  const std::string text =
      std::string(kSet) + "\nkvn 71\r\nkid 02\ntype 3des\nkey 000102030405060708090A0B0C0D0E0F\n";
  const auto entries = parse_key_file(ascii(text));
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 2U);
  const KeyFileEntry& set = entries->front();
  EXPECT_TRUE(set.is_set());
  EXPECT_EQ(set.version, 0x30);
  EXPECT_FALSE(set.des.has_value());
  EXPECT_EQ(set.dek.expose()[15], 0x6F);
  EXPECT_TRUE(ct_equal(set.channel_keys().mac.expose(), set.mac.expose()));
  const KeyFileEntry& single = entries->back();
  EXPECT_FALSE(single.is_set());
  EXPECT_EQ(single.version, 0x71);
  EXPECT_EQ(single.identifier, 0x02);
  EXPECT_EQ(single.des, true);
  const auto keys = single.gp_keys();
  ASSERT_TRUE(keys.has_value());
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_EQ(keys->front().kind(), gp::KeyKind::kDes);
}

TEST(GpKeyFileTest, ReadsWhatItWrites) {
  for (const std::string_view text :
       {kSet, std::string_view("kvn 70\nkid 05\ntype aes\nkey "
                               "000102030405060708090A0B0C0D0E0F1011121314151617\n")}) {
    const auto entries = parse_key_file(ascii(text));
    ASSERT_TRUE(entries.has_value());
    const auto again = parse_key_file(key_file_text(entries->front()).expose());
    ASSERT_TRUE(again.has_value());
    ASSERT_EQ(again->size(), 1U);
    EXPECT_EQ(again->front().version, entries->front().version);
    EXPECT_EQ(again->front().identifier, entries->front().identifier);
    EXPECT_EQ(again->front().des, entries->front().des);
    EXPECT_TRUE(ct_equal(again->front().enc.expose(), entries->front().enc.expose()));
    EXPECT_TRUE(ct_equal(again->front().single.expose(), entries->front().single.expose()));
  }
}

TEST(GpKeyFileTest, SaysWhichLineIsWrong) {
  const std::string key = " 404142434445464748494A4B4C4D4E4F\n";
  struct Case {
    std::string text;
    std::size_t line;
    Errc code;
  };
  for (const Case& one : {
           Case{"", 0, Errc::kValue}, Case{"# nothing\n\n", 0, Errc::kValue},
           Case{"enc" + key, 1, Errc::kEncoding},            // no kvn before it
           Case{"kvn 3\n", 1, Errc::kEncoding},              // one digit
           Case{"kvn 80\n", 1, Errc::kValue},                // no such version
           Case{"kvn 30\nenc\n", 2, Errc::kEncoding},        // no value
           Case{"kvn 30\nenc 40 41\n", 2, Errc::kEncoding},  // two values
           Case{"kvn 30\nenc 404\n", 2, Errc::kEncoding},    // odd
           Case{"kvn 30\nenc 40414243444546474849XX4B4C4D4E4F\n", 2, Errc::kEncoding},
           Case{"kvn 30\nenc" + key + "enc" + key, 3, Errc::kConflict},  // twice
           Case{"kvn 30\ntype aes\ntype aes\n", 3, Errc::kConflict},
           Case{"kvn 30\ntype des\n", 2, Errc::kValue},
           Case{"kvn 30\nsecret" + key, 2, Errc::kEncoding},          // no such name
           Case{"kvn 30\nenc" + key + "mac" + key, 3, Errc::kValue},  // dek is missing
           Case{"kvn 30\nkey" + key + "dek" + key, 3, Errc::kValue},  // both kinds
           Case{"kvn 30\n", 1, Errc::kValue},                         // no key at all
           Case{"kvn 30\nkey 4041\n", 2, Errc::kLength},
           Case{"kvn 30\ntype 3des\nkey" + key.substr(0, key.size() - 1) + key.substr(1), 3,
                Errc::kLength},  // 3DES of 32 octets
       }) {
    const KeyFileProblem problem = problem_of(one.text);
    EXPECT_EQ(problem.line, one.line) << one.text;
    EXPECT_EQ(problem.error.code, one.code) << one.text << problem.error.detail.text();
  }
}

TEST(GpKeyFileTest, RefusesASetCutAnywhereButAtItsEnd) {
  const std::size_t last_digit = kSet.find("6d6e6f") + 6;
  for (std::size_t size = kSet.find("kvn"); size < last_digit; ++size) {
    EXPECT_FALSE(parse_key_file(ascii(kSet.substr(0, size))).has_value()) << size;
  }
  EXPECT_TRUE(parse_key_file(ascii(kSet.substr(0, last_digit))).has_value());
}

class PrivateFileTest : public testing::Test {
 protected:
  PrivateFileTest() {
    std::string name = "/tmp/kagibin-gp-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~PrivateFileTest() override { std::filesystem::remove_all(path_); }
  std::filesystem::path write(std::string_view text, mode_t mode) const {
    const auto file = path_ / "keys";
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
    return file;
  }
  std::filesystem::path path_;
};

TEST_F(PrivateFileTest, ReadsAFileOfItsOwner) {
  EXPECT_EQ(read_private_file(write(kSet, 0600)).value().size(), kSet.size());
  EXPECT_TRUE(read_key_file(path_ / "keys").has_value());
}

TEST_F(PrivateFileTest, RefusesAFileThatOthersMayRead) {
  EXPECT_EQ(read_key_file(write(kSet, 0640)).error().error.code, Errc::kPolicy);
  EXPECT_EQ(read_key_file(write(kSet, 0604)).error().error.code, Errc::kPolicy);
}

TEST_F(PrivateFileTest, RefusesMissingAndOverlongFiles) {
  EXPECT_EQ(read_private_file(path_ / "none").error().code, Errc::kNotFound);
  EXPECT_EQ(read_private_file(write(std::string(65'537, '#'), 0600)).error().code, Errc::kLimit);
}

// ---- CAP archives ----

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value & 0xFFU));
  out.push_back(static_cast<std::uint8_t>(value >> 8U & 0xFFU));
}
void put32(Bytes& out, std::size_t value) {
  put16(out, value & 0xFFFFU);
  put16(out, value >> 16U);
}

Bytes deflated(ByteView octets) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(octets.size() + 64);
  Bytes in(octets.begin(), octets.end());
  stream.next_in = in.data();
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Member {
  std::string name;
  Bytes content;
  bool packed = true;
};

Bytes zip_of(const std::vector<Member>& members) {
  Bytes out;
  Bytes central;
  for (const Member& member : members) {
    const Bytes data = member.packed ? deflated(member.content) : member.content;
    Bytes head;
    put16(head, 20);
    put16(head, 0);
    put16(head, member.packed ? 8 : 0);
    put32(head, 0);
    put32(head, crc32(0, member.content.data(), static_cast<uInt>(member.content.size())));
    put32(head, data.size());
    put32(head, member.content.size());
    put16(head, member.name.size());
    put16(head, 0);
    const std::size_t local = out.size();
    put32(out, 0x04034B50);
    append(out, head);
    append(out, ascii(member.name));
    append(out, data);
    put32(central, 0x02014B50);
    put16(central, 20);
    append(central, head);
    put16(central, 0);
    put16(central, 0);
    put16(central, 0);
    put32(central, 0);
    put32(central, local);
    append(central, ascii(member.name));
  }
  const std::size_t start = out.size();
  append(out, central);
  put32(out, 0x06054B50);
  put16(out, 0);
  put16(out, 0);
  put16(out, members.size());
  put16(out, members.size());
  put32(out, central.size());
  put32(out, start);
  put16(out, 0);
  return out;
}

Bytes octets(std::string_view text) { return {ascii(text).begin(), ascii(text).end()}; }

std::vector<Member> some_components() {
  return {{"a/b/javacard/Method.cap", octets("method method method method")},
          {"META-INF/MANIFEST.MF", octets("Manifest-Version: 1.0\n")},
          {"a/b/javacard/Descriptor.cap", octets("descriptor")},
          {"a/b/javacard/Debug.cap", octets("debug")},
          {"a/b/javacard/Header.cap", octets("header"), false},
          {"a/b/javacard/RefLocation.cap", octets("reflocation")},
          {"a/b/javacard/ConstantPool.cap", octets("constantpool"), false}};
}

TEST(CapArchiveTest, PutsComponentsInTheOrderOfLoading) {
  const Bytes zip = zip_of(some_components());
  EXPECT_EQ(read_cap(zip, DescriptorComponent::kWith).value(),
            octets("headermethod method method methodconstantpoolreflocationdescriptor"));
  EXPECT_EQ(read_cap(zip, DescriptorComponent::kWithout).value(),
            octets("headermethod method method methodconstantpoolreflocation"));
}

TEST(CapArchiveTest, TakesALoadFileDataBlockAsItIs) {
  const Bytes block = *from_hex("010010DECAFFED0102040001");
  EXPECT_EQ(read_cap(block, DescriptorComponent::kWith).value(), block);
}

TEST(CapArchiveTest, RefusesAnArchiveCutAnywhere) {
  const Bytes zip = zip_of(some_components());
  for (std::size_t size = 0; size < zip.size(); ++size) {
    EXPECT_FALSE(read_cap(ByteView(zip).first(size), DescriptorComponent::kWith).has_value())
        << size;
  }
}

// A changed name loses a component, a changed date nothing; the content of a component never
// changes unseen.
TEST(CapArchiveTest, NeverReadsWrongOctetsOutOfAChangedArchive) {
  const Bytes zip = zip_of(some_components());
  std::vector<Bytes> possible{read_cap(zip, DescriptorComponent::kWith).value()};
  for (std::size_t left_out = 0; left_out < some_components().size(); ++left_out) {
    std::vector<Member> members = some_components();
    members.erase(members.begin() + static_cast<std::ptrdiff_t>(left_out));
    if (auto rest = read_cap(zip_of(members), DescriptorComponent::kWith)) {
      possible.push_back(std::move(*rest));
    }
  }
  for (std::size_t at = 0; at < zip.size(); ++at) {
    Bytes changed = zip;
    changed[at] ^= 0x01U;
    if (const auto read = read_cap(changed, DescriptorComponent::kWith)) {
      EXPECT_TRUE(std::ranges::find(possible, *read) != possible.end()) << at;
    }
  }
}

TEST(CapArchiveTest, RefusesTwoPackagesAndNone) {
  std::vector<Member> members = some_components();
  members.push_back({"other/javacard/Header.cap", octets("header")});
  EXPECT_EQ(read_cap(zip_of(members), DescriptorComponent::kWith).error().code, Errc::kConflict);
  EXPECT_EQ(read_cap(zip_of({{"README", octets("text")}}), DescriptorComponent::kWith).error().code,
            Errc::kNotFound);
  EXPECT_EQ(read_cap(octets("this is a text file, and long enough"), DescriptorComponent::kWith)
                .error()
                .code,
            Errc::kEncoding);
}

TEST(CapArchiveTest, RefusesMoreThanALoadFileMayHave) {
  const std::vector<Member> members{{"a/Header.cap", octets("header")},
                                    {"a/Method.cap", Bytes(65'530)}};
  EXPECT_EQ(read_cap(zip_of(members), DescriptorComponent::kWith).error().code, Errc::kLimit);
  EXPECT_EQ(
      read_cap(zip_of({{"a/Header.cap", Bytes(70'000)}}), DescriptorComponent::kWith).error().code,
      Errc::kLimit);
}

// ---- keys in PEM: made with openssl genpkey and openssl pkey -pubout ----

constexpr std::string_view kP384Private =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBSzHwKdOWxe7p+4vT4\n"
    "HM3QcIL/j/sIrHIvl6EbwA+Mj4kcvV6l6CqjIu4SPfjQ9qahZANiAARlH3TP9i0/\n"
    "TYbQEtAVycysjFrVDg9xfeA7puWUHaCg+q0FMkmq08nnvqr8tFMoKxM17OoHyJJB\n"
    "wVAUEdlgJ6qStjtCDnSvJjrgtuhlI6GJoPIDbuWAZg3S6qhC106VvwQ=\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view kP384Public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEZR90z/YtP02G0BLQFcnMrIxa1Q4PcX3g\n"
    "O6bllB2goPqtBTJJqtPJ576q/LRTKCsTNezqB8iSQcFQFBHZYCeqkrY7Qg50ryY6\n"
    "4LboZSOhiaDyA27lgGYN0uqoQtdOlb8E\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kP256Sec1 =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIOJGrthR3Y2XfOcsYftF9D6RNNCaREkJg+3f99GA5fr2oAoGCCqGSM49\n"
    "AwEHoUQDQgAER5nO6jZkU3GeG02+cttD3OXb03NpuOlBPVKZwXUh9kI2yTVT9eeD\n"
    "Hl4fBLw55CXqsDB9YhqL+kjV48zsRPobhA==\n"
    "-----END EC PRIVATE KEY-----\n";
constexpr std::string_view kP256Public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAER5nO6jZkU3GeG02+cttD3OXb03Np\n"
    "uOlBPVKZwXUh9kI2yTVT9eeDHl4fBLw55CXqsDB9YhqL+kjV48zsRPobhA==\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kRsaPublic =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAl10VXZ2ka/sT2lKwz7kX\n"
    "BYwKg8vly0MEP8FU79Iu1IySLus6369etEWbx3ZWthrF6m8eJYygN2EdVNmLRd7/\n"
    "lsZCpvu2l1jVc1l5ZjW8nnScEVXRSW2gnOt3Aj6jz/ExrqkgXe3e5XC+ASr9uwHF\n"
    "fy3KxSC21vCQIAhaw/WQ/ZFc/TTAOyhuyxEbzEgJvp1BJ3FTt3IGE6VYEOzAgWZw\n"
    "jqPD2GnJdepKCWdOldbjpW4984/ym9CIQY/SZ0TuZ1mushaxWs5rAPWeeH1Tl+xz\n"
    "nKzBrnRhK1W9GYzKvUrda0LK/lIqpLbdRchOJ5lw/P887d9pdGbZTZe8NH1B/Ap8\n"
    "OQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

TEST(PemKeyTest, ReadsEcAndRsaPublicKeys) {
  const auto p384 = parse_public_key(kP384Public);
  ASSERT_TRUE(p384.has_value());
  EXPECT_EQ(p384->curve(), crypto::Curve::kP384);
  const auto rsa = parse_public_key(kRsaPublic);
  ASSERT_TRUE(rsa.has_value());
  EXPECT_EQ(rsa->rsa_public_key().value().size(), 256U);
}

TEST(PemKeyTest, ReadsPrivateKeysInBothFormsAndTheyBelongToTheirPublicKeys) {
  const auto pkcs8 = parse_curve_private_key(ascii(kP384Private));
  ASSERT_TRUE(pkcs8.has_value());
  EXPECT_EQ(pkcs8->public_key(), parse_public_key(kP384Public).value().ec_public_key().value());
  const auto sec1 = parse_curve_private_key(ascii(kP256Sec1));
  ASSERT_TRUE(sec1.has_value());
  EXPECT_EQ(sec1->public_key(), parse_public_key(kP256Public).value().ec_public_key().value());
}

TEST(PemKeyTest, RefusesOtherBlocksAndDamage) {
  EXPECT_FALSE(parse_public_key(kP384Private).has_value());
  EXPECT_FALSE(parse_public_key("no PEM").has_value());
  EXPECT_FALSE(parse_curve_private_key(ascii(kP384Public)).has_value());
  for (std::size_t size = 0; size + 30 < kP384Private.size(); ++size) {
    EXPECT_FALSE(parse_curve_private_key(ascii(kP384Private.substr(0, size))).has_value()) << size;
  }
}

// ---- privileges ----

TEST(PrivilegeNamesTest, ReadsWordsAndOctetsAlike) {
  const gp::Privileges words = parse_privileges("security-domain,trusted-path").value();
  EXPECT_EQ(words.bits, 0x808000U);
  EXPECT_EQ(parse_privileges("808000").value(), words);
  EXPECT_EQ(parse_privileges("80").value().bits, 0x800000U);
  EXPECT_EQ(privilege_names(words),
            (std::vector<std::string_view>{"security-domain", "trusted-path"}));
}

TEST(PrivilegeNamesTest, RefusesUnknownWordsAndImpossibleCombinations) {
  EXPECT_EQ(parse_privileges("everything").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(parse_privileges("security-domain,,").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(parse_privileges("dap-verification").error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::cli
