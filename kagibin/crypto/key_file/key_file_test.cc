// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_file/key_file.h"

#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kagibin/crypto/key_file/key_file_io.h"
#include "kagibin/crypto/x509/transport_x509.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::crypto {
namespace {

namespace fs = std::filesystem;

EcPrivateKey make_key(std::string_view seed) {
  test::FixedRng rng(seed);
  return EcPrivateKey::generate(rng).value();
}

// A key on another curve (secp256k1), made with `openssl genpkey`; no secret of anybody.
constexpr std::string_view kOtherCurve =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEAqujRswR/aunXdM0Vh4Yv2sfUva1MemQ\n"
    "R/k52iSt1WLYRBqYn/i/7cVN7CtnJqgtJ9a0hSGJ62JhYKj0IIbTyA==\n"
    "-----END PUBLIC KEY-----\n";

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "key_file_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static mode_t mode_of(const fs::path& path) {
    struct stat facts{};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0);
    return facts.st_mode & 07777U;
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST(KeyPemTest, RoundTripsPublicAndPrivateKeys) {
  const EcPrivateKey key = make_key("pem");
  const std::string pem = public_key_to_pem(key.public_key()).value();
  EXPECT_TRUE(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
  EXPECT_EQ(public_key_from_pem(pem).value(), key.public_key());
  const SecretBytes secret = private_key_to_pem(key).value();
  const std::string_view head = "-----BEGIN PRIVATE KEY-----\n";
  EXPECT_TRUE(equal(secret.expose().first(head.size()), ascii(head)));
  const EcPrivateKey back = private_key_from_pem(secret.expose()).value();
  EXPECT_EQ(back.public_key(), key.public_key());
  EXPECT_TRUE(ct_equal(back.expose_scalar(), key.expose_scalar()));
}

TEST(KeyPemTest, RoundTripsScalarsThatBeginWithZeros) {
  Bytes scalar(32);
  scalar.back() = 5;
  const EcPrivateKey key = EcPrivateKey::from_scalar(scalar).value();
  const EcPrivateKey back = private_key_from_pem(private_key_to_pem(key)->expose()).value();
  EXPECT_EQ(to_hex(back.expose_scalar()), to_hex(scalar));
}

TEST(KeyPemTest, RefusesOtherThingsThanAskedFor) {
  const EcPrivateKey key = make_key("pem");
  const std::string public_pem = public_key_to_pem(key.public_key()).value();
  const SecretBytes private_pem = private_key_to_pem(key).value();
  EXPECT_EQ(public_key_from_pem("").error().code, Errc::kEncoding);
  EXPECT_EQ(public_key_from_pem("not pem").error().code, Errc::kEncoding);
  EXPECT_EQ(public_key_from_pem(public_pem.substr(0, 80)).error().code, Errc::kEncoding);
  EXPECT_EQ(private_key_from_pem({}).error().code, Errc::kEncoding);
  EXPECT_EQ(private_key_from_pem(ascii(public_pem)).error().code, Errc::kEncoding);
  EXPECT_EQ(public_key_of_certificate(public_pem).error().code, Errc::kEncoding);
  EXPECT_EQ(public_key_from_pem(kOtherCurve).error().code, Errc::kValue);
}

TEST(KeyPemTest, RefusesAPrivateKeyThatNeedsAPassphraseWithoutAskingForIt) {
  // From `openssl genpkey -aes128`, a throw-away key. The reader stops at the label and does not
  // go to a terminal.
  constexpr std::string_view kEncrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhhTWhiqcGfvQICCAAw\n"
      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEP8IZddAyNKQiHiwKXPy5ZUEgZD7\n"
      "uVGLrY1NkgECfYTyZ8rvZTiuJ+OO9+W7vPtX8xyVL/Zr+mlTQlMgFUxzPzeADl+e\n"
      "A2jMfgDvpi5DcMsASAUC9lF7/q1ziLMVHqyq8lAV0ME1yWxjffXzUC5okcIE+XMi\n"
      "LhjKfBK2jXRhoTD0jy3d6pLFW5bxuLkqGecIyizvWid3DtAh2ak+e84iE9+UjQQ=\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  EXPECT_EQ(private_key_from_pem(ascii(kEncrypted)).error().code, Errc::kEncoding);
}

TEST(KeyPemTest, RefusesAPairWhoseHalvesDoNotMatch) {
  const EcPrivateKey one = make_key("one");
  const EcPrivateKey two = make_key("two");
  const SecretBytes pem_one = private_key_to_pem(one).value();
  const SecretBytes pem_two = private_key_to_pem(two).value();
  // In the PKCS#8 of P-256 the scalar ends at octet 68 and the point begins at octet 73: base64
  // groups of three octets let the tail of one PEM follow the head of the other from octet 72 on.
  const std::string first(pem_one.expose().begin(), pem_one.expose().end());
  const std::string second(pem_two.expose().begin(), pem_two.expose().end());
  const std::size_t body = std::string_view("-----BEGIN PRIVATE KEY-----\n").size();
  const std::size_t cut = body + std::size_t{72} / 3 * 4 + 1;  // one line feed within
  const std::string mixed = first.substr(0, cut) + second.substr(cut);
  EXPECT_FALSE(private_key_from_pem(ascii(mixed)).has_value());
  EXPECT_EQ(private_key_from_pem(ascii(mixed)).error().code, Errc::kValue);
  EXPECT_TRUE(private_key_from_pem(ascii(first)).has_value());
}

TEST(KeyPemTest, ReadsTheKeyOfACertificate) {
  const EcPrivateKey key = make_key("certificate");
  test::FixedRng rng("serial");
  const std::string pem =
      self_signed_certificate(key, "someone", 1'700'000'000, 1, false, rng).value();
  EXPECT_EQ(public_key_of_certificate(pem).value(), key.public_key());
  EXPECT_EQ(public_key_of_certificate(pem.substr(0, 200)).error().code, Errc::kEncoding);
}

TEST_F(FolderTest, WritesSecretAndPublicFilesWithTheirModes) {
  const fs::path path = folder_ / "key";
  ASSERT_TRUE(write_file(path, ascii("one"), true).has_value());
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_TRUE(equal(read_file(path)->expose(), ascii("one")));
  ASSERT_TRUE(write_file(path, ascii("longer content"), false).has_value());
  EXPECT_EQ(mode_of(path), 0644U);
  EXPECT_TRUE(equal(read_file(path)->expose(), ascii("longer content")));
  ASSERT_TRUE(write_file(path, {}, true).has_value());
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(read_file(path)->size(), 0U);
  EXPECT_EQ(entries(), 1U);  // no temporary file is left
}

TEST_F(FolderTest, KeepsTheOldFileAndNoTemporaryOneWhenWritingFails) {
  const fs::path occupied = folder_ / "folder";
  fs::create_directory(occupied);
  fs::create_directory(occupied / "inside");
  EXPECT_EQ(write_file(occupied, ascii("x"), true).error().code, Errc::kIo);
  EXPECT_TRUE(fs::is_directory(occupied / "inside"));
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(write_file(folder_ / "none" / "file", ascii("x"), true).error().code, Errc::kNotFound);
}

TEST_F(FolderTest, ReadsFilesOfEveryLengthAroundItsBufferAndRefusesLargerOnes) {
  const fs::path path = folder_ / "file";
  for (const std::size_t size : {1U, 4095U, 4096U, 4097U, 100'000U, 16U << 20U}) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i) {
      content[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    }
    ASSERT_TRUE(write_file(path, content, false).has_value());
    const auto back = read_file(path);
    ASSERT_TRUE(back.has_value()) << size;
    EXPECT_TRUE(equal(back->expose(), content)) << size;
  }
  ASSERT_TRUE(write_file(path, Bytes((16U << 20U) + 1), false).has_value());
  EXPECT_EQ(read_file(path).error().code, Errc::kLimit);
}

TEST_F(FolderTest, ReadsAPipeToItsEnd) {
  const fs::path path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Bytes content(200'000, 0x5A);  // more than a pipe holds
  const std::jthread writer([&] {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open so
    const int pipe = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_TRUE(write_all(pipe, content).has_value());
    ::close(pipe);
  });
  const auto back = read_file(path);
  ASSERT_TRUE(back.has_value());
  EXPECT_TRUE(equal(back->expose(), content));
}

TEST_F(FolderTest, SaysWhatIsMissingOrNotAFile) {
  EXPECT_EQ(read_file(folder_ / "none").error().code, Errc::kNotFound);
  EXPECT_EQ(read_file(folder_).error().code, Errc::kIo);
}

TEST(WriteAllTest, NamesAFullDevice) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX declares open so
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  EXPECT_EQ(write_all(full, ascii("x")).error().code, Errc::kNoSpace);
  ::close(full);
  EXPECT_EQ(write_all(-1, ascii("x")).error().code, Errc::kIo);
  EXPECT_TRUE(write_all(-1, {}).has_value());
}

}  // namespace
}  // namespace kagibin::crypto
