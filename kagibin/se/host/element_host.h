// SPDX-License-Identifier: Apache-2.0
// Many virtual elements in one process: thousands that sleep as octets, few that are awake.
//
// An element that nobody uses is its memory's octets and nothing else (about a kilobyte when
// fresh). take() wakes it; while somebody has it, it is an Element like any other, and its own.
// Given back, it loses power, so that nothing of it but its memory is left to lose; the ones used
// last stay awake and ready (Options::awake), and go to sleep in the order of their last use. An
// element that slept answers what one that never slept answers.
//
// With a store every write of an element is durable when it returns (host_store.h), as with
// NvmFile. Without one everything is gone with the host.
//
// Limits: 1,000,000 elements. Ownership: holds the store; randomness, clock and modules outlive it
// and are used from all threads. Thread-safety: any threads; an element taken is its taker's alone.
// Leases end before the host.
//
//   auto host = KB_TRY(ElementHost::create(plan, environment, {}));
//   auto lease = KB_TRY(host->take(7));
//   const Bytes r_apdu = KB_TRY(lease.element().transmit(c_apdu));
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kagibin/se/element.h"
#include "kagibin/se/host/host_store.h"

namespace kagibin::se {

class ElementHost {
 public:
  struct Environment {
    crypto::Rng& rng;
    const Clock& clock;
    const ModuleRegistry& modules;
  };
  struct Plan {
    std::uint32_t count = 0;
    std::string label{};  // kept with the elements (element_snapshot.h)
    // What element `number` is made with; called from several threads.
    std::function<Result<ElementProfile>(std::uint32_t number)> profile;
    unsigned threads = 0;  // that make them; 0: as many as the machine has cores
    // Told about twenty times how many there are; from any thread, one at a time.
    std::function<void(std::uint32_t made)> progress{};
    std::function<bool()> stopped{};  // true: give up (kInterrupted)
  };
  struct Options {
    std::size_t awake = 64;  // ready, without a taker
    Element::ChangedCode changed_code = Element::ChangedCode::kRefuse;
    std::unique_ptr<HostStore> store{};
  };

  // Elements 0 to count-1. With a store, all of them are saved or none is. kConflict when the store
  // has elements already; else what Element::create says.
  static Result<std::unique_ptr<ElementHost>> create(const Plan& plan,
                                                     Environment environment,
                                                     Options options);
  // What the store has; its journal is taken into a new snapshot. Fails as HostStore::load.
  static Result<std::unique_ptr<ElementHost>> restore(Environment environment, Options options);
  // The same out of a snapshot. A store in the options is overwritten.
  static Result<std::unique_ptr<ElementHost>> restore(ElementSnapshot snapshot,
                                                      Environment environment,
                                                      Options options);
  ElementHost(const ElementHost&) = delete;
  ElementHost& operator=(const ElementHost&) = delete;
  ~ElementHost();

  // An element in its taker's hands, with power. Gives it back at the end.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : host_(std::exchange(other.host_, nullptr)), number_(other.number_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Element& element();
    std::uint32_t number() const { return number_; }

   private:
    friend class ElementHost;
    Lease(ElementHost& host, std::uint32_t number) : host_(&host), number_(number) {}
    ElementHost* host_;
    std::uint32_t number_;
  };
  // Waits that long for another taker to give it back, then kConflict. kNotFound for a number that
  // is none; else what Element::open says.
  Result<Lease> take(std::uint32_t number, std::chrono::milliseconds patience = {});

  std::uint32_t count() const { return static_cast<std::uint32_t>(slots_.size()); }
  const std::string& label() const { return label_; }
  // Awake, with a taker or without.
  std::size_t awake() const;
  // Octets of all elements' memories.
  std::uint64_t sleeping_octets() const;

  // All elements as they are between two of their writes.
  Result<SecretBytes> snapshot();
  // The same into the store; the journal begins anew. kState without one.
  Result<void> save();
  std::uint64_t journal_octets() const;

 private:
  class Medium;
  struct Slot {
    SecretBytes memory;
    std::unique_ptr<Element> element{};  // awake
    bool taken = false;
    bool written = false;  // since it was last made compact
  };
  ElementHost(Environment environment, Options options)
      : environment_(environment), options_(std::move(options)) {}

  Result<void> make(const Plan& plan);
  Result<void> make_one(const Plan& plan, std::uint32_t number);
  Result<SnapshotName> new_name();
  SecretBytes snapshot_of(const SnapshotName& name) const;
  std::unique_ptr<Medium> medium(std::uint32_t number, bool stored);
  void give_back(std::uint32_t number);
  void sleep(std::uint32_t number);
  Result<void> compact(std::uint32_t number);

  Environment environment_;
  Options options_;
  std::string label_;
  std::vector<Slot> slots_;
  // Held shared while an element's memory changes, alone while all are read.
  mutable std::shared_mutex memories_;
  // Guards what follows, and `taken` and `element` of slots that nobody has taken.
  mutable std::mutex mutex_;
  std::condition_variable given_back_;
  std::list<std::uint32_t> ready_;  // awake without a taker, the one used last in front
  std::unordered_map<std::uint32_t, std::list<std::uint32_t>::iterator> places_;
  std::size_t taken_ = 0;
};

}  // namespace kagibin::se
