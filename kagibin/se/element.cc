// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/element.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/se/open/manufacture.h"
#include "kagibin/se/open/open.h"

namespace kagibin::se {

// Built in this order: each part refers to those above it.
struct Element::Parts {
  Parts(std::unique_ptr<Nvm> memory,
        ElementFacts element_facts,
        crypto::Rng& rng,
        const Clock& clock,
        const ModuleRegistry& modules)
      : nvm(std::move(memory)),
        facts(std::move(element_facts)),
        registry(*nvm),
        keys(*nvm),
        platform{*nvm, rng, clock, modules, facts, registry, keys},
        open(platform) {
    nvm->set_limit(facts.memory_octets);
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() = default;

  std::unique_ptr<Nvm> nvm;
  ElementFacts facts;
  Registry registry;
  KeyStore keys;
  Platform platform;
  Open open;
  bool has_power = true;
};

Element::Element(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Element::~Element() = default;

Result<std::unique_ptr<Element>> Element::create(const ElementProfile& profile,
                                                 std::unique_ptr<NvmMedium> medium,
                                                 crypto::Rng& rng,
                                                 const Clock& clock,
                                                 const ModuleRegistry& modules) {
  ElementFacts facts = KB_TRY(ElementFacts::from(profile));
  std::unique_ptr<Nvm> nvm = KB_TRY(Nvm::open(std::move(medium)));
  if (!nvm->names("").empty()) {
    return fail(Errc::kConflict, "there is an element in this memory already");
  }
  auto parts = std::make_unique<Parts>(std::move(nvm), std::move(facts), rng, clock, modules);
  NvmTransaction transaction(*parts->nvm);
  KB_TRY(manufacture(parts->platform, parts->open.instances(), profile));
  KB_TRY(transaction.commit());
  parts->open.reset();
  return std::unique_ptr<Element>(new Element(std::move(parts)));
}

Result<std::unique_ptr<Element>> Element::open(std::unique_ptr<NvmMedium> medium,
                                               crypto::Rng& rng,
                                               const Clock& clock,
                                               const ModuleRegistry& modules,
                                               ChangedCode changed_code) {
  std::unique_ptr<Nvm> nvm = KB_TRY(Nvm::open(std::move(medium)));
  ElementFacts facts = KB_TRY(ElementFacts::load(*nvm));
  auto parts = std::make_unique<Parts>(std::move(nvm), std::move(facts), rng, clock, modules);
  KB_TRY(parts->platform.keys.check_records());
  KB_TRY(check_code(parts->platform, changed_code == ChangedCode::kUpdate));
  return std::unique_ptr<Element>(new Element(std::move(parts)));
}

Result<Bytes> Element::transmit(ByteView c_apdu) {
  if (!has_power()) {
    return fail(Errc::kCardLink, "the element has no power");
  }
  Bytes answer = parts_->open.process(c_apdu);
  if (parts_->nvm->dead()) {
    return fail(Errc::kCardLink, "the element lost power during the command");
  }
  KB_CHECK(!parts_->nvm->in_transaction());
  return answer;
}

Detail Element::reason() const { return parts_->open.reason(); }
const Circumstances& Element::circumstances() const { return parts_->platform.circumstances; }

void Element::power_off() {
  parts_->has_power = false;
  parts_->open.reset();
}

void Element::power_on() {
  parts_->open.reset();
  parts_->has_power = true;
}

bool Element::has_power() const { return parts_->has_power && !parts_->nvm->dead(); }
ByteView Element::atr() const { return parts_->facts.atr; }
const Nvm& Element::nvm() const { return *parts_->nvm; }

}  // namespace kagibin::se
