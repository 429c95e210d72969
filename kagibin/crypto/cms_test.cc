// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/cms.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::crypto {
namespace {

namespace fs = std::filesystem;

struct Party {
  EcPrivateKey key;
  std::string pem;
};

Party make_party(std::string_view name) {
  test::FixedRng rng(name);
  EcPrivateKey key = EcPrivateKey::generate(rng).value();
  std::string pem = self_signed_certificate(key, name, 1'700'000'000, 36'500, false, rng).value();
  return {.key = std::move(key), .pem = std::move(pem)};
}

class CmsTest : public testing::Test {
 protected:
  CmsTest() : manager_(make_party("manager")), provider_(make_party("provider")) {}

  Bytes seal(ByteView content) const {
    return cms_seal(content, manager_.key, manager_.pem, provider_.pem).value();
  }
  std::string_view open_code(ByteView der) const {
    const auto got = cms_open(der, provider_.key, provider_.pem);
    return got ? "opened" : name(got.error().code);
  }

  Party manager_;
  Party provider_;
};

// RFC 5652, 5, 6: signed and enveloped data
TEST_F(CmsTest, OpensWhatWasSealedAndNamesTheSigner) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 1000U, 100'000U}) {
    const Bytes content(size, 0x0A);  // line feeds, which text canonicalisation would change
    const auto got = cms_open(seal(content), provider_.key, provider_.pem);
    ASSERT_TRUE(got.has_value()) << size << " " << got.error().detail.text();
    EXPECT_TRUE(equal(got->content.expose(), content)) << size;
    EXPECT_EQ(got->signer, manager_.key.public_key());
  }
}

TEST_F(CmsTest, HidesTheContentAndTheSigner) {
  const Bytes content(64, 0x5A);
  const std::string file = to_hex(seal(content));
  EXPECT_EQ(file.find(to_hex(ByteView(content).first(16))), std::string::npos);
  EXPECT_EQ(file.find(to_hex(ascii("manager"))), std::string::npos);
  EXPECT_EQ(file.find(to_hex(manager_.key.public_key().point())), std::string::npos);
  EXPECT_NE(file, to_hex(seal(content)));
}

TEST_F(CmsTest, OpensForTheRecipientOnly) {
  const Party other = make_party("other");
  const Bytes file = seal(ascii("content"));
  EXPECT_EQ(cms_open(file, other.key, other.pem).error().code, Errc::kAuthentication);
  EXPECT_EQ(cms_open(file, provider_.key, other.pem).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(cms_open(file, provider_.key, "no certificate").error().code, Errc::kEncoding);
}

TEST_F(CmsTest, RefusesCertificatesThatAreNotTheKeysOwn) {
  EXPECT_EQ(cms_seal({}, manager_.key, provider_.pem, provider_.pem).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(cms_seal({}, manager_.key, manager_.pem, "none").error().code, Errc::kEncoding);
  EXPECT_EQ(cms_seal({}, manager_.key, "none", provider_.pem).error().code, Errc::kEncoding);
}

TEST_F(CmsTest, NeverGivesOtherContentForAnyFlippedBit) {
  const Bytes content = {1, 2, 3};
  const Bytes file = seal(content);
  std::size_t opened = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes changed = file;
    changed[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
    const auto got = cms_open(changed, provider_.key, provider_.pem);
    if (got.has_value()) {  // some fields of the format are not authenticated and say nothing
      ++opened;
      EXPECT_TRUE(equal(got->content.expose(), content)) << i;
      EXPECT_EQ(got->signer, manager_.key.public_key()) << i;
    } else {
      EXPECT_TRUE(got.error().code == Errc::kAuthentication || got.error().code == Errc::kEncoding)
          << i << " " << name(got.error().code);
    }
  }
  EXPECT_LT(opened, file.size() / 50);
}

TEST_F(CmsTest, RefusesTruncationAtEveryOctetAndOctetsBehind) {
  Bytes file = seal(ascii("content"));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(open_code(ByteView(file).first(size)), "encoding") << size;
  }
  file.push_back(0);
  EXPECT_EQ(open_code(file), "encoding");
}

// The same files in the hands of the openssl program.
class CmsToolTest : public CmsTest {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "cms_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    if (!run("version")) {
      GTEST_SKIP() << "the openssl program is not installed";
    }
    put("manager.pem", ascii(manager_.pem));
    put("provider.pem", ascii(provider_.pem));
    put("manager.key", private_key_to_pem(manager_.key)->expose());
    put("provider.key", private_key_to_pem(provider_.key)->expose());
    put("content", kContent);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const std::string& name, ByteView octets) const {
    ASSERT_TRUE(write_file(folder_ / name, octets, true).has_value());
  }
  Bytes get(const std::string& name) const {
    const auto octets = read_file(folder_ / name);
    EXPECT_TRUE(octets.has_value()) << name;
    return octets ? Bytes(octets->expose().begin(), octets->expose().end()) : Bytes();
  }
  bool run(const std::string& arguments) const {
    const std::string command =
        "cd '" + folder_.string() + "' && openssl " + arguments + " > out.txt 2>&1 < /dev/null";
    // NOLINTNEXTLINE(cert-env33-c): the point is to let another program read what we wrote
    return std::system(command.c_str()) == 0;
  }
  // Signs and encrypts by the tool, with these options, and opens the file here.
  std::string_view tool_to_us(const std::string& sign_options, const std::string& encrypt_options) {
    EXPECT_TRUE(run("cms -sign -binary -outform DER -in content -out signed " + sign_options));
    EXPECT_TRUE(
        run("cms -encrypt -binary -outform DER -in signed -out sealed -recip provider.pem " +
            encrypt_options));
    return open_code(get("sealed"));
  }

  static constexpr std::array<std::uint8_t, 5> kContent = {0x0D, 0x0A, 0x00, 0x0A, 0xFF};
  static constexpr const char* kSign = "-nodetach -signer manager.pem -inkey manager.key ";
  fs::path folder_;
};

TEST_F(CmsToolTest, OpensOurFiles) {
  put("ours", seal(kContent));
  ASSERT_TRUE(
      run("cms -decrypt -binary -inform DER -in ours -out inner -recip provider.pem "
          "-inkey provider.key"));
  ASSERT_TRUE(
      run("cms -verify -binary -inform DER -in inner -out plain -noverify "
          "-certsout signer.pem"));
  EXPECT_EQ(to_hex(get("plain")), to_hex(kContent));
  const Bytes signer = get("signer.pem");
  const std::string pem(signer.begin(), signer.end());
  EXPECT_EQ(public_key_of_certificate(pem).value(), manager_.key.public_key());
  // And says what they are made of.
  ASSERT_TRUE(run("cms -cmsout -print -noout -inform DER -in ours"));
  const Bytes printed = get("out.txt");
  const std::string text(printed.begin(), printed.end());
  EXPECT_NE(text.find("aes-256-gcm"), std::string::npos);
  EXPECT_NE(text.find("dhSinglePass-stdDH-sha256kdf-scheme"), std::string::npos);
  EXPECT_NE(text.find("id-aes256-wrap"), std::string::npos);
}

TEST_F(CmsToolTest, WritesFilesThatWeOpen) {
  EXPECT_EQ(tool_to_us(kSign, "-aes-256-gcm"), "opened");
  const auto got = cms_open(get("sealed"), provider_.key, provider_.pem).value();
  EXPECT_TRUE(equal(got.content.expose(), kContent));
  EXPECT_EQ(got.signer, manager_.key.public_key());
}

TEST_F(CmsToolTest, WritesFilesThatWeRefuse) {
  const std::string sign = kSign;
  EXPECT_EQ(tool_to_us(sign, "-aes-256-cbc"), "encoding");  // EnvelopedData: not authenticated
  EXPECT_EQ(tool_to_us(sign + "-md sha512", "-aes-256-gcm"), "authentication");
  EXPECT_EQ(tool_to_us(sign + "-nocerts", "-aes-256-gcm"), "authentication");
  EXPECT_EQ(tool_to_us(sign + "-signer provider.pem -inkey provider.key", "-aes-256-gcm"),
            "authentication");  // two signers
  EXPECT_EQ(tool_to_us("-signer manager.pem -inkey manager.key", "-aes-256-gcm"),
            "authentication");  // the signed content is not in it
  // Not signed at all: the file's own octets stand where SignedData should.
  ASSERT_TRUE(
      run("cms -encrypt -binary -aes-256-gcm -outform DER -in content -out sealed "
          "-recip provider.pem"));
  EXPECT_EQ(open_code(get("sealed")), "encoding");
  // Signed, not sealed.
  ASSERT_TRUE(run("cms -sign -binary -outform DER -in content -out signed " + sign));
  EXPECT_EQ(open_code(get("signed")), "encoding");
}

TEST_F(CmsToolTest, CannotChangeSignedContentUnnoticed) {
  ASSERT_TRUE(run(std::string("cms -sign -binary -outform DER -in content -out signed ") + kSign));
  const Bytes original = get("signed");
  const std::string hex = to_hex(original);
  const std::size_t at = hex.find(to_hex(kContent)) / 2;
  ASSERT_LT(at, original.size());
  Bytes changed = original;
  changed[at + 2] ^= 1;
  put("signed", changed);
  ASSERT_TRUE(
      run("cms -encrypt -binary -aes-256-gcm -outform DER -in signed -out sealed "
          "-recip provider.pem"));
  EXPECT_EQ(open_code(get("sealed")), "authentication");
}

}  // namespace
}  // namespace kagibin::crypto
