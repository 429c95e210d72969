// SPDX-License-Identifier: Apache-2.0
// kagibin provider run: follows the orders until there is nothing more to follow, until its time is
// up, or until it is asked to end.
#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include <unistd.h>

#include "kagibin/cli/provider/provider_desk.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/cli/waiting/pace.h"
#include "kagibin/cli/waiting/stop_signals.h"
#include "kagibin/roles/service_provider/client/provider_client.h"

namespace kagibin::cli {

using delivery::State;
using provider::Checked;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t kBetweenLimitsMs = 60'000;  // words about what waits for the limit

// Orders that a further run may still move. What is unknown after its end stays so: only a new
// order or reading the element back says more (protocol, section 7).
Checked<std::size_t> open_orders(delivery::JournalStore& journal, std::int64_t now) {
  constexpr std::uint32_t kAll = std::numeric_limits<std::uint32_t>::max();
  std::size_t open = 0;
  for (const State state : {State::kOrdered, State::kSealed, State::kUnknown}) {
    const auto orders = KB_TRY(journal.orders(state, kAll));
    open += static_cast<std::size_t>(std::ranges::count_if(orders, [&](const auto& order) {
      return state != State::kUnknown || order.not_after >= now;
    }));
  }
  return open;
}

std::string waiting_for_limit(std::size_t count) {
  return count == 0 ? std::string()
                    : fmt::format(
                          ", and {} of them or of their further attempts for the "
                          "distributor's limit",
                          count);
}

std::uint32_t drawn(crypto::Rng& rng) {
  const auto octets = crypto::random_array<4>(rng);
  std::uint32_t out = std::numeric_limits<std::uint32_t>::max();  // without it the longest pause
  for (std::size_t i = 0; octets && i < octets->size(); ++i) {
    out = (out << 8U) | (*octets)[i];
  }
  return out;
}

class ProviderRun {
 public:
  ProviderRun(const Program& program,
              const ProviderOptions& options,
              ProviderDesk& desk,
              delivery::ProviderApi& api,
              StopSignals& signals)
      : program_(program),
        options_(options),
        console_(program.console()),
        desk_(desk),
        api_(api),
        signals_(signals),
        flow_(desk.flow()),
        client_(flow_,
                api,
                desk.home->journal(),
                {.automatic_attempts = static_cast<delivery::AttemptNumber>(options.attempts),
                 .before_work = [this] { return read_rules_again(); }}),
        begin_ms_(desk.clock.uptime_ms()) {}

  // True when there is nothing more to follow, or when it was asked to end; false when the time is
  // up.
  Checked<bool> follow() {
    // The first look shows what there is; from then on the distributor is asked to wait for news.
    for (milliseconds wait(0); !signals_.requested(); wait = next_wait()) {
      const std::int64_t begin = desk_.clock.uptime_ms();
      const auto report = client_.run_once(static_cast<std::uint32_t>(wait.count() / 1000));
      tell(report ? report->events : client_.take_untold());
      if (report) {
        tell_limit(report->over_limit);
      }
      if (!report && signals_.requested()) {
        break;
      }
      if (!report && exit_code(report.error().code) != kExitTryAgain) {
        return std::unexpected(report.error());
      }
      milliseconds pause(0);
      if (!report) {
        console_.progress("{} Trying again.", sentences_of(program_, report.error()));
        pause =
            pace_.after_failure(api_.connection().retry_after_seconds(), drawn(desk_.home->rng()));
      } else if (!report->more) {
        if (options_.until_done &&
            KB_TRY(open_orders(desk_.home->journal(), desk_.clock.now())) == 0) {
          return true;
        }
        const milliseconds took(desk_.clock.uptime_ms() - begin);
        const bool first = wait == milliseconds(0) && options_.wait_seconds > 0;
        pause = first ? milliseconds(0)
                      : pace_.after({.took = took,
                                     .wait = wait,
                                     .news = report->news,
                                     .asked_seconds = report->retry_after_seconds});
      }
      if (left() <= milliseconds(0)) {
        return false;
      }
      signals_.pause(std::min(pause, left()));
    }
    return true;
  }

  // Orders and further attempts that waited for the distributor's limit when it was last asked.
  std::size_t over_limit() const { return over_limit_; }

  // Orders that moved in this run and stand now where nobody wants them.
  std::size_t not_confirmed() const {
    return static_cast<std::size_t>(std::ranges::count_if(last_states_, [](const auto& entry) {
      return entry.second == State::kRefused || entry.second == State::kUnknown ||
             entry.second == State::kExpired;
    }));
  }

 private:
  // A run may last for months: what is sealed is sealed under the rules of now.
  Checked<void> read_rules_again() {
    if (KB_TRY(desk_.read_again())) {
      flow_.context_changed();
      console_.progress("Policy, revocations or certificates changed, and were read again.");
    }
    return {};
  }

  void tell(const std::vector<provider::RunEvent>& events) {
    for (const provider::RunEvent& event : events) {
      last_states_[event.order.text()] = event.state;
      console_.result({{"order", event.order.text()},
                       {"attempt", event.attempt},
                       {"state", delivery::name(event.state)},
                       {"text", event.text},
                       {"trouble", event.trouble}},
                      "order {} attempt {} {}: {}", event.order.text(), event.attempt,
                      delivery::name(event.state), event.text);
    }
  }

  // When it begins and when it ends; between, where it is another number, once a minute.
  void tell_limit(std::size_t waiting) {
    over_limit_ = waiting;
    const std::int64_t now_ms = desk_.clock.uptime_ms();
    const bool goes_on = waiting > 0 && told_over_limit_ > 0;
    if (waiting == told_over_limit_ || (goes_on && now_ms < limit_told_ms_ + kBetweenLimitsMs)) {
      return;
    }
    told_over_limit_ = waiting;
    limit_told_ms_ = now_ms;
    console_.result({{"over_limit", waiting}}, "{}",
                    waiting == 0 ? "No order waits for the distributor's limit any more."
                                 : fmt::format("{} orders or further attempts wait for the "
                                               "distributor's limit; they are sent again by "
                                               "themselves.",
                                               waiting));
  }

  milliseconds left() const {
    if (options_.timeout_seconds == 0) {
      return milliseconds::max();
    }
    return std::chrono::seconds(options_.timeout_seconds) -
           milliseconds(desk_.clock.uptime_ms() - begin_ms_);
  }
  // Whole seconds, and at least one: the distributor's answer may come a little after --timeout.
  std::chrono::seconds next_wait() const {
    const std::chrono::seconds wanted(options_.wait_seconds);
    return left() == milliseconds::max()
               ? wanted
               : std::min(wanted, std::max(std::chrono::ceil<std::chrono::seconds>(left()),
                                           std::chrono::seconds(1)));
  }

  const Program& program_;
  const ProviderOptions& options_;
  Console console_;
  ProviderDesk& desk_;
  delivery::ProviderApi& api_;
  StopSignals& signals_;
  provider::OrderFlow flow_;
  provider::ProviderClient client_;
  const std::int64_t begin_ms_;
  Pace pace_;
  std::map<std::string, State> last_states_;
  std::size_t over_limit_ = 0;
  std::size_t told_over_limit_ = 0;
  std::int64_t limit_told_ms_ = 0;
};

}  // namespace

int provider_run(const Program& program, const ProviderOptions& options) {
  // At a terminal the passphrase is asked for first, and Ctrl-C there ends the program at once.
  std::optional<StopSignals> signals;
  if (isatty(STDIN_FILENO) == 0) {
    signals.emplace();
  }
  std::size_t not_confirmed = 0;
  std::size_t open = 0;
  std::size_t over_limit = 0;
  const auto done = [&]() -> Checked<bool> {
    const auto desk = KB_TRY(ProviderDesk::open(program, options));
    if (desk->home->keys().has_second_custodian()) {  // both custodians at the start, or none
      KB_TRY(desk->home->keys().admit_second_custodian());
    }
    if (!signals) {
      signals.emplace();
    }
    const auto http = KB_TRY(desk->connect(options, signals->token()));
    delivery::ProviderApi api(*http);
    ProviderRun run(program, options, *desk, api, *signals);
    const bool ended = KB_TRY(run.follow());
    not_confirmed = run.not_confirmed();
    over_limit = run.over_limit();
    open = KB_TRY(open_orders(desk->home->journal(), desk->clock.now()));
    return ended;
  }();
  if (!done) {
    return report_problem(program, done.error(), "the run ended; run it again, nothing is lost");
  }
  if (!*done && open > 0) {
    return report_problem(
        program,
        {Errc::kInterrupted, fmt::format("orders are still open when --timeout ran out. They wait "
                                         "for their devices{}; run it again, nothing is lost.",
                                         waiting_for_limit(over_limit))},
        "the run ended");
  }
  if (options.until_done && not_confirmed > 0) {
    return report_problem(
        program,
        {Errc::kState,
         fmt::format("{} orders did not end confirmed; the lines above say why, and what to do",
                     not_confirmed)},
        "the run is done");
  }
  return kExitOk;
}

}  // namespace kagibin::cli
