// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/event_log.h"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace kagibin::cli {
namespace {

using Level = EventLog::Level;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  EXPECT_EQ(begin, text.size()) << "the last line has an end";
  return lines;
}

template <typename Act>
std::vector<std::string> written(const EventLog::Options& options, const Act& act) {
  testing::internal::CaptureStderr();
  {
    EventLog log(options);
    act(log);
  }
  return lines_of(testing::internal::GetCapturedStderr());
}

// What somebody may hope to bring into a log: a line of his own, a field of his own.
const std::vector<std::string> kHostile = {"two\nlines",
                                           "two\r\nlines",
                                           R"(quoted", "level":"info)",
                                           "status=200 count=1",
                                           std::string("nul\0nul", 7),
                                           "\x1b[2J",
                                           "back\\slash",
                                           std::string(255, 'x'),
                                           ""};

TEST(EventLogTest, InJsonEveryEventIsOneObjectThatReadsBack) {
  for (const std::string& text : kHostile) {
    const auto lines = written({.json = true}, [&](EventLog& log) {
      log.write(Level::kWarning, "refused", {{"status", 507}, {"detail", text}, {"sure", true}});
    });
    ASSERT_EQ(lines.size(), 1U) << text;
    const auto object = boost::json::parse(lines[0]).as_object();
    EXPECT_EQ(object.size(), 6U) << lines[0];
    EXPECT_EQ(object.at("level").as_string(), "warning");
    EXPECT_EQ(object.at("event").as_string(), "refused");
    EXPECT_EQ(object.at("status").as_int64(), 507);
    EXPECT_EQ(object.at("detail").as_string(), text);
    EXPECT_TRUE(object.at("sure").as_bool());
    const std::string time(object.at("time").as_string());
    ASSERT_EQ(time.size(), 24U) << time;
    EXPECT_EQ(time[10], 'T');
    EXPECT_EQ(time[19], '.');
    EXPECT_EQ(time[23], 'Z');
  }
}

TEST(EventLogTest, InTextWhatIsNotPlainIsQuoted) {
  for (const std::string& text : kHostile) {
    const auto lines = written({}, [&](EventLog& log) {
      log.write(Level::kInfo, "event", {{"detail", text}, {"count", 12}});
    });
    ASSERT_EQ(lines.size(), 1U) << text;
    const std::string& line = lines[0];
    EXPECT_TRUE(std::ranges::none_of(line, [](char c) { return c >= 0 && c < ' '; })) << line;
    EXPECT_NE(line.find("Z info event detail="), std::string::npos) << line;
    EXPECT_TRUE(line.ends_with(" count=12")) << line;
    const bool plain = text == std::string(255, 'x');
    EXPECT_NE(line.find("detail=\"") != std::string::npos, plain) << line;
  }
}

TEST(EventLogTest, AnEventWithoutFieldsIsWholeToo) {
  const auto act = [](EventLog& log) { log.write(Level::kInfo, "stop", {}); };
  EXPECT_TRUE(written({}, act).at(0).ends_with("Z info stop"));
  EXPECT_EQ(boost::json::parse(written({.json = true}, act).at(0)).as_object().size(), 3U);
}

TEST(EventLogTest, WhatIsBelowTheLevelIsNotWritten) {
  const auto lines = written({.level = Level::kWarning}, [](EventLog& log) {
    for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
      EXPECT_EQ(log.writes(level), level >= Level::kWarning);
      log.write(level, "event", {});
    }
  });
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(" warning "), std::string::npos);
  EXPECT_NE(lines[1].find(" error "), std::string::npos);
}

TEST(EventLogTest, ThreadsDoNotMixTheirLines) {
  const auto lines = written({.json = true}, [](EventLog& log) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log, i] {
        for (int k = 0; k < 200; ++k) {
          log.write(Level::kInfo, "event", {{"thread", i}, {"text", std::string(100, 'x')}});
        }
      });
    }
  });
  EXPECT_EQ(lines.size(), 800U);
  for (const std::string& line : lines) {
    EXPECT_NO_THROW(static_cast<void>(boost::json::parse(line))) << line;
  }
}

}  // namespace
}  // namespace kagibin::cli
