// SPDX-License-Identifier: Apache-2.0
// kagibin provider order --list: many orders of one payload. First all of them get into the
// journal, many in one commit; then they go to the distributor, many in one request. Whatever ends
// the command between, the same one again goes on, and so does kagibin provider run with what is in
// the journal.
#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include <unistd.h>

#include "kagibin/cli/provider/provider_desk.h"
#include "kagibin/cli/provider/provider_orders.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/cli/waiting/stop_signals.h"
#include "kagibin/delivery/campaign_client.h"
#include "kagibin/roles/service_provider/client/order_list.h"
#include "kagibin/roles/service_provider/client/provider_client.h"

namespace kagibin::cli {

using provider::Checked;
using provider::ListedOrder;
using provider::OrderWish;
using provider::problem;
using provider::Problem;

namespace {

constexpr std::size_t kOpenedAtOnce = 64;   // in one commit
constexpr std::size_t kSentAtOnce = 1'024;  // between two words of progress

class ListRun {
 public:
  ListRun(const Program& program,
          const ProviderOptions& options,
          ProviderDesk& desk,
          delivery::HttpClient& http,
          StopSignals& signals)
      : options_(options),
        console_(program.console()),
        clock_(desk.clock),
        http_(http),
        api_(http),
        signals_(signals),
        flow_(desk.flow()),
        client_(flow_, api_, desk.home->journal(), {}),
        begin_ms_(desk.clock.uptime_ms()) {}

  Checked<void> load() {
    const std::string text = KB_TRY(read_text_file(options_.list));
    const auto read = provider::parse_order_list(text);
    if (!read) {
      return problem(read.error().code,
                     fmt::format("{}: {}", options_.list.string(), read.error().text));
    }
    list_ = *read;
    loaded_ = KB_TRY(load_payload(options_.file));
    const auto suite = KB_TRY(wished_suite(options_));
    const auto campaign = KB_TRY(wished_campaign(options_));
    wishes_.reserve(list_.size());
    for (const ListedOrder& listed : list_) {
      if (!campaign && !listed.attributes.empty()) {
        return at_line(wishes_.size(), {Errc::kInvalidArgument,
                                        "attributes are for an order of a --campaign; nothing was "
                                        "ordered."});
      }
      wishes_.push_back({.id = listed.id,
                         .device = listed.device,
                         .payload = loaded_->payload,
                         .csv = loaded_->csv,
                         .validity_minutes = validity_minutes(),
                         .suite = suite,
                         .campaign = campaign,
                         .attributes = listed.attributes});
    }
    return check();
  }

  Checked<void> open() {
    // The first by itself: it may ask for a custodian's passphrase, and a commit of several keeps
    // other processes waiting.
    for (std::size_t size = 1; opened_ < wishes_.size(); size = kOpenedAtOnce) {
      KB_TRY(end_if_asked());
      const auto next =
          std::span(wishes_).subspan(opened_, std::min(size, wishes_.size() - opened_));
      provider::RunReport report;
      const auto opened = KB_TRY(client_.open(next, report));
      for (const delivery::JournalOrder& order : opened.orders) {
        console_.result(order_json(order), "order {} for {}: SEQ {}", order.id.text(),
                        order.device.text(), order.seq);
      }
      tell(report);
      const std::size_t before = opened_;
      opened_ += opened.orders.size();
      if (opened.refused) {
        return at_line(opened_, *opened.refused);
      }
      if (opened_ == wishes_.size() || opened_ / kSentAtOnce != before / kSentAtOnce) {
        console_.progress("{} of {} orders are in the journal", opened_, wishes_.size());
      }
    }
    return {};
  }

  Checked<void> send() {
    std::vector<delivery::OrderId> ids;
    ids.reserve(list_.size());
    for (const ListedOrder& listed : list_) {
      ids.push_back(listed.id);
    }
    for (std::size_t done = 0; done < ids.size();) {
      KB_TRY(end_if_asked());
      const std::size_t count = std::min(kSentAtOnce, ids.size() - done);
      provider::RunReport report;
      const auto sent = client_.send_orders(std::span(ids).subspan(done, count), report);
      tell(report);
      if (!sent) {
        return std::unexpected(sent.error());
      }
      tell_unsent(*sent);
      if (sent->over_limit == 0) {
        done += count;
        taken_ += sent->taken;
        console_.progress("{} of {} orders are sent", taken_, ids.size());
        continue;
      }
      KB_TRY(wait_for_limit(sent->retry_after_seconds, taken_ + sent->taken));
    }
    return {};
  }

  std::size_t opened() const { return opened_; }
  std::size_t troubles() const { return in_trouble_.size(); }

 private:
  std::uint32_t validity_minutes() const {
    return static_cast<std::uint32_t>(options_.validity_minutes);
  }

  static std::unexpected<Problem> at_line(std::size_t index, const Problem& why) {
    return problem(why.code, fmt::format("line {}: {}", index + 1, why.text));
  }

  // All or none: whatever is wrong with one is said before the first is opened.
  Checked<void> check() {
    std::vector<delivery::DeviceId> devices;
    std::vector<std::size_t> lines;
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      const auto known = flow_.known(wishes_[i]);
      if (!known) {
        return at_line(i, known.error());
      }
      if (!*known) {
        devices.push_back(wishes_[i].device);
        lines.push_back(i);
      }
    }
    if (devices.empty()) {
      return {};
    }
    KB_TRY(check_devices({}));  // what is wrong with no line
    KB_TRY(check_lines(devices, lines));
    return wishes_.front().campaign ? check_campaign(*wishes_.front().campaign) : Checked<void>();
  }

  Checked<void> check_lines(std::span<const delivery::DeviceId> devices,
                            std::span<const std::size_t> lines) const {
    const auto all = check_devices(devices);
    for (std::size_t i = 0; !all && i < devices.size(); ++i) {
      if (const auto one = check_devices(devices.subspan(i, 1)); !one) {
        return at_line(lines[i], one.error());
      }
    }
    return all;
  }

  Checked<void> check_devices(std::span<const delivery::DeviceId> devices) const {
    const OrderWish& any = wishes_.front();
    return flow_.check(any.payload, any.csv, devices, any.validity_minutes, any.suite);
  }

  // Where it takes no more orders, each of ours would be turned down.
  Checked<void> check_campaign(const delivery::CampaignId& id) {
    const auto status = delivery::CampaignApi(http_).campaign(id);
    if (!status) {
      return problem(status.error().code,
                     fmt::format("Campaign {} cannot be looked at: {}. Nothing was ordered.",
                                 id.text(), status.error().detail.text()));
    }
    if (!delivery::is_open(status->state) || status->terms.not_after < clock_.now()) {
      return problem(Errc::kState,
                     fmt::format("Campaign {} has ended or is ending ({}) and takes no more "
                                 "orders; nothing was ordered.",
                                 id.text(), delivery::name(status->state)));
    }
    return {};
  }

  Checked<void> end_if_asked() const {
    if (signals_.requested()) {
      return problem(Errc::kInterrupted,
                     "It was asked to end. The same command again goes on with the list.");
    }
    return {};
  }

  Checked<void> wait_for_limit(std::uint32_t seconds, std::size_t taken) {
    const std::int64_t passed_ms = clock_.uptime_ms() - begin_ms_;
    const std::int64_t wait_ms = std::int64_t{1'000} * seconds;
    if (options_.timeout_seconds != 0 &&
        passed_ms + wait_ms > std::int64_t{1'000} * options_.timeout_seconds) {
      return problem(Errc::kInterrupted,
                     fmt::format("The distributor limits how many orders of ours it takes, and "
                                 "--timeout comes before its Retry-After of {} s.",
                                 seconds));
    }
    console_.progress(
        "{} of {} orders are sent; the distributor limits how many it takes. Going on in {} s.",
        taken, list_.size(), seconds);
    signals_.pause(std::chrono::milliseconds(wait_ms));
    return {};
  }

  void tell(const provider::RunReport& report) {
    for (const provider::RunEvent& event : report.events) {
      tell_once(event.order, event.text, in_trouble_);
    }
  }

  void tell_unsent(const provider::SentOrders& sent) {
    for (const delivery::OrderId& order : sent.expired) {
      tell_once(
          order,
          "It expired before the distributor confirmed it; nothing was installed. Order anew, "
          "by another id.",
          in_trouble_);
    }
    for (const delivery::OrderId& order : sent.cancelled) {
      tell_once(order, "It was taken back before the distributor confirmed it.", taken_back_);
    }
  }

  void tell_once(const delivery::OrderId& order,
                 std::string_view text,
                 std::set<delivery::OrderId>& told) {
    if (told.insert(order).second) {
      console_.progress("order {}: {}", order.text(), text);
    }
  }

  const ProviderOptions& options_;
  Console console_;
  const Clock& clock_;
  delivery::HttpClient& http_;
  delivery::ProviderApi api_;
  StopSignals& signals_;
  provider::OrderFlow flow_;
  provider::ProviderClient client_;
  const std::int64_t begin_ms_;
  std::optional<LoadedPayload> loaded_;
  std::vector<ListedOrder> list_;
  std::vector<OrderWish> wishes_;
  std::size_t opened_ = 0;
  std::size_t taken_ = 0;
  std::set<delivery::OrderId> in_trouble_;
  std::set<delivery::OrderId> taken_back_;
};

}  // namespace

int provider_order_list(const Program& program, const ProviderOptions& options) {
  // At a terminal the passphrase is asked for first, and Ctrl-C there ends the program at once.
  std::optional<StopSignals> signals;
  if (isatty(STDIN_FILENO) == 0) {
    signals.emplace();
  }
  std::size_t opened = 0;
  std::size_t troubles = 0;
  const auto done = [&]() -> Checked<void> {
    const auto desk = KB_TRY(ProviderDesk::open(program, options));
    if (!signals) {
      signals.emplace();
    }
    const auto http = KB_TRY(desk->connect(options, signals->token()));
    ListRun run(program, options, *desk, *http, *signals);
    KB_TRY(run.load());
    const auto in_journal = run.open();
    opened = run.opened();
    const auto sent = in_journal ? run.send() : in_journal;
    troubles = run.troubles();
    return sent;
  }();
  if (!done) {
    return report_problem(program, done.error(),
                          opened > 0 ? "not everything was ordered; what was opened is in the "
                                       "journal and is sent by: kagibin provider run"
                                     : "no order was opened");
  }
  if (troubles > 0) {
    return report_problem(
        program,
        {Errc::kState,
         fmt::format("{} orders of the list are not on their way; the lines above say why",
                     troubles)},
        "the list is done");
  }
  return kExitOk;
}

}  // namespace kagibin::cli
