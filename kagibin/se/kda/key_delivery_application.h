// SPDX-License-Identifier: Apache-2.0
// The native key delivery application: what OPEN selects under kda::kAid (protocol, section 9).
//
// Commands: class 80, P1 00, P2 00 but for blocks of a chain. GENERATE and STORE CERTIFICATES need
// a session of the associated security domain with C-MAC (INITIALIZE UPDATE and EXTERNAL
// AUTHENTICATE go to its secure channel) and, once certified, answer 6985 for good, as those two
// then do; all other commands are refused under secure messaging (6882). A first ENROL needs the
// certificates (6A88). Refusals carry no data. What each status word means to the agent:
// kagibin/kda/status_meaning.h.
//
// The same code delivers for a security domain whose OS takes deliveries by itself
// (own/own_delivery.h): then the session is the domain's own, and OPEN sends these commands alone.
//
// Memory: kda_store.h. RAM: the chain being put together and one session with a target, both lost
// at reset and kept over deselection. Thread-safety: one thread.
#pragma once

#include <memory>

#include "kagibin/kda/block_assembler.h"
#include "kagibin/se/application.h"
#include "kagibin/se/kda/enrolment/offered_suites.h"
#include "kagibin/se/kda/kda_delivery.h"
#include "kagibin/se/module_registry.h"

namespace kagibin::se {

class KeyDeliveryApplication final : public Application {
 public:
  explicit KeyDeliveryApplication(const ApplicationContext& context)
      : context_(context),
        store_(context_.nvm, context_.record_prefix),
        environment_{context_, store_},
        delivery_(environment_) {}

  // Without parameters the keys come by GENERATE; `80`: at once, and the element's CASD attests
  // them (attestation/casd_attestation.h). A domain's own: its owner (own/own_delivery.h).
  StatusWord install(ByteView parameters) override;
  apdu::ResponseApdu process(const apdu::CommandApdu& command) override;

 private:
  apdu::ResponseApdu makers_command(const apdu::CommandApdu& command);
  KdaResult<Bytes> makers_answer(const apdu::CommandApdu& plain, ByteView data);
  KdaResult<Bytes> answer(const apdu::CommandApdu& command);
  KdaResult<Bytes> chained(std::uint8_t instruction, ByteView message);
  KdaResult<Bytes> statement(ByteView message);
  KdaResult<Bytes> single(std::uint8_t instruction, ByteView message);
  KdaResult<std::optional<Bytes>> assemble(const apdu::CommandApdu& command, ByteView data);

  ApplicationContext context_;
  KdaStore store_;
  KdaEnvironment environment_;
  KdaDelivery delivery_;
  kda::BlockAssembler assembler_{reassembly_size_bytes()};
};

// The load file F04B41474942494E with the one module kda::kAid, and its factory. The code hash
// follows the sources of this folder.
LoadFile key_delivery_load_file();
BuiltIn key_delivery_built_in();

}  // namespace kagibin::se
