// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/event_log.h"

#include <algorithm>
#include <string>

#include <boost/json/serialize.hpp>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace kagibin::cli {
namespace {

constexpr const char* kTextLine = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
constexpr const char* kJsonLine = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::level::level_enum level_of(EventLog::Level level) {
  switch (level) {
    case EventLog::Level::kDebug:
      return spdlog::level::debug;
    case EventLog::Level::kInfo:
      return spdlog::level::info;
    case EventLog::Level::kWarning:
      return spdlog::level::warn;
    case EventLog::Level::kError:
      break;
  }
  return spdlog::level::err;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._:/@+-[]").find(c) != std::string_view::npos;
}

std::string text_of(const boost::json::value& value) {
  if (const auto* text = value.if_string()) {
    const std::string_view view(text->data(), text->size());
    if (!view.empty() && std::ranges::all_of(view, is_plain)) {
      return std::string(view);
    }
  }
  return boost::json::serialize(value);
}

}  // namespace

EventLog::EventLog(const Options& options)
    : json_(options.json),
      logger_(std::make_unique<spdlog::logger>("distributor",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      json_ ? kJsonLine : kTextLine, spdlog::pattern_time_type::utc));
  logger_->set_level(level_of(options.level));
  // spdlog's own way would write to the same place.
  logger_->set_error_handler([](const std::string&) {});
}

EventLog::~EventLog() = default;

bool EventLog::writes(Level level) const { return logger_->should_log(level_of(level)); }

void EventLog::write(Level level, std::string_view event, const boost::json::object& fields) {
  if (!writes(level)) {
    return;
  }
  std::string line;
  if (json_) {
    line = "\"event\":" + boost::json::serialize(boost::json::value(event));
    const std::string rest = boost::json::serialize(fields);
    if (!fields.empty()) {
      line += ',';
      line.append(rest, 1, rest.size() - 2);
    }
  } else {
    line = event;
    for (const auto& field : fields) {
      line += ' ';
      line += std::string_view(field.key().data(), field.key().size());
      line += '=';
      line += text_of(field.value());
    }
  }
  logger_->log(level_of(level), spdlog::string_view_t(line));
}

}  // namespace kagibin::cli
