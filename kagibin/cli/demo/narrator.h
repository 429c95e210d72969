// SPDX-License-Identifier: Apache-2.0
// Tells what happens, with milliseconds since the last sentence. With --json it tells it on
// standard error, so that standard output holds one object and the last line alone.
//
//   narrator.chapter("The service provider orders");
//   narrator.step("1", "the KDA answered with its sealed public key");    // "  1  ...   12 ms"
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace kagibin::cli::demo {

class Narrator {
 public:
  explicit Narrator(bool json) : out_(json ? stderr : stdout) {}

  void chapter(std::string_view text) {
    fmt::print(out_, "\n{}\n", text);
    flush();
  }
  void step(std::string_view number, std::string_view text) {
    const auto now = std::chrono::steady_clock::now();
    step(number, text, std::chrono::duration<double, std::milli>(now - last_).count());
  }
  void step(std::string_view number, std::string_view text, double milliseconds) {
    fmt::print(out_, "  {:<2} {:<92} {:>7.1f} ms\n", number, text, milliseconds);
    flush();
  }
  void line(std::string_view text) {
    fmt::print(out_, "{}\n", text);
    flush();
  }
  // What took time until here does not count for the next step.
  void restart() { last_ = std::chrono::steady_clock::now(); }

 private:
  void flush() {
    static_cast<void>(std::fflush(out_));
    restart();
  }
  std::FILE* out_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace kagibin::cli::demo
