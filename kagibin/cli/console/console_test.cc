// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/console.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/console/passphrase.h"

namespace kagibin::cli {
namespace {

class PassphraseTest : public testing::Test {
 protected:
  PassphraseTest() {
    char name[] = "/tmp/kagibin-passphrase-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~PassphraseTest() override { std::filesystem::remove_all(path_); }
  std::filesystem::path write(std::string_view text, mode_t mode) {
    const auto file = path_ / "passphrase";
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
    return file;
  }
  std::filesystem::path path_;
};

TEST_F(PassphraseTest, ReadsOneLineWithoutItsLineFeed) {
  const auto secret = read_passphrase(write("open sesame\n", 0600), "", false);
  ASSERT_TRUE(secret.has_value());
  EXPECT_TRUE(ct_equal(secret->expose(), ascii("open sesame")));
}

TEST_F(PassphraseTest, RefusesAFileThatOthersMayRead) {
  EXPECT_EQ(read_passphrase(write("x\n", 0644), "", false).error().code, Errc::kPolicy);
}

TEST_F(PassphraseTest, RefusesEmptyMissingAndOverlongFiles) {
  EXPECT_EQ(read_passphrase(write("\n", 0600), "", false).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(read_passphrase(path_ / "none", "", false).error().code, Errc::kNotFound);
  EXPECT_EQ(read_passphrase(write(std::string(1'025, 'x'), 0600), "", false).error().code,
            Errc::kLimit);
}

TEST(ConsoleTest, ExitCodesSayWhetherTryingAgainHelps) {
  EXPECT_EQ(exit_code(Errc::kCardLink), kExitTryAgain);
  EXPECT_EQ(exit_code(Errc::kPolicy), kExitRefused);
  EXPECT_EQ(exit_code(Errc::kEncoding), kExitUsage);
  EXPECT_EQ(exit_code(Errc::kCardStatus), kExitFailed);
}

TEST(HostPortTest, PartsAtTheLastColon) {
  EXPECT_EQ(parse_host_port("127.0.0.1:35963")->port, 35963);
  EXPECT_EQ(parse_host_port("::1:80")->host, "::1");
  for (const char* text : {"", "host", ":80", "host:", "host:x", "host:65536", "host:1x"}) {
    EXPECT_FALSE(parse_host_port(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace kagibin::cli
