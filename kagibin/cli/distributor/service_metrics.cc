// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/service_metrics.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "kagibin/cli/distributor/process_figures.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"
#include "kagibin/roles/key_distribution_operator/routes.h"

namespace kagibin::cli {

namespace kdo = roles::key_distribution_operator;
using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Seconds = std::chrono::duration<double>;

namespace {

Histogram::BucketBoundaries seconds_buckets() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}
Histogram::BucketBoundaries requests_buckets() { return {1, 2, 4, 8, 16, 32, 64}; }

constexpr std::array kStates = {delivery::State::kOrdered,  delivery::State::kEnrolled,
                                delivery::State::kSealed,   delivery::State::kHandedOver,
                                delivery::State::kReported, delivery::State::kConfirmed,
                                delivery::State::kRefused,  delivery::State::kUnknown,
                                delivery::State::kExpired,  delivery::State::kCancelled};
static_assert(kStates.size() == delivery::kStateCount);

struct Window {
  const char* name;
  std::int64_t seconds;
};
constexpr std::array kWindows = {Window{"1m", 60}, Window{"1h", 3'600}, Window{"1d", 86'400}};

std::string text_of(std::string_view view) { return std::string(view); }

double of(std::size_t number) { return static_cast<double>(number); }

}  // namespace

// Families live as long as the registry.
struct ServiceMetrics::Series {
  Family<Gauge>& gauges(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(*registry);
  }
  Family<Counter>& counters(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(*registry);
  }
  Family<Histogram>& histograms(const char* name, const char* help) {
    return BuildHistogram().Name(name).Help(help).Register(*registry);
  }
  Gauge& gauge(const char* name, const char* help) { return gauges(name, help).Add({}); }
  Counter& counter(const char* name, const char* help) { return counters(name, help).Add({}); }

  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  // Of the store, shown while it answers: a registry of its own.
  std::shared_ptr<prometheus::Registry> of_store = std::make_shared<prometheus::Registry>();
  Family<Gauge>& orders =
      BuildGauge().Name("kagibin_orders").Help("Orders in the store, by state").Register(*of_store);
  Family<Gauge>& oldest =
      BuildGauge()
          .Name("kagibin_oldest_order_seconds")
          .Help("Age of the oldest order in a state in which somebody is waited for; 0: none")
          .Register(*of_store);
  Gauge& log_entries = BuildGauge()
                           .Name("kagibin_audit_log_entries")
                           .Help("Entries of the audit log that have a place")
                           .Register(*of_store)
                           .Add({});
  Gauge& without_place = BuildGauge()
                             .Name("kagibin_audit_entries_without_place")
                             .Help("Entries of the audit log that wait for a place, up to 10000")
                             .Register(*of_store)
                             .Add({});

  Gauge& store_up = gauge("kagibin_store_up", "1: the store answers");
  Gauge& draining = gauge("kagibin_draining", "1: this distributor is about to end");
  Family<Gauge>& certificates = gauges("kagibin_certificate_expires_timestamp_seconds",
                                       "Until when the server's and the CA's certificate is good");
  Gauge& log_stands =
      gauge("kagibin_audit_log_stands", "1: this distributor cannot extend the audit log");
  Gauge& last_signed = gauge("kagibin_audit_log_signed_timestamp_seconds",
                             "When this distributor last signed the audit log; 0: not yet");
  Counter& placed = counter("kagibin_audit_entries_placed_total",
                            "Entries of the audit log that this distributor gave a place");
  Histogram& commit = histograms("kagibin_commit_seconds", "Commits that changed something")
                          .Add({}, seconds_buckets());
  Histogram& batch = histograms("kagibin_batch_requests", "Requests that were committed together")
                         .Add({}, requests_buckets());
  Family<Counter>& commits_failed = counters(
      "kagibin_commits_failed_total", "Requests and ticks that the store did not take, by error");
  Counter& expired = counter("kagibin_expired_total", "Orders and attempts whose time was over");
  Gauge& connections = gauge("kagibin_connections", "Connections that are open");
  Counter& refused =
      counter("kagibin_connections_refused_total", "Connections over --max-connections");
  Family<Counter>& handshakes =
      counters("kagibin_handshakes_total", "TLS handshakes, by whether they succeeded");
  Counter& shaken = handshakes.Add({{"result", "ok"}});
  Counter& not_shaken = handshakes.Add({{"result", "failed"}});
  Gauge& waiting = gauge("kagibin_waiting_requests", "Requests that are held back for news");
  Gauge& queued = gauge("kagibin_queued_requests", "Requests that wait for the handler");
  Family<Counter>& requests = counters("kagibin_requests_total", "Answers, by route and status");
  Family<Histogram>& seconds =
      histograms("kagibin_request_seconds",
                 "From a request's header to its answer, by route; without those held back");
  Family<Gauge>& seen = gauges("kagibin_members_seen",
                               "Members that this distributor heard of lately, by kind and window");
  Family<Gauge>& newest =
      gauges("kagibin_member_last_seen_timestamp_seconds",
             "When this distributor last heard of any member of the kind; 0: not yet");
  Counter& cpu = counter("process_cpu_seconds_total", "Processor time of this process");
  Gauge& memory = gauge("process_resident_memory_bytes", "Memory of this process");
  Gauge& open_files = gauge("process_open_fds", "Open files of this process");
  Gauge& max_files = gauge("process_max_fds", "How many it may have");
  Gauge& started = gauge("process_start_time_seconds", "When this process began");

  // By route and status, as the server's thread met them.
  std::map<std::pair<const kdo::Route*, int>, Counter*> by_status{};
  std::map<const kdo::Route*, Histogram*> by_route{};
};

ServiceMetrics::ServiceMetrics(const Clock& clock)
    : clock_(clock), series_(std::make_unique<Series>()) {
  series_->gauges("kagibin_build_info", "The version, as a label")
      .Add({{"version", KAGIBIN_VERSION}})
      .Set(1);
  for (const delivery::State state : kStates) {
    series_->orders.Add({{"state", text_of(delivery::name(state))}});
  }
  // There from the beginning, so that the first failure is an increase.
  for (const Errc code : {Errc::kNoSpace, Errc::kInterrupted, Errc::kIo, Errc::kStore}) {
    series_->commits_failed.Add({{"code", text_of(name(code))}});
  }
  series_->started.Set(static_cast<double>(clock.now()));
}

ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::connections(std::size_t open) { series_->connections.Set(of(open)); }
void ServiceMetrics::connection_refused() { series_->refused.Increment(); }
void ServiceMetrics::waiting(std::size_t answers) { series_->waiting.Set(of(answers)); }
void ServiceMetrics::queued(std::size_t requests) { series_->queued.Set(of(requests)); }
void ServiceMetrics::draining() { series_->draining.Set(1); }

void ServiceMetrics::certificate(const std::string& which, std::int64_t not_after) {
  series_->certificates.Add({{"certificate", which}}).Set(static_cast<double>(not_after));
}

void ServiceMetrics::handshake(bool succeeded) {
  (succeeded ? series_->shaken : series_->not_shaken).Increment();
}

void ServiceMetrics::answered(const net::AnsweredRequest& request) {
  const kdo::Route* route = kdo::find_route(request.method, request.target).route;
  const auto name = [&] { return text_of(route != nullptr ? route->name : "none"); };
  Counter*& counter = series_->by_status[{route, request.status}];
  if (counter == nullptr) {
    counter =
        &series_->requests.Add({{"route", name()}, {"status", std::to_string(request.status)}});
  }
  counter->Increment();
  if (!request.waited) {
    Histogram*& histogram = series_->by_route[route];
    if (histogram == nullptr) {
      histogram = &series_->seconds.Add({{"route", name()}}, seconds_buckets());
    }
    histogram->Observe(Seconds(request.took).count());
  }
  if (request.subject) {
    const auto subject = delivery::Subject::parse(*request.subject);
    if (subject && subject->party == delivery::Party::kProvider) {
      seen_.note(LastSeen::Kind::kProvider, subject->id, clock_.now());
    } else if (subject && subject->party == delivery::Party::kDevice) {
      seen_.note(LastSeen::Kind::kDevice, subject->id, clock_.now());
    }
  }
}

void ServiceMetrics::committing() { commit_begun_ = std::chrono::steady_clock::now(); }

void ServiceMetrics::committed(std::size_t requests, bool changes) {
  series_->batch.Observe(of(requests));
  if (changes) {
    series_->commit.Observe(Seconds(std::chrono::steady_clock::now() - commit_begun_).count());
  }
}

void ServiceMetrics::not_committed(std::size_t /*requests*/, const Error& why) {
  series_->commits_failed.Add({{"code", text_of(name(why.code))}}).Increment();
}

void ServiceMetrics::expired(std::size_t count) { series_->expired.Increment(of(count)); }

void ServiceMetrics::log_extended(std::size_t entries) {
  series_->placed.Increment(of(entries));
  series_->last_signed.Set(static_cast<double>(clock_.now()));
}

void ServiceMetrics::log_stands(const Error* why) {
  series_->log_stands.Set(why != nullptr ? 1 : 0);
}

void ServiceMetrics::ticked() {
  const std::int64_t now = clock_.now();
  if (now - forgot_ >= 60 || now < forgot_) {
    forgot_ = now;
    seen_.forget(now);
  }
}

void ServiceMetrics::take_seen() {
  const std::int64_t now = clock_.now();
  for (const auto& [kind, name] : {std::pair(LastSeen::Kind::kProvider, "provider"),
                                   std::pair(LastSeen::Kind::kDevice, "device")}) {
    for (const Window& window : kWindows) {
      series_->seen.Add({{"party", name}, {"within", window.name}})
          .Set(of(seen_.since(kind, now - window.seconds)));
    }
    series_->newest.Add({{"party", name}}).Set(static_cast<double>(seen_.newest(kind)));
  }
}

void ServiceMetrics::take_process() {
  const ProcessFigures figures = process_figures();
  series_->cpu.Increment(figures.cpu_seconds - series_->cpu.Value());
  series_->memory.Set(static_cast<double>(figures.resident_bytes));
  series_->open_files.Set(static_cast<double>(figures.open_files));
  series_->max_files.Set(static_cast<double>(figures.max_files));
}

std::string ServiceMetrics::text(const delivery::StoreFigures* store) {
  series_->store_up.Set(store != nullptr ? 1 : 0);
  take_seen();
  take_process();
  std::vector<prometheus::MetricFamily> families = series_->registry->Collect();
  if (store != nullptr) {
    for (const delivery::State state : kStates) {
      const prometheus::Labels labels = {{"state", text_of(delivery::name(state))}};
      series_->orders.Add(labels).Set(static_cast<double>(store->in(state)));
      if (!delivery::is_final(state) && state != delivery::State::kExpired) {
        series_->oldest.Add(labels).Set(0);
      }
    }
    for (const delivery::OldestOrder& one : store->oldest) {
      series_->oldest.Add({{"state", text_of(delivery::name(one.state))}})
          .Set(static_cast<double>(std::max<std::int64_t>(clock_.now() - one.created_at, 0)));
    }
    series_->log_entries.Set(static_cast<double>(store->entries));
    series_->without_place.Set(static_cast<double>(store->without_place));
    std::vector<prometheus::MetricFamily> more = series_->of_store->Collect();
    std::ranges::move(more, std::back_inserter(families));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace kagibin::cli
