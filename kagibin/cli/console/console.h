// SPDX-License-Identifier: Apache-2.0
// What every kagibin program has in common: where output goes, how failures read, which exit code
// they give.
//
// Without --json, results are lines of text on standard output. With --json, standard output is
// exactly one JSON object a result (one a line), and progress goes to standard error in both cases.
// Failures are one sentence on standard error, and with
// --json an object { "error", "message", "advice" } on standard output as well. Nothing secret is
// ever passed here.
//
//   Console console(options.json);
//   console.progress("enrolling {} of {}", i, count);
//   console.result({{"order", id}}, "order {} confirmed", id);
//   return console.failed(error, "the order was not sent", "run the same command again");
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "kagibin/base/result.h"

namespace kagibin::cli {

// Exit codes, the same for every program (doc/exit_codes.md, which console_test reads).
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,    // it did not work and trying again will not help
  kExitUsage = 2,     // wrong options or input files
  kExitRefused = 3,   // policy, trust or authentication says no, or it is not built
  kExitTryAgain = 4,  // network, card or disk; nothing is lost
};
ExitCode exit_code(Errc code);

class Console {
 public:
  explicit Console(bool json) : json_(json) {}

  bool json() const { return json_; }

  template <typename... Args>
  void progress(fmt::format_string<Args...> text, Args&&... args) {
    write_progress(fmt::format(text, std::forward<Args>(args)...));
  }
  // One result: the object with --json, the sentence without.
  template <typename... Args>
  void result(const boost::json::object& object, fmt::format_string<Args...> text, Args&&... args) {
    write_result(object, fmt::format(text, std::forward<Args>(args)...));
  }
  // "kagibin-provider: WHAT: detail. ADVICE." on standard error; returns the exit code of the
  // error.
  int failed(const Error& error, std::string_view what, std::string_view advice = {});
  // The same for a failure that has a sentence of its own, with its full stop.
  int failed_text(Errc code,
                  std::string_view what,
                  std::string_view sentence,
                  std::string_view advice = {});
  // The same for a failure in a file that was named: "WHAT: FILE: detail."; failed() where `file`
  // is empty. A file that is not there is wrong usage.
  int failed_file(const Error& error,
                  std::string_view what,
                  const std::filesystem::path& file,
                  std::string_view advice = {});
  int failed_usage(std::string_view sentence);

 private:
  void write_progress(const std::string& line);
  void write_result(const boost::json::object& object, const std::string& line);
  bool json_;
};

}  // namespace kagibin::cli
