// SPDX-License-Identifier: Apache-2.0
// An element as a simulated device meets it, and what really happened in it, written down where no
// fault reaches.
//
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/delivery/names.h"

#include "tests/simulation/core/role.h"

namespace kagibin::simulation {

// What providers sealed, by the slot that it is for: so that an install can be told to be of an
// order.
struct SealedFor {
  Spid provider;
  delivery::OrderId order;
  std::uint32_t seq = 0;
  friend bool operator==(const SealedFor&, const SealedFor&) = default;
};
using SealedBook = std::map<Bytes, SealedFor>;  // by handle

class ElementSide {
 public:
  ElementSide() = default;
  ElementSide(const ElementSide&) = delete;
  ElementSide& operator=(const ElementSide&) = delete;
  virtual ~ElementSide() = default;

  // Power on; a cut that was planned will come. kCardLink when it came while it woke.
  virtual Result<std::unique_ptr<apdu::CardLink>> wake() = 0;
  // The power will go at one of the next writes, in this visit or a later one.
  virtual void plan_cut(Dice& dice) = 0;
  virtual bool is_cut_planned() const = 0;
  // True when it went; it is back now.
  virtual bool restore() = 0;
  // Nothing is planned any more.
  virtual void forget_plan() = 0;

  // How often each SEQ of its provider was installed, whatever it says itself.
  const std::map<std::uint32_t, std::uint32_t>& installs() const { return installs_; }
  // Installs of nothing that anybody sealed.
  std::uint32_t strange_installs() const { return strange_; }

 protected:
  void installed(std::uint32_t seq) { ++installs_[seq]; }
  void installed_something_strange() { ++strange_; }

 private:
  std::map<std::uint32_t, std::uint32_t> installs_;
  std::uint32_t strange_ = 0;
};

}  // namespace kagibin::simulation
