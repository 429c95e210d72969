// SPDX-License-Identifier: Apache-2.0
// A virtual secure element: C-APDU in, R-APDU out, state in a memory that survives power cuts.
//
// An element is made once (create) on an empty memory and opened ever after; everything about it
// but the code of its applications lies there. It has power when it is made or opened. When its
// memory fails (power cut) or power_off() was called it is mute: transmit() gives kCardLink. After
// a memory failure only opening it anew on the same medium brings it back.
//
// Limits: those of ElementProfile, Nvm and KeyStore. Ownership: the element owns its memory; rng,
// clock and modules outlive it. Thread-safety: one thread.
//
//   auto element = KB_TRY(Element::open(KB_TRY(NvmFile::open(path)), rng, clock, modules));
//   const Bytes r_apdu = KB_TRY(element->transmit(*from_hex("00A4040000")));
#pragma once

#include <memory>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/clock.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/se/explain/circumstances.h"
#include "kagibin/se/module_registry.h"
#include "kagibin/se/nvm/nvm.h"
#include "kagibin/se/profile.h"

namespace kagibin::se {

class Element final : public apdu::CardLink {
 public:
  // One atomic write: afterwards the memory holds the whole element or nothing. kConflict when the
  // memory holds one already; kInvalidArgument and kNotFound for a profile that does not fit
  // together; kCardStatus with the status word of an application that refused its parameters.
  static Result<std::unique_ptr<Element>> create(const ElementProfile& profile,
                                                 std::unique_ptr<NvmMedium> medium,
                                                 crypto::Rng& rng,
                                                 const Clock& clock,
                                                 const ModuleRegistry& modules);

  // What to do when the program's code for a load file is not what the element was made with: its
  // certificates name the old code hash. kUpdate stands for a patch by the maker.
  enum class ChangedCode : std::uint8_t { kRefuse, kUpdate };
  // kNotFound when the memory is empty or a load file is not built in; kConflict for changed code;
  // kEncoding for a damaged memory.
  static Result<std::unique_ptr<Element>> open(std::unique_ptr<NvmMedium> medium,
                                               crypto::Rng& rng,
                                               const Clock& clock,
                                               const ModuleRegistry& modules,
                                               ChangedCode changed_code = ChangedCode::kRefuse);
  ~Element() override;

  // Total: any octets give an R-APDU. kCardLink without power.
  Result<Bytes> transmit(ByteView c_apdu) override;
  // Why the last command was refused, for whoever runs the element (status_word.h); empty when it
  // was not, or when no reason is named.
  Detail reason() const;
  // Of the last command, for se/explain/explanation.h.
  const Circumstances& circumstances() const;
  void power_off();
  void power_on();  // a reset when it has power already
  Result<void> reset() override {
    power_on();
    return {};
  }
  bool has_power() const;
  ByteView atr() const;
  // Its memory, for counting writes.
  const Nvm& nvm() const;

 private:
  struct Parts;
  explicit Element(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kagibin::se
