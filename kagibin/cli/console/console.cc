// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/console.h"

#include <cstdio>

#include <boost/json/serialize.hpp>
#include <errno.h>

namespace kagibin::cli {

ExitCode exit_code(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
    case Errc::kEncoding:
    case Errc::kTruncated:
    case Errc::kTrailing:
    case Errc::kUnexpectedTag:
    case Errc::kLength:
    case Errc::kValue:
      return kExitUsage;
    case Errc::kAuthentication:
    case Errc::kUntrusted:
    case Errc::kExpired:
    case Errc::kNotYetValid:
    case Errc::kRevoked:
    case Errc::kPolicy:
    case Errc::kNotSupported:
      return kExitRefused;
    case Errc::kCardLink:
    case Errc::kIo:
    case Errc::kNoSpace:
    case Errc::kNetwork:
    case Errc::kTls:
    case Errc::kHttp:
    case Errc::kInterrupted:
      return kExitTryAgain;
    default:  // a damaged store among them
      return kExitFailed;
  }
}

namespace {

// Advice as a sentence of its own: with a capital letter, but for what is typed so (a command, an
// option).
std::string as_sentence(std::string_view text) {
  std::string out(text);
  const bool is_typed = text.starts_with("kagibin") || text.starts_with("openssl");
  if (!out.empty() && !is_typed && out.front() >= 'a' && out.front() <= 'z') {
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
  }
  return out;
}

}  // namespace

void Console::write_progress(const std::string& line) {
  fmt::print(stderr, "{}\n", line);
  static_cast<void>(std::fflush(stderr));
}

void Console::write_result(const boost::json::object& object, const std::string& line) {
  fmt::print("{}\n", json_ ? boost::json::serialize(object) : line);
  static_cast<void>(std::fflush(stdout));
}

int Console::failed(const Error& error, std::string_view what, std::string_view advice) {
  std::string message = fmt::format("{}: {}", what, error.detail.text());
  if (error.sw.value != 0) {
    message += fmt::format(" (status word {:04X})", error.sw.value);
  }
  fmt::print(stderr, "{}: {}.{}{}{}\n", program_invocation_short_name, message,
             advice.empty() ? "" : " ", as_sentence(advice), advice.empty() ? "" : ".");
  if (json_) {
    fmt::print(
        "{}\n",
        boost::json::serialize(boost::json::object{
            {"error", name(error.code)}, {"message", message}, {"advice", as_sentence(advice)}}));
  }
  return exit_code(error.code);
}

int Console::failed_text(Errc code,
                         std::string_view what,
                         std::string_view sentence,
                         std::string_view advice) {
  fmt::print(stderr, "{}: {}: {}{}{}{}\n", program_invocation_short_name, what, sentence,
             advice.empty() ? "" : " ", as_sentence(advice), advice.empty() ? "" : ".");
  if (json_) {
    const std::string message = fmt::format("{}: {}", what, sentence);
    fmt::print("{}\n",
               boost::json::serialize(boost::json::object{
                   {"error", name(code)}, {"message", message}, {"advice", as_sentence(advice)}}));
  }
  return exit_code(code);
}

int Console::failed_file(const Error& error,
                         std::string_view what,
                         const std::filesystem::path& file,
                         std::string_view advice) {
  if (file.empty()) {
    return failed(error, what, advice);
  }
  const int code = failed_text(error.code, what,
                               fmt::format("{}: {}.", file.string(), error.detail.text()), advice);
  return error.code == Errc::kNotFound ? kExitUsage : code;
}

int Console::failed_usage(std::string_view sentence) {
  fmt::print(stderr, "{}: {}. Run it with --help.\n", program_invocation_short_name, sentence);
  if (json_) {
    fmt::print("{}\n",
               boost::json::serialize(boost::json::object{
                   {"error", "usage"}, {"message", sentence}, {"advice", "Run it with --help"}}));
  }
  return kExitUsage;
}

}  // namespace kagibin::cli
