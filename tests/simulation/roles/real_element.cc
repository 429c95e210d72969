// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/roles/real_element.h"

#include <utility>

#include "kagibin/apdu/apdu.h"
#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/pki/own_memory.h"
#include "kagibin/pki/verified_signatures.h"

#include "tests/support/must.h"

namespace kagibin::simulation {
namespace {

constexpr std::uint64_t kWritesOfADelivery = 7;

crypto::Digest256 key_records(const se::Nvm& memory) {
  Bytes all;
  for (const std::string& name : memory.names("key/" + cli::fleet::domain_aid().hex() + "/")) {
    append(all, ascii(name));
    append(all, crypto::sha256({memory.get(name)->expose()}));
  }
  return crypto::sha256({all});
}

}  // namespace

class RealElement::Awake final : public apdu::CardLink {
 public:
  Awake(RealElement& home, std::unique_ptr<se::Element> element)
      : home_(home), element_(std::move(element)) {}

  Result<Bytes> transmit(ByteView command) override {
    const std::uint8_t ins = command.size() < 2 ? 0 : command[1];
    const bool puts_key = ins == apdu::ins::kPutKey;
    if (ins == kda::ins::kNext) {
      note_handle(command);
    }
    const pki::OwnMemory own(verified_);
    auto answer = element_->transmit(command);
    if (puts_key && !element_->nvm().dead()) {
      const bool done =
          answer && answer->size() >= 2 && *(answer->end() - 2) == 0x90 && answer->back() == 0x00;
      home_.look(element_->nvm(), done);
    }
    return answer;
  }
  Result<void> reset() override { return element_->reset(); }
  const se::Nvm& nvm() const { return element_->nvm(); }

 private:
  void note_handle(ByteView next) {
    const auto decoded = apdu::CommandApdu::decode(next);
    if (decoded && (decoded->cla & 0x80U) != 0 && decoded->p2 == 0 &&
        decoded->data.size() >= kHandleEnd) {
      home_.handle_.assign(decoded->data.begin() + 2,
                           decoded->data.begin() + static_cast<std::ptrdiff_t>(kHandleEnd));
    }
  }
  static constexpr std::size_t kHandleEnd = 18;  // 83 10 handle
  RealElement& home_;
  pki::VerifiedSignatures verified_;
  std::unique_ptr<se::Element> element_;
};

void RealElement::look(const se::Nvm& memory, bool was_answered) {
  const crypto::Digest256 now = key_records(memory);
  if (now == keys_ && !was_answered) {
    return;
  }
  keys_ = now;
  const auto of = silicon_.sealed.find(handle_);
  if (of == silicon_.sealed.end()) {
    installed_something_strange();
  } else {
    installed(of->second.seq);
  }
}

void RealElement::begin_counting() {
  const auto element = test::must(se::Element::open(
      std::make_unique<se::CutMedium>(memory_), silicon_.rng, silicon_.clock, silicon_.modules));
  keys_ = key_records(element->nvm());
}

Result<std::unique_ptr<apdu::CardLink>> RealElement::wake() {
  if (silicon_.forgets) {
    before_ = memory_->content;
  }
  auto out = std::make_unique<Awake>(
      *this, KB_TRY(se::Element::open(std::make_unique<se::CutMedium>(memory_), silicon_.rng,
                                      silicon_.clock, silicon_.modules)));
  if (keys_ != crypto::Digest256{}) {
    look(out->nvm(), false);
  }
  return out;
}

void RealElement::plan_cut(Dice& dice) {
  constexpr std::uint64_t kPlaces = 3;
  const std::uint64_t write = 1 + dice.below(kWritesOfADelivery);
  memory_->cut_at(write, static_cast<se::Cut>(dice.below(kPlaces)));
}

bool RealElement::restore() {
  if (memory_->on) {
    return false;
  }
  memory_->restore();
  if (silicon_.forgets) {
    memory_->content = before_;
  }
  return true;
}

}  // namespace kagibin::simulation
