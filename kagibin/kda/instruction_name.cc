// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/instruction_name.h"

#include "kagibin/kda/instructions.h"

namespace kagibin::kda {

std::string_view instruction_name(std::uint8_t instruction) {
  switch (instruction) {
    case ins::kEnrol:
      return "ENROL";
    case ins::kLoad:
      return "LOAD [envelope]";
    case ins::kNext:
      return "NEXT";
    case ins::kGetReceipt:
      return "GET RECEIPT";
    case ins::kCancel:
      return "CANCEL";
    case ins::kStatus:
      return "STATUS";
    case ins::kStatement:
      return "STATEMENT";
    case ins::kCapabilities:
      return "CAPABILITIES";
    case ins::kGenerate:
      return "GENERATE";
    case ins::kStoreCertificates:
      return "STORE CERTIFICATES";
    default:
      return {};
  }
}

}  // namespace kagibin::kda
