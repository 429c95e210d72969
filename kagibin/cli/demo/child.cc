// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/child.h"

#include <cerrno>
#include <fstream>
#include <thread>
#include <utility>

#include <boost/json/parse.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kagibin/cli/demo/scratch_folder.h"

namespace kagibin::cli::demo {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kPause = std::chrono::milliseconds(1);
constexpr int kCannotRun = 127;

// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): POSIX declares open, Linux ptrace and prctl so
// Between fork and exec: nothing that allocates.
[[noreturn]] void become(const char* program,
                         char* const* arguments,
                         const char* out_file,
                         const char* err_file,
                         bool watched) {
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int out = open(out_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int err = open(err_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (in < 0 || out < 0 || err < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
    _exit(kCannotRun);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A group of its own, so that Ctrl-C reaches the demo alone, which then ends the others in order.
  setpgid(0, 0);
  if (watched) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  }
  execv(program, arguments);
  _exit(kCannotRun);
}
// NOLINTEND(cppcoreguidelines-pro-type-vararg)

}  // namespace

Outcome<std::unique_ptr<Child>> Child::start(Plan plan) {
  std::vector<std::string> words{plan.program.filename().string()};
  words.insert(words.end(), plan.arguments.begin(), plan.arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  const std::string out = plan.log.string() + ".out";
  const std::string err = plan.log.string() + ".err";
  const std::string program = plan.program.string();
  const bool watched = plan.last_look != nullptr;
  const pid_t process = fork();
  if (process < 0) {
    return failure(fmt::format("{} could not be started", program));
  }
  if (process == 0) {
    become(program.c_str(), pointers.data(), out.c_str(), err.c_str(), watched);
  }
  return std::unique_ptr<Child>(new Child(std::move(plan), process));
}

Child::~Child() {
  if (process_ > 0) {
    static_cast<void>(stop());
  }
}

std::filesystem::path Child::log() const { return plan_.log.string() + ".err"; }

Child::Results Child::results() const {
  Results out;
  std::ifstream in(plan_.log.string() + ".out");
  for (std::string line; std::getline(in, line) && !in.eof();) {  // whole lines only
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(line, error);
    if (!error && value.is_object()) {
      out.push_back(value.as_object());
    }
  }
  return out;
}

void Child::handle_stop(int status) {
  const int signal = WSTOPSIG(status);
  const unsigned event = static_cast<unsigned>(status) >> 16U;
  long deliver = 0;
  if (event == PTRACE_EVENT_EXIT) {
    plan_.last_look(process_);
  } else if (signal == SIGTRAP) {
    // After exec: from here on it stops again only before its end, and dies with us.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): Linux declares ptrace so
    ptrace(PTRACE_SETOPTIONS, process_, nullptr, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
  } else {
    deliver = signal;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): Linux declares ptrace so
  ptrace(PTRACE_CONT, process_, nullptr, deliver);
}

bool Child::has_ended() {
  if (process_ < 0) {
    return true;
  }
  int status = 0;
  while (true) {
    const pid_t changed = waitpid(process_, &status, WNOHANG);
    if (changed == 0 || (changed < 0 && errno == EINTR)) {
      return false;
    }
    if (changed == process_ && WIFSTOPPED(status)) {
      handle_stop(status);
      continue;
    }
    status_ = status;
    process_ = -1;
    return true;
  }
}

std::unexpected<Failure> Child::ended_badly() const {
  if (WIFSIGNALED(status_)) {
    return failure(fmt::format("{} was ended by signal {}", name(), WTERMSIG(status_)), log());
  }
  const int code = WEXITSTATUS(status_);
  if (code == kCannotRun) {
    return failure(fmt::format("{} cannot be run; is it built?", plan_.program.string()), log());
  }
  std::string command;
  for (const std::string& word : plan_.arguments) {
    command += " " + word;
  }
  return failure(fmt::format("{}{} ended with exit code {}", name(), command, code), log());
}

void Child::pass_over_results() { passed_over_ = results().size(); }

Outcome<boost::json::object> Child::wait_for(
    const std::function<bool(const boost::json::object&)>& wanted,
    std::chrono::milliseconds limit) {
  const auto end = SteadyClock::now() + limit;
  while (true) {
    const bool ended = has_ended();
    const Results said = results();
    for (std::size_t at = passed_over_; at < said.size(); ++at) {
      if (wanted(said[at])) {
        return said[at];
      }
    }
    if (ended) {
      return ended_badly();
    }
    if (interrupted()) {
      return fail(Errc::kInterrupted, "stopped by a signal");
    }
    if (SteadyClock::now() > end) {
      return failure(fmt::format("{} did not say what was expected within {} s", name(),
                                 limit / std::chrono::seconds(1)),
                     log());
    }
    std::this_thread::sleep_for(kPause);
  }
}

Outcome<Child::Results> Child::wait_until_done(std::chrono::milliseconds limit) {
  const auto end = SteadyClock::now() + limit;
  while (!has_ended()) {
    if (interrupted()) {
      return fail(Errc::kInterrupted, "stopped by a signal");
    }
    if (SteadyClock::now() > end) {
      return failure(
          fmt::format("{} did not end within {} s", name(), limit / std::chrono::seconds(1)),
          log());
    }
    std::this_thread::sleep_for(kPause);
  }
  if (status_ != 0) {
    return ended_badly();
  }
  return results();
}

void Child::ask_to_stop() {
  if (process_ > 0 && !asked_to_stop_) {
    asked_to_stop_ = true;
    kill(process_, SIGTERM);
  }
  if (process_ > 0) {
    kill(process_, SIGCONT);  // it may be held still
  }
}

Outcome<void> Child::stop() {
  if (process_ < 0) {
    return {};
  }
  ask_to_stop();
  const auto end = SteadyClock::now() + std::chrono::seconds(10);
  bool killed = false;
  while (!has_ended()) {
    if (!killed && SteadyClock::now() > end) {
      kill(process_, SIGKILL);
      killed = true;
    }
    std::this_thread::sleep_for(kPause);
  }
  if (status_ != 0) {
    return ended_badly();
  }
  return {};
}

}  // namespace kagibin::cli::demo
