// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/console.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <string>

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
  EXPECT_EQ(exit_code(Errc::kNoSpace), kExitTryAgain);
  EXPECT_EQ(exit_code(Errc::kStore), kExitFailed) << "a damaged file does not mend itself";
}

// The page is the promise: every error stands in it once, in the row of its exit code.
TEST(ConsoleTest, ThePageOfExitCodesSaysWhatEveryErrorGives) {
  std::ifstream page(std::filesystem::path(KAGIBIN_SOURCE_DIR) / "doc/exit_codes.md");
  std::map<std::string, int> said;
  for (std::string line; std::getline(page, line);) {
    if (line.size() < 3 || !line.starts_with("| ") || line[2] < '0' || line[2] > '9') {
      continue;
    }
    const std::string errors = line.substr(line.rfind("| ", line.size() - 3));
    for (std::size_t at = errors.find('`'); at != std::string::npos;) {
      const std::size_t end = errors.find('`', at + 1);
      EXPECT_TRUE(said.emplace(errors.substr(at + 1, end - at - 1), line[2] - '0').second) << line;
      at = errors.find('`', end + 1);
    }
  }
  std::size_t count = 0;
  for (int code = 0; code <= static_cast<int>(Errc::kInterrupted); ++code) {
    const auto errc = static_cast<Errc>(code);
    const auto found = said.find(std::string(name(errc)));
    ASSERT_NE(found, said.end()) << name(errc);
    EXPECT_EQ(found->second, exit_code(errc)) << name(errc);
    ++count;
  }
  EXPECT_EQ(said.size(), count);
}

TEST(ConsoleTest, EveryFailureIsASentenceAndOneObjectWithTheSameThreeMembers) {
  Console console(true);
  const Error error{Errc::kCardStatus, "the card refused", StatusWord{0x6985}};
  const auto failures = {
      std::function<int()>([&] { return console.failed(error, "not done", "do this"); }),
      std::function<int()>([&] { return console.failed(error, "not done"); }),
      std::function<int()>(
          [&] { return console.failed_text(Errc::kPolicy, "not done", "It may not.", "do this"); }),
      std::function<int()>([&] { return console.failed_text(Errc::kStore, "w", "It broke."); }),
      std::function<int()>([&] { return console.failed_usage("one of a and b is needed"); })};
  for (const auto& failure : failures) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_GT(failure(), 0);
    static_cast<void>(std::fflush(stdout));
    const std::string out = testing::internal::GetCapturedStdout();
    const std::string err = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(err.ends_with(".\n")) << err;
    EXPECT_EQ(std::ranges::count(err, '\n'), 1) << err;
    EXPECT_EQ(std::ranges::count(out, '\n'), 1) << out;
    for (const char* member : {"{\"error\":\"", "\"message\":\"", "\"advice\":\""}) {
      EXPECT_NE(out.find(member), std::string::npos) << out;
    }
  }
}

TEST(ConsoleTest, AdviceIsASentenceAndCommandsStayAsTheyAreTyped) {
  Console console(true);
  const std::pair<const char*, const char*> cases[] = {
      {"try again", ". Try again.\n"},
      {"Try again", ". Try again.\n"},
      {"--reader takes a number", ". --reader takes a number.\n"},
      {"kagibin gp list shows it", ". kagibin gp list shows it.\n"}};
  for (const auto& [advice, end] : cases) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    console.failed(Error{Errc::kPolicy, "it may not"}, "not done", advice);
    static_cast<void>(std::fflush(stdout));
    const std::string out = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(testing::internal::GetCapturedStderr().ends_with(end)) << advice;
    const std::string words = std::string(end).substr(2, std::string(end).size() - 4);
    EXPECT_NE(out.find("\"advice\":\"" + words + "\""), std::string::npos) << out;
  }
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
