// SPDX-License-Identifier: Apache-2.0
// A virtual element with the key delivery application, and its memory.
//
// An install is what the target did: a PUT KEY that it answered with 9000, or a change of its key
// records that is seen when the element wakes after a loss of power. It is of the delivery whose
// handle the agent named in NEXT last. Ownership: refers to what it is given. Thread-safety: one
// thread.
//
//   RealElement element(silicon, sealed);
//   KB_TRY(founders.make(seid, spid, element.memory()));
#pragma once

#include "kagibin/crypto/sha256.h"
#include "kagibin/se/element.h"
#include "kagibin/se/nvm/cut_medium.h"

#include "tests/simulation/roles/element_side.h"

namespace kagibin::simulation {

class RealElement final : public ElementSide {
 public:
  struct Silicon {
    const se::ModuleRegistry& modules;
    const Clock& clock;
    crypto::Rng& rng;
    const SealedBook& sealed;
    bool forgets = false;  // a mutant, whose memory falls back when its power is cut
  };
  explicit RealElement(const Silicon& silicon) : silicon_(silicon) {}

  const std::shared_ptr<se::Power>& memory() const { return memory_; }
  // The state that it was made with is no install.
  void begin_counting();

  Result<std::unique_ptr<apdu::CardLink>> wake() override;
  void plan_cut(Dice& dice) override;
  bool is_cut_planned() const override { return memory_->cut_write != 0; }
  bool restore() override;
  void forget_plan() override { memory_->restore(); }

 private:
  class Awake;
  void look(const se::Nvm& memory, bool was_answered);

  Silicon silicon_;
  std::shared_ptr<se::Power> memory_ = std::make_shared<se::Power>();
  Bytes before_;  // its content when it woke last
  crypto::Digest256 keys_{};
  Bytes handle_;  // named in NEXT last
};

}  // namespace kagibin::simulation
