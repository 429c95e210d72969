// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/players/fleet_provider.h"

#include <algorithm>
#include <charconv>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/roles/service_provider/keys/key_import.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/store/journal_store_sqlite.h"

namespace kagibin::cli::fleet {

namespace provider = roles::service_provider;
using delivery::JournalStep;
using delivery::State;

namespace {

constexpr std::uint32_t kValidityMinutes = 1'440;
constexpr std::size_t kPlacedAtOnce = 16;  // orders between two looks at what changed
constexpr std::chrono::milliseconds kShortPause{2};
constexpr std::chrono::milliseconds kAfterFailure{50};
constexpr std::string_view kOrderPrefix = "order-";
constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};  // no load of a run
constexpr int kOneYear = 365;

std::string payload_text(bool by_certificates) {
  return fmt::format(
      R"({{"target":"{}","channel":{{"key_version":"{:02X}"{}}},"actions":[{{"put_key":{{)"
      R"("replace":"{:02X}","key_version":"{:02X}","key_identifier":"01","keys":[)"
      R"({{"derive":{{"master":"fleet","size":16}}}},{{"derive":{{"master":"fleet","size":16}}}},)"
      R"({{"derive":{{"master":"fleet","size":16}}}}]}}}}]}})",
      domain_aid().hex(), kFirstKeyVersion,
      by_certificates ? fmt::format(R"(,"agreement_key_version":"{:02X}")", kAgreementKeyVersion)
                      : "",
      kFirstKeyVersion, kNewKeyVersion);
}

std::string policy_text(bool by_certificates, const crypto::Digest256& kda_code) {
  return fmt::format(
      R"({{{},"suites":["01"],"attestation_profiles":["ATT-1"],)"
      R"("kda_code_hashes":["{}"],"elements":[{{"device":"nobody","seid":"{:032}"}}],)"
      R"("maximum_validity_minutes":{}}})",
      by_certificates
          ? R"("minimum_level":"RL2")"
          : R"("minimum_level":"RL1","accept_rl1":"a load of virtual elements","issuer_is_carrier":false)",
      to_hex(kda_code), 0, kValidityMinutes);
}

std::optional<std::uint32_t> number_of(std::string_view order) {
  std::uint32_t out = 0;
  order.remove_prefix(std::min(order.size(), kOrderPrefix.size()));
  const auto [end, error] = std::from_chars(order.data(), order.data() + order.size(), out);
  return error == std::errc() && end == order.data() + order.size() ? std::optional(out)
                                                                    : std::nullopt;
}

}  // namespace

struct FleetProvider::Own {
  std::unique_ptr<delivery::JournalStore> journal;
  std::unique_ptr<provider::KeyStore> keys;
  std::string exchange_pem;
  provider::Policy policy;
  provider::Trust trust;
  std::optional<pki::Certificate> certificate;
  std::optional<provider::ShipmentBook> shipments;
  std::optional<provider::PayloadFile> payload;
  provider::CsvFiles csv;
  std::optional<provider::OrderFlow> flow;
  DistributorSite::Transport transport;
  std::unique_ptr<delivery::HttpClient> client;
  std::optional<FaultyHttp> http;
  std::optional<delivery::ProviderApi> api;
  std::optional<provider::ProviderClient> loop;
};

FleetProvider::FleetProvider(std::uint32_t index, const Parts& parts)
    : index_(index), parts_(parts), own_(std::make_unique<Own>()) {}

FleetProvider::~FleetProvider() = default;

Checked<std::unique_ptr<FleetProvider>> FleetProvider::create(std::uint32_t index,
                                                              const Parts& parts) {
  std::unique_ptr<FleetProvider> out(new FleetProvider(index, parts));
  KB_TRY(parts.rng.fill(out->spid_.octets));
  KB_TRY(out->make());
  return out;
}

Checked<void> FleetProvider::make_keys() {
  Own& own = *own_;
  const std::filesystem::path folder = parts_.folder / fmt::format("provider-{}", index_);
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  own.journal = KB_TRY(store::open_journal_store({.path = folder / "journal.sqlite3"}));
  const SecretBytes passphrase = KB_TRY(crypto::random_secret(parts_.rng, 32));
  own.keys = std::make_unique<provider::KeyStore>(
      KB_TRY(crypto::RecordFolder::create(folder / "keys", passphrase, parts_.rng, kCheap)),
      *own.journal, parts_.rng);
  KB_TRY(own.keys->create_signing_key());
  KB_TRY(own.keys->create_exchange_key());
  KB_TRY(own.keys->create_master_key("fleet", 32));
  const crypto::SigningKey exchange = KB_TRY(own.keys->exchange_key_as_signer());
  own.exchange_pem = KB_TRY(crypto::self_signed_certificate(
      exchange, "fleet provider", parts_.clock.now(), kOneYear, false, parts_.rng));
  return {};
}

Checked<void> FleetProvider::make() {
  KB_TRY(make_keys());
  Own& own = *own_;
  const crypto::SigningKey signing = KB_TRY(own.keys->signing_key());
  const Bytes octets = KB_TRY(pki::sign_certification_request(
      pki::CertificateKind::kServiceProvider, spid_.octets, signing, parts_.rng));
  const auto request = KB_TRY(pki::CertificationRequest::decode(octets));
  own.certificate = KB_TRY(parts_.founders.certify_provider(request));
  own.trust.anchors = parts_.founders.anchors();
  const bool by_certificates = parts_.founders.by_certificates();
  own.policy = KB_TRY(provider::Policy::parse(policy_text(
      by_certificates,
      parts_.founders.modules().load_file(se::key_delivery_load_file().aid)->code_hash())));
  own.payload = KB_TRY(provider::PayloadFile::parse(payload_text(by_certificates)));
  own.shipments.emplace(*own.journal);
  own.flow.emplace(provider::ProviderContext{.policy = own.policy,
                                             .trust = own.trust,
                                             .certificate = *own.certificate,
                                             .keys = *own.keys,
                                             .shipments = *own.shipments,
                                             .journal = *own.journal,
                                             .clock = parts_.clock,
                                             .rng = parts_.rng});
  if (parts_.site.over_tls()) {
    own.transport = KB_TRY(parts_.site.identity(delivery::provider_subject(spid_)));
  }
  own.http.emplace(parts_.conditions, Dice(parts_.seed, 0xA000'0000U + index_));
  own.http->on_answer = [this](const auto& sent, const auto& answer) {
    // PUT /v1/orders/order-7/attempts/1/verdict
    constexpr int kRefusals = 300;
    const std::size_t at = sent.target.find(kOrderPrefix);
    if (sent.method == delivery::HttpMethod::kPut && sent.target.ends_with("/verdict") &&
        answer.status < kRefusals && at != std::string::npos) {
      const std::string_view order = std::string_view(sent.target).substr(at);
      if (const auto number = number_of(order.substr(0, order.find('/')))) {
        parts_.board.verdict_taken(*number, watch_.seconds());
      }
    }
  };
  own.api.emplace(*own.http);
  own.loop.emplace(*own.flow, *own.api, *own.journal, provider::ClientOptions{});
  return {};
}

Checked<void> FleetProvider::adopt(std::vector<Adoption> elements) {
  Own& own = *own_;
  std::vector<delivery::ShippedElement> shipped;
  std::vector<delivery::KeyExport> exports;
  for (Adoption& one : elements) {
    own.policy.elements.emplace(one.device->name.text(), one.device->seid);
    shipped.push_back(std::move(one.element.shipped));
    exports.push_back(std::move(one.element.domain_keys));
  }
  const std::string list = KB_TRY(parts_.founders.shipment(shipped));
  KB_TRY(
      own.shipments->import(list, own.trust, pki::CertificateDate::from_unix(parts_.clock.now())));
  if (!parts_.founders.by_certificates()) {  // where it opens the channel with that set
    const Bytes file = KB_TRY(parts_.founders.key_exports(exports, own.exchange_pem));
    KB_TRY(provider::import_key_exports(file, parts_.founders.manager_key(), own.exchange_pem,
                                        *own.shipments, *own.journal, *own.keys));
  }
  return {};
}

Result<void> FleetProvider::connect(std::stop_token stop) {
  own_->client =
      KB_TRY(parts_.site.connect(delivery::provider_subject(spid_), own_->transport.certificate_pem,
                                 own_->transport.key_pem, std::move(stop)));
  own_->http->use(*own_->client);
  return {};
}

void FleetProvider::connect_inside() {
  own_->client = parts_.site.connect_inside(delivery::provider_subject(spid_));
  own_->http->use(*own_->client);
}

delivery::OrderId FleetProvider::order_id(std::uint32_t number) const {
  return *delivery::OrderId::from(fmt::format("{}{}", kOrderPrefix, number));
}

Checked<void> FleetProvider::order(const VirtualDevice& device, double due) {
  const delivery::OrderId id = order_id(device.number);
  KB_TRY(own_->flow->open({.id = id,
                           .device = device.name,
                           .payload = *own_->payload,
                           .csv = own_->csv,
                           .validity_minutes = kValidityMinutes}));
  parts_.board.opened(device.number, due);
  const auto sent = own_->loop->submit(id);
  if (!sent && sent.error().code != Errc::kNetwork && sent.error().code != Errc::kInterrupted) {
    return sent;
  }
  return {};
}

Checked<bool> FleetProvider::round(std::uint32_t wait_seconds, VisitQueue* queue) {
  const auto report = own_->loop->run_once(wait_seconds);
  const std::vector<provider::RunEvent> events =
      report ? report->events : own_->loop->take_untold();
  for (const provider::RunEvent& event : events) {
    const auto number = number_of(event.order.text());
    if (!number) {
      continue;
    }
    parts_.board.moved(*number, event.state, event.attempt, watch_.seconds());
    if (event.trouble) {
      parts_.board.trouble(fmt::format("order {} attempt {} {}: {}", event.order.text(),
                                       event.attempt, delivery::name(event.state), event.text));
    }
    if (queue != nullptr && event.attempt > 1) {
      queue->call(*number);
    }
  }
  if (!report) {
    return std::unexpected(report.error());
  }
  return report->news;
}

// False when none is due.
Checked<bool> FleetProvider::place_next(const Load& load) {
  if (placed_ == load.devices.size()) {
    return false;
  }
  const bool when_free = load.pattern.kind == ArrivalPattern::Kind::kInFlight;
  const double now = watch_.seconds();
  if (when_free) {
    const OrderBoard::Count count = parts_.board.count();
    if (count.opened - count.ended >= static_cast<std::uint32_t>(load.pattern.value)) {
      return false;
    }
  } else if (next_due_ > now) {
    return false;
  }
  const VirtualDevice& device = *load.devices[placed_];
  KB_TRY(order(device, when_free ? now : next_due_));
  load.queue.call(device.number);
  ++placed_;
  return true;
}

bool FleetProvider::has_all_ended(const Load& load) const {
  return placed_ == load.devices.size() &&
         std::ranges::all_of(load.devices, [&](const VirtualDevice* device) {
           return parts_.board.has_ended(device->number);
         });
}

Checked<void> FleetProvider::follow(const Load& load, const std::stop_token& stop) {
  const CpuScope scope(parts_.meter, Player::kProvider);
  Arrivals arrivals(load.pattern, parts_.seed + index_);
  next_due_ = arrivals.next();
  while (!stop.stop_requested()) {
    for (std::size_t i = 0; i < kPlacedAtOnce; ++i) {
      const bool placed = KB_TRY(place_next(load));
      if (!placed) {
        break;
      }
      next_due_ = arrivals.next();
    }
    const bool more_to_place = placed_ < load.devices.size();
    auto news = round(more_to_place ? 0 : 1, &load.queue);
    if (!news && (news.error().code == Errc::kNetwork || news.error().code == Errc::kHttp ||
                  news.error().code == Errc::kTls || news.error().code == Errc::kInterrupted)) {
      std::this_thread::sleep_for(kAfterFailure);
      continue;
    }
    const bool something = KB_TRY(std::move(news));
    if (something) {
      continue;
    }
    if (more_to_place) {
      std::this_thread::sleep_for(kShortPause);
    } else if (has_all_ended(load)) {
      const bool told = KB_TRY(all_acknowledged());
      if (told) {
        return {};
      }
    }
  }
  return {};
}

Checked<bool> FleetProvider::all_acknowledged() {
  const auto waiting = KB_TRY(own_->journal->unacknowledged());
  return waiting.empty();
}

Checked<FleetProvider::Evidence> FleetProvider::evidence(const VirtualDevice& device) {
  Evidence out;
  const delivery::OrderId id = order_id(device.number);
  const auto order = KB_TRY(own_->journal->find_order(id));
  if (!order) {
    return out;
  }
  out.is_ordered = true;
  out.state = order->state;
  for (delivery::AttemptNumber attempt = 1; attempt <= order->current_attempt; ++attempt) {
    const auto receipt = KB_TRY(own_->journal->find_entry(id, attempt, JournalStep::kReceipt));
    const auto verdict = KB_TRY(own_->journal->find_entry(id, attempt, JournalStep::kVerdict));
    out.has_receipt = out.has_receipt || (receipt && verdict);
  }
  out.new_keys = KB_TRY(own_->keys->channel_keys(device.seid, domain_aid(), kNewKeyVersion));
  return out;
}

Checked<std::vector<FleetProvider::Listed>> FleetProvider::listing(std::uint32_t count) {
  constexpr std::uint32_t kPage = 100;
  std::vector<Listed> out(count);
  std::string cursor;
  for (int failures = 0; failures < 10;) {
    const auto page = own_->api->list(std::nullopt, cursor, kPage);
    if (!page) {
      ++failures;
      std::this_thread::sleep_for(kAfterFailure);
      continue;
    }
    for (const delivery::ListedAttempt& attempt : page->attempts) {
      const auto number = number_of(attempt.order.text());
      if (number && *number < count) {
        ++out[*number].attempts;
        out[*number].confirmed += attempt.state == State::kConfirmed ? 1U : 0U;
      }
    }
    if (!page->more) {
      return out;
    }
    cursor = page->next;
  }
  return problem(Errc::kNetwork, "The distributor did not list its orders at the end.");
}

}  // namespace kagibin::cli::fleet
