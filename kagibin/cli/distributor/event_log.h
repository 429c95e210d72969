// SPDX-License-Identifier: Apache-2.0
// The distributor's log on standard error: one line an event, for a person or for a machine.
//
//   text   2026-03-01T12:00:00.123Z warning refused status=507 count=12
//   json   {"time":"2026-03-01T12:00:00.123Z","level":"warning","event":"refused","status":507,...}
//
// Events and their fields are in doc/operations.md. A value never breaks a line: text that is not
// plain stands quoted as in JSON. What is given is written: never a message's body, a token or a
// key. A log that cannot be written is lost, and nothing else is. Thread-safety: any thread.
//
//   EventLog log({.json = true});
//   log.write(EventLog::Level::kWarning, "refused", {{"status", 507}, {"count", 12}});
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <boost/json/object.hpp>

namespace spdlog {
class logger;  // NOLINT(readability-identifier-naming): its own name
}

namespace kagibin::cli {

class EventLog {
 public:
  enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };
  struct Options {
    bool json = false;
    Level level = Level::kInfo;  // and above
  };
  explicit EventLog(const Options& options);
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  ~EventLog();

  bool writes(Level level) const;
  void write(Level level, std::string_view event, const boost::json::object& fields);

 private:
  bool json_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace kagibin::cli
