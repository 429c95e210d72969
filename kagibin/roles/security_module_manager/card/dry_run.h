// SPDX-License-Identifier: Apache-2.0
// A command port that sends nothing and keeps what it was given: what would be sent, before secure
// messaging. Every command is answered 9000 without data.
//
// Values under the key for sensitive data are zero octets: there is no session to encrypt them.
#pragma once

#include <vector>

#include "kagibin/roles/security_module_manager/card/command_port.h"

namespace kagibin::roles::security_module_manager {

class DryRun final : public CommandPort {
 public:
  // `block_bytes` of the cipher for sensitive data; `longest_data` as of the session meant.
  explicit DryRun(std::size_t block_bytes = 16, std::size_t longest_data = 239)
      : block_bytes_(block_bytes), longest_data_(longest_data) {}

  const std::vector<apdu::CommandApdu>& commands() const { return commands_; }
  Result<gp::SensitiveCipher> cipher() const override {
    return gp::SensitiveCipher{
        .encrypt = [](ByteView value) -> Result<Bytes> { return Bytes(value.size()); },
        .block_bytes = block_bytes_};
  }
  std::size_t longest_data() const override { return longest_data_; }

 private:
  Result<apdu::ResponseApdu> exchange(const scp::PlainCommand& command) override {
    commands_.push_back({.cla = command.cla,
                         .ins = command.ins,
                         .p1 = command.p1,
                         .p2 = command.p2,
                         .data = Bytes(command.data.begin(), command.data.end()),
                         .le = command.le});
    return apdu::ResponseApdu{.data = {}, .sw = StatusWord{0x9000}};
  }

  std::vector<apdu::CommandApdu> commands_{};
  std::size_t block_bytes_;
  std::size_t longest_data_;
};

}  // namespace kagibin::roles::security_module_manager
