// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/roles/real_provider.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/roles/service_provider/keys/key_import.h"
#include "kagibin/se/kda/key_delivery_application.h"

#include "tests/support/must.h"

namespace kagibin::simulation {

using cli::fleet::kAgreementKeyVersion;
using cli::fleet::kFirstKeyVersion;
using delivery::JournalStep;
using delivery::State;
using provider::Checked;
using test::must;

namespace {

constexpr std::uint32_t kValidityMinutes = 90;
constexpr std::uint32_t kWaitSeconds = 50;
// What waits for an order before it until then is not ordered any more, so that all ends in time.
constexpr Moment kPlacesUntil = 2 * kHour;
constexpr Moment kAfterFailure = 3 * kSecond;
constexpr std::uint64_t kLongestPause = 3'000'000;  // microseconds
constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};
constexpr int kOneYear = 365;
constexpr std::string_view kPassphrase = "a passphrase for simulations";

std::string policy_text(bool by_certificates,
                        bool keeps_enrolments,
                        const crypto::Digest256& kda_code) {
  return fmt::format(
      R"({{{},"suites":["01"],"attestation_profiles":["ATT-1"],"kda_code_hashes":["{}"],)"
      R"("elements":[{{"device":"nobody","seid":"{:032}"}}],"maximum_validity_minutes":{}{}}})",
      by_certificates
          ? R"("minimum_level":"RL2")"
          : R"("minimum_level":"RL1","accept_rl1":"a simulation","issuer_is_carrier":false)",
      to_hex(kda_code), 0, kValidityMinutes,
      keeps_enrolments ? R"(,"keep_enrolment_minutes":60)" : "");
}

bool has_ended(State state) {
  return delivery::is_final(state) || state == State::kExpired || state == State::kUnknown;
}

}  // namespace

std::uint8_t RealProvider::number_of(const delivery::OrderId& order) {
  const std::string_view text = order.text();
  const std::string_view digits = text.substr(text.rfind('.') + 1);
  std::uint8_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

struct RealProvider::Own {
  std::shared_ptr<delivery::JournalStore> file;
  std::unique_ptr<RoleJournal> journal;
  std::unique_ptr<provider::KeyStore> keys;
  provider::Policy policy;
  provider::Trust trust;
  std::optional<pki::Certificate> certificate;  // its file
  std::optional<provider::ShipmentBook> shipments;
  provider::CsvFiles csv;
  std::optional<provider::OrderFlow> flow;
  std::unique_ptr<RoleHttp> http;
  std::optional<delivery::ProviderApi> api;
  std::optional<provider::ProviderClient> client;
};

RealProvider::RealProvider(Ground& ground, const std::string& name, const Parts& parts)
    : ProviderSide(ground, name),
      parts_(parts),
      time_(ground.time),
      clock_(ground.time),
      own_(new Own) {
  must(parts_.rng.fill(spid_.octets));
  std::filesystem::create_directories(parts_.folder);
  make();
}

RealProvider::~RealProvider() = default;

void RealProvider::make() {
  static_cast<void>(must(crypto::RecordFolder::create(
      parts_.folder / "keys", SecretBytes::copy_of(ascii(kPassphrase)), parts_.rng, kCheap)));
  own_->trust.anchors = parts_.founders.anchors();
  own_->policy = must(provider::Policy::parse(policy_text(
      parts_.founders.by_certificates(), parts_.keeps_enrolments,
      parts_.founders.modules().load_file(se::key_delivery_load_file().aid)->code_hash())));
  own_->file = must(parts_.stores.open_journal(parts_.folder / "journal"));
  own_->keys = std::make_unique<provider::KeyStore>(
      must(crypto::RecordFolder::open(parts_.folder / "keys",
                                      SecretBytes::copy_of(ascii(kPassphrase)))),
      *own_->file, parts_.rng);
  must(own_->keys->create_signing_key());
  must(own_->keys->create_exchange_key());
  const Bytes octets =
      must(pki::sign_certification_request(pki::CertificateKind::kServiceProvider, spid_.octets,
                                           must(own_->keys->signing_key()), parts_.rng));
  own_->certificate =
      must(parts_.founders.certify_provider(must(pki::CertificationRequest::decode(octets))));
  own_->shipments.emplace(*own_->file);
}

void RealProvider::wish(const Wish& wish) {
  queues_[std::string(wish.device.text())].wishes.push_back(wishes().size());
  final_.emplace_back();
  ProviderSide::wish(wish);
}

void RealProvider::adopt(const delivery::DeviceId& device,
                         const Seid& seid,
                         cli::fleet::NewElement element) {
  own_->policy.elements.emplace(device.text(), seid);
  const std::string list = must(parts_.founders.shipment(std::span(&element.shipped, 1)));
  must(own_->shipments->import(list, own_->trust, pki::CertificateDate::from_unix(clock_.now())));
  if (!parts_.founders.by_certificates()) {
    const std::string pem =
        must(crypto::self_signed_certificate(must(own_->keys->exchange_key_as_signer()), name(),
                                             clock_.now(), kOneYear, false, parts_.rng));
    const Bytes file = must(parts_.founders.key_exports(std::span(&element.domain_keys, 1), pem));
    must(provider::import_key_exports(file, parts_.founders.manager_key(), pem, *own_->shipments,
                                      *own_->file, *own_->keys));
  }
}

// On what is durable: folder, policy, certificate.
Result<void> RealProvider::open() {
  Own& own = *own_;
  read_.reset();
  own.file = KB_TRY(parts_.stores.open_journal(parts_.folder / "journal"));
  own.journal = std::make_unique<RoleJournal>(*own.file, *this);
  own.journal->on_record = [this](const delivery::JournalEntry& entry) {
    if (!delivery::is_envelope(entry.message)) {
      return;
    }
    const auto envelope = must(envelope::Envelope::decode(entry.message));
    const auto header = must(envelope::EnvelopeHeader::decode(envelope.header));
    parts_.sealed.insert_or_assign(
        Bytes(header.handle.octets.begin(), header.handle.octets.end()),
        SealedFor{.provider = spid_, .order = entry.order, .seq = header.seq});
  };
  own.keys = std::make_unique<provider::KeyStore>(
      must(crypto::RecordFolder::open(parts_.folder / "keys",
                                      SecretBytes::copy_of(ascii(kPassphrase)))),
      *own.journal, parts_.rng);
  own.shipments.emplace(*own.journal);
  own.flow.emplace(provider::ProviderContext{.policy = own.policy,
                                             .trust = own.trust,
                                             .certificate = *own.certificate,
                                             .keys = *own.keys,
                                             .shipments = *own.shipments,
                                             .journal = *own.journal,
                                             .clock = clock_,
                                             .rng = parts_.rng});
  own.http = std::make_unique<RoleHttp>(parts_.network, *this,
                                        delivery::provider_subject(spid_).common_name());
  if (parts_.on_answer) {
    own.http->on_answer = [this](const auto& request, auto& answer) {
      parts_.on_answer(request, answer, *own_->file);
    };
  }
  own.api.emplace(*own.http);
  own.client.emplace(*own.flow, *own.api, *own.journal, provider::ClientOptions{});
  return {};
}

void RealProvider::close() {
  Own& own = *own_;
  own.client.reset();
  own.api.reset();
  own.http.reset();
  own.flow.reset();
  own.shipments.reset();
  own.keys.reset();
  own.journal.reset();
  own.file.reset();
}

std::uint8_t RealProvider::version_of(const Wish& wish) const {
  return static_cast<std::uint8_t>(kFirstKeyVersion + number_of(wish.id));
}

std::string RealProvider::payload_of(const Wish& wish, std::uint8_t held) const {
  return fmt::format(
      R"({{"target":"{}","channel":{{"key_version":"{:02X}"{}}},"actions":[{{"put_key":{{)"
      R"("replace":"{:02X}","key_version":"{:02X}","key_identifier":"01",)"
      R"("keys":[{{"random":16}},{{"random":16}},{{"random":16}}]}}}}]}})",
      cli::fleet::domain_aid().hex(), held,
      parts_.founders.by_certificates()
          ? fmt::format(R"(,"agreement_key_version":"{:02X}")", kAgreementKeyVersion)
          : "",
      held, version_of(wish));
}

// By the device's orders before the next one, which were all made.
Checked<std::optional<std::uint8_t>> RealProvider::held(const Queue& queue) {
  std::uint8_t held = kFirstKeyVersion;
  for (const std::size_t index : std::span(queue.wishes).first(queue.next)) {
    const State state = KB_TRY(state_of(index));
    const bool will_be = parts_.orders_early && !has_ended(state);
    if (state == State::kUnknown || (!has_ended(state) && !will_be)) {
      return std::nullopt;
    }
    if (state == State::kConfirmed || will_be) {
      held = version_of(wishes()[index]);
    }
  }
  return held;
}

// Final states do not change any more, and are not looked up again.
Checked<State> RealProvider::state_of(std::size_t index) {
  std::optional<State>& kept = final_.at(index);
  if (kept) {
    return *kept;
  }
  const auto order = KB_TRY(own_->journal->find_order(wishes()[index].id));
  if (!order) {
    return provider::problem(Errc::kNotFound, "an order that was made is not there");
  }
  if (delivery::is_final(order->state)) {
    kept = order->state;
  }
  return order->state;
}

Checked<void> RealProvider::place_next(Queue& queue) {
  const Wish& wish = wishes()[queue.wishes.at(queue.next)];
  const auto known = KB_TRY(own_->journal->find_order(wish.id));
  if (!known) {
    const auto version = KB_TRY(held(queue));
    if (!version) {
      queue.waits = true;
      return {};
    }
    const provider::PayloadFile payload =
        KB_TRY(provider::PayloadFile::parse(payload_of(wish, *version)));
    provider::OrderWish order{.id = wish.id,
                              .device = wish.device,
                              .payload = payload,
                              .csv = own_->csv,
                              .validity_minutes = kValidityMinutes};
    join_campaign(order, queue.wishes[queue.next]);
    KB_TRY(own_->flow->open(order));
  }
  ++queue.next;
  if (known && known->current_attempt > 0) {
    return {};  // the client sends it again
  }
  return own_->client->submit(wish.id);
}

void RealProvider::join_campaign(provider::OrderWish& order, std::size_t wish) const {
  if (!campaign_) {
    return;
  }
  const CampaignPlan& plan = campaign_->plan();
  const auto member = plan.members.find(wish);
  if (member != plan.members.end()) {
    order.campaign = plan.id;
    order.attributes = member->second;
  }
}

Checked<void> RealProvider::place_due() {
  if (campaign_ && !campaign_->see_to_it(parts_.network, *this, spid_)) {
    return provider::problem(Errc::kInterrupted, "the campaign is not there yet");
  }
  const Moment now = ground_now();
  for (auto& [device, queue] : queues_) {
    while (!queue.waits && now < kPlacesUntil && queue.next < queue.wishes.size() &&
           wishes()[queue.wishes[queue.next]].due <= now) {
      KB_TRY(place_next(queue));
    }
    for (std::size_t i = 0; i < queue.next; ++i) {
      const Wish& wish = wishes()[queue.wishes[i]];
      if (wish.cancelled_at != 0 && wish.cancelled_at <= now &&
          cancelled_.insert(queue.wishes[i]).second) {
        static_cast<void>(own_->client->cancel(wish.id));  // refused where it has ended
        queue.waits = false;
      }
    }
  }
  return {};
}

Moment RealProvider::next_due() const {
  Moment next = ground_now() + static_cast<Moment>(kWaitSeconds) * kSecond;
  for (const Wish& wish : wishes()) {
    for (const Moment moment : {wish.due, wish.cancelled_at}) {
      if (moment > ground_now()) {
        next = std::min(next, moment);
      }
    }
  }
  const Moment change = campaign_ ? campaign_->next_change() : 0;
  return change > ground_now() ? std::min(next, change) : next;
}

void RealProvider::live() {
  cancelled_.clear();
  for (auto& [device, queue] : queues_) {
    queue.next = 0;
    queue.waits = false;
  }
  if (!open()) {
    return;  // and starts again a little later
  }
  while (goes_on()) {
    const auto placed = place_due();
    const auto wait = static_cast<std::uint32_t>(1 + (next_due() - ground_now()) / kSecond);
    const auto report = goes_on() ? own_->client->run_once(wait)
                                  : provider::problem(Errc::kInterrupted, "it ended");
    if (!goes_on()) {
      break;
    }
    if (!report || !placed || report->news || !report->events.empty()) {
      for (auto& [device, queue] : queues_) {
        queue.waits = false;  // an order may have ended
      }
    }
    if (!report || !placed) {
      sleep(kAfterFailure);
    } else if (!report->more) {
      // What changes meanwhile comes in one page.
      sleep(static_cast<Moment>(ground().faults.dice().below(kLongestPause)));
    }
  }
  close();
}

delivery::JournalStore& RealProvider::reader() {
  if (own_->file) {
    return *own_->file;
  }
  if (!read_) {
    read_ = must(parts_.stores.open_journal(parts_.folder / "journal"));
  }
  return *read_;
}

Evidence RealProvider::evidence(const Wish& wish) {
  Evidence out;
  delivery::JournalStore* const journal = &reader();
  const auto order = must(journal->find_order(wish.id));
  if (!order) {
    return out;
  }
  out.is_ordered = true;
  out.seq = order->seq;
  out.state = order->state;
  for (delivery::AttemptNumber attempt = 1; attempt <= order->current_attempt; ++attempt) {
    const auto has = [&](JournalStep step) {
      return must(journal->find_entry(wish.id, attempt, step)).has_value();
    };
    out.has_proof = out.has_proof || ((has(JournalStep::kReceipt) || has(JournalStep::kAnswer)) &&
                                      has(JournalStep::kVerdict));
  }
  for (const delivery::JournalEntry& entry : must(journal->unacknowledged())) {
    out.is_unacknowledged =
        out.is_unacknowledged || (entry.order == wish.id && entry.step != JournalStep::kAnswer &&
                                  entry.step != JournalStep::kReceipt);
  }
  return out;
}

bool RealProvider::is_waiting() {
  delivery::JournalStore& journal = reader();
  const auto has_some = [&](State state) { return !must(journal.orders(state, 1)).empty(); };
  return !must(journal.unacknowledged()).empty() || has_some(State::kOrdered) ||
         has_some(State::kSealed) ||
         std::ranges::any_of(queues_, [&](const auto& one) { return will_go_on(one.second); });
}

// One that is unknown ends its device's queue.
bool RealProvider::will_go_on(const Queue& queue) {
  if (ground_now() >= kPlacesUntil) {
    return false;
  }
  for (const std::size_t index : queue.wishes) {
    const auto order = must(reader().find_order(wishes()[index].id));
    if (!order || order->state == State::kUnknown) {
      return !order;
    }
  }
  return false;
}

std::optional<provider::ChannelKeySet> RealProvider::keys_after(const Wish& wish,
                                                                const Seid& seid) {
  const provider::KeyStore keys(
      must(crypto::RecordFolder::open(parts_.folder / "keys",
                                      SecretBytes::copy_of(ascii(kPassphrase)))),
      reader(), parts_.rng);
  return must(keys.channel_keys(seid, cli::fleet::domain_aid(), version_of(wish)));
}

}  // namespace kagibin::simulation
