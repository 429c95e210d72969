// SPDX-License-Identifier: Apache-2.0
// A program that the demo runs as a process of its own: its output goes to two files, NAME.out and
// NAME.err, and its results (JSON, one object a line) are read from there.
//
// It ends with its object: SIGTERM, after ten seconds SIGKILL; and with the demo, whatever ends
// that. Waits end with kInterrupted when the demo is to stop. A watched child stops in its last
// moment, its memory still there, for somebody to look at it. Thread-safety: one thread.
//
//   const auto child = KB_TRY(Child::start({.program = bin / "kagibin-se", .arguments = {...},
//   ...})); const boost::json::object ready = KB_TRY(child->wait_for(is_ready, 5s)); const
//   Child::Results all = KB_TRY(child->wait_until_done(60s));
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <sys/types.h>

#include "kagibin/cli/demo/failure.h"

namespace kagibin::cli::demo {

class Child {
 public:
  using Results = std::vector<boost::json::object>;
  using LastLook = std::function<void(pid_t)>;

  struct Plan {
    std::filesystem::path program;
    std::vector<std::string> arguments;
    std::filesystem::path log;  // without .out and .err; its folder exists
    LastLook last_look{};       // called when the program is about to end; empty: not watched
  };

  static Outcome<std::unique_ptr<Child>> start(Plan plan);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  pid_t process() const { return process_; }
  std::filesystem::path log() const;  // what a failure should show
  // The objects on its standard output so far.
  Results results() const;

  // The first result for which `wanted` holds. Fails when the program ends before, or in time.
  Outcome<boost::json::object> wait_for(
      const std::function<bool(const boost::json::object&)>& wanted,
      std::chrono::milliseconds limit);
  // What it has said so far counts for no wait_for() any more.
  void pass_over_results();
  // Its results when it ended with exit code 0; a failure with its own words otherwise.
  Outcome<Results> wait_until_done(std::chrono::milliseconds limit);
  // SIGTERM, without waiting; once, for our programs let the second signal end them at once.
  void ask_to_stop();
  // The same, and waits for the end; fails when the exit code was not 0.
  Outcome<void> stop();

 private:
  Child(Plan plan, pid_t process) : plan_(std::move(plan)), process_(process) {}
  bool has_ended();  // without waiting; keeps the exit code
  void handle_stop(int status);
  std::unexpected<Failure> ended_badly() const;
  std::string name() const { return plan_.program.filename().string(); }

  Plan plan_;
  pid_t process_ = -1;  // -1: it has ended
  int status_ = 0;
  std::size_t passed_over_ = 0;  // of its results
  bool asked_to_stop_ = false;
};

}  // namespace kagibin::cli::demo
