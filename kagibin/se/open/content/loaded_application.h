// SPDX-License-Identifier: Apache-2.0
// An application whose code came by LOAD and that this element cannot run: it takes any install
// parameters, answers SELECT, and refuses every other command, STORE DATA among them, with 6A81
// (function not supported). A host sees its whole life in the registry.
#pragma once

#include "kagibin/se/application.h"

namespace kagibin::se {

class LoadedApplication final : public Application {
 public:
  static constexpr StatusWord kRefusal{
      0x6A81,
      "the code of this application came by LOAD, and this element runs no bytecode: only SELECT "
      "is answered (doc/element.md)"};

  StatusWord install(ByteView parameters) override {
    static_cast<void>(parameters);
    return StatusWord{0x9000};
  }
  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    static_cast<void>(command);
    return {.data = {}, .sw = kRefusal};
  }
  StatusWord store_data(ByteView data, std::uint8_t p1, std::uint8_t block_number) override {
    static_cast<void>(data);
    static_cast<void>(p1);
    static_cast<void>(block_number);
    return kRefusal;
  }
};

}  // namespace kagibin::se
