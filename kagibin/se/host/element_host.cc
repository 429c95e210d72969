// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/host/element_host.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "kagibin/se/nvm/nvm_log.h"

namespace kagibin::se {

// An element's memory as octets of its slot, and in the store first when there is one.
class ElementHost::Medium final : public NvmMedium {
 public:
  Medium(Slot& slot, std::uint32_t number, std::shared_mutex& memories, HostStore* store)
      : slot_(slot), number_(number), memories_(memories), store_(store) {}

  Result<SecretBytes> read_all() override { return slot_.memory.duplicate(); }

  Result<void> append(ByteView octets) override {
    const std::shared_lock lock(memories_);
    const std::size_t size = slot_.memory.size() + octets.size();
    if (size > ElementSnapshot::kMaxElementOctets) {
      return fail(Errc::kNoSpace, "an element of a host has at most 1 MiB");
    }
    KB_TRY(store({.number = number_, .kind = HostJournal::Kind::kAppend, .octets = octets}));
    SecretBytes grown(size);
    const auto end = std::ranges::copy(slot_.memory.expose(), grown.expose_mutable().begin()).out;
    std::ranges::copy(octets, end);
    slot_.memory = std::move(grown);
    slot_.written = true;
    return {};
  }

  Result<void> replace_all(ByteView octets) override {
    const std::shared_lock lock(memories_);
    if (octets.size() > ElementSnapshot::kMaxElementOctets) {
      return fail(Errc::kNoSpace, "an element of a host has at most 1 MiB");
    }
    KB_TRY(store({.number = number_, .kind = HostJournal::Kind::kReplace, .octets = octets}));
    slot_.memory = SecretBytes::copy_of(octets);
    slot_.written = false;
    return {};
  }

 private:
  Result<void> store(const HostJournal::Write& write) {
    return store_ == nullptr ? Result<void>() : store_->write(write);
  }

  Slot& slot_;
  std::uint32_t number_;
  std::shared_mutex& memories_;
  HostStore* store_;
};

std::unique_ptr<ElementHost::Medium> ElementHost::medium(std::uint32_t number, bool stored) {
  return std::make_unique<Medium>(slots_[number], number, memories_,
                                  stored ? options_.store.get() : nullptr);
}

Result<std::unique_ptr<ElementHost>> ElementHost::create(const Plan& plan,
                                                         Environment environment,
                                                         Options options) {
  if (plan.count == 0 || plan.count > ElementSnapshot::kMaxElements ||
      plan.label.size() > ElementSnapshot::kMaxLabel) {
    return fail(Errc::kLimit, "a host has 1 to 1,000,000 elements");
  }
  if (options.store) {
    const auto there = options.store->load();
    if (there) {
      return fail(Errc::kConflict, "there are elements in this store already");
    }
    if (there.error().code != Errc::kNotFound) {
      return std::unexpected(there.error());
    }
  }
  std::unique_ptr<ElementHost> host(new ElementHost(environment, std::move(options)));
  host->label_ = plan.label;
  host->slots_.resize(plan.count);
  KB_TRY(host->make(plan));
  if (host->options_.store) {
    KB_TRY(host->save());
  }
  return host;
}

Result<void> ElementHost::make_one(const Plan& plan, std::uint32_t number) {
  const ElementProfile profile = KB_TRY(plan.profile(number));
  KB_TRY(Element::create(profile, medium(number, false), environment_.rng, environment_.clock,
                         environment_.modules));
  return {};
}

Result<void> ElementHost::make(const Plan& plan) {
  const std::uint32_t step = std::max(1U, plan.count / 20U);
  std::atomic<std::uint32_t> next = 0;
  std::atomic<bool> given_up = false;
  std::mutex telling;
  std::uint32_t made = 0;
  std::optional<Error> failure;
  const auto work = [&] {
    while (!given_up) {
      const std::uint32_t number = next++;
      if (number >= plan.count) {
        return;
      }
      auto one = plan.stopped && plan.stopped()
                     ? fail(Errc::kInterrupted, "stopped while elements were made")
                     : make_one(plan, number);
      const std::lock_guard lock(telling);
      if (!one) {
        failure = failure ? failure : one.error();
        given_up = true;
      } else if (++made % step == 0 && plan.progress) {
        plan.progress(made);
      }
    }
  };
  const unsigned threads =
      plan.threads != 0 ? plan.threads : std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) {
    others.emplace_back(work);
  }
  work();
  others.clear();
  return failure ? std::unexpected(*failure) : Result<void>();
}

Result<std::unique_ptr<ElementHost>> ElementHost::restore(Environment environment,
                                                          Options options) {
  if (!options.store) {
    return fail(Errc::kState, "there is no store to restore elements from");
  }
  ElementSnapshot snapshot = KB_TRY(options.store->load());
  return restore(std::move(snapshot), environment, std::move(options));
}

Result<std::unique_ptr<ElementHost>> ElementHost::restore(ElementSnapshot snapshot,
                                                          Environment environment,
                                                          Options options) {
  std::unique_ptr<ElementHost> host(new ElementHost(environment, std::move(options)));
  host->label_ = std::move(snapshot.label);
  host->slots_.resize(snapshot.elements.size());
  for (std::size_t i = 0; i < host->slots_.size(); ++i) {
    host->slots_[i].memory = std::move(snapshot.elements[i]);
    host->slots_[i].written = true;
  }
  if (host->options_.store) {
    KB_TRY(host->save());
  }
  return host;
}

ElementHost::~ElementHost() { KB_CHECK(taken_ == 0); }

Result<ElementHost::Lease> ElementHost::take(std::uint32_t number,
                                             std::chrono::milliseconds patience) {
  if (number >= slots_.size()) {
    return fail(Errc::kNotFound, "there is no element of this number");
  }
  Slot& slot = slots_[number];
  {
    std::unique_lock lock(mutex_);
    if (!given_back_.wait_for(lock, patience, [&] { return !slot.taken; })) {
      return fail(Errc::kConflict, "another reader has this element");
    }
    slot.taken = true;
    ++taken_;
    if (const auto place = places_.find(number); place != places_.end()) {
      ready_.erase(place->second);
      places_.erase(place);
    }
  }
  Lease lease(*this, number);
  if (slot.element == nullptr) {
    slot.element = KB_TRY(Element::open(medium(number, true), environment_.rng, environment_.clock,
                                        environment_.modules, options_.changed_code));
  }
  slot.element->power_on();
  return lease;
}

Element& ElementHost::Lease::element() { return *host_->slots_[number_].element; }

ElementHost::Lease::~Lease() {
  if (host_ != nullptr) {
    host_->give_back(number_);
  }
}

void ElementHost::give_back(std::uint32_t number) {
  Slot& slot = slots_[number];
  const bool usable = slot.element != nullptr && !slot.element->nvm().dead();
  if (usable) {
    slot.element->power_off();
  } else {
    slot.element.reset();
  }
  std::vector<std::uint32_t> tired;
  {
    const std::lock_guard lock(mutex_);
    slot.taken = false;
    --taken_;
    if (usable) {
      ready_.push_front(number);
      places_[number] = ready_.begin();
    }
    while (ready_.size() > options_.awake) {
      tired.push_back(ready_.back());
      places_.erase(ready_.back());
      slots_[ready_.back()].taken = true;  // by us, while it falls asleep
      ready_.pop_back();
    }
  }
  given_back_.notify_all();
  for (const std::uint32_t one : tired) {
    sleep(one);
  }
}

void ElementHost::sleep(std::uint32_t number) {
  Slot& slot = slots_[number];
  slot.element.reset();
  // An element whose memory cannot be made compact sleeps with it as it is.
  static_cast<void>(compact(number));
  {
    const std::lock_guard lock(mutex_);
    slot.taken = false;
  }
  given_back_.notify_all();
}

Result<void> ElementHost::compact(std::uint32_t number) {
  constexpr std::size_t kWorthIt = 1'024;
  Slot& slot = slots_[number];
  if (!slot.written) {
    return {};
  }
  slot.written = false;
  const nvm_log::Replayed now = KB_TRY(nvm_log::replay(slot.memory.expose()));
  const SecretBytes small = nvm_log::whole_log(now.records);
  if (slot.memory.size() < small.size() + kWorthIt) {
    return {};
  }
  return medium(number, true)->replace_all(small.expose());
}

std::size_t ElementHost::awake() const {
  const std::lock_guard lock(mutex_);
  return ready_.size() + taken_;
}

std::uint64_t ElementHost::sleeping_octets() const {
  const std::unique_lock lock(memories_);
  std::uint64_t out = 0;
  for (const Slot& slot : slots_) {
    out += slot.memory.size();
  }
  return out;
}

Result<SnapshotName> ElementHost::new_name() { return crypto::random_array<16>(environment_.rng); }

// Precondition: memories_ is held.
SecretBytes ElementHost::snapshot_of(const SnapshotName& name) const {
  std::size_t octets = 0;
  for (const Slot& slot : slots_) {
    octets += slot.memory.size();
  }
  SnapshotWriter writer({.name = name, .label = label_, .count = count(), .octets = octets});
  for (const Slot& slot : slots_) {
    writer.add(slot.memory.expose());
  }
  return writer.finish();
}

Result<SecretBytes> ElementHost::snapshot() {
  const SnapshotName name = KB_TRY(new_name());
  const std::unique_lock lock(memories_);
  return snapshot_of(name);
}

Result<void> ElementHost::save() {
  if (!options_.store) {
    return fail(Errc::kState, "these elements have no store");
  }
  const SnapshotName name = KB_TRY(new_name());
  const std::unique_lock lock(memories_);
  const SecretBytes file = snapshot_of(name);
  return options_.store->save(name, file.expose());
}

std::uint64_t ElementHost::journal_octets() const {
  return options_.store ? options_.store->journal_octets() : 0;
}

}  // namespace kagibin::se
