// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/block_assembler.h"

#include <utility>

#include "kagibin/apdu/status_words.h"

namespace kagibin::kda {

std::expected<std::optional<Bytes>, StatusWord> BlockAssembler::accept(const BlockHeader& header,
                                                                       ByteView data) {
  if (header.p1 != 0) {
    return refuse(apdu::sw::kIncorrectP1P2);
  }
  const bool same_chain = open_ && header.instruction == instruction_;
  const bool again = same_chain && header.p2 == last_number_ && header.more &&
                     equal(ByteView(message_).subspan(last_at_), data);
  if (again) {
    return std::optional<Bytes>();
  }
  if (header.p2 == 0) {
    reset();
    instruction_ = header.instruction;
  } else if (!same_chain || header.p2 != last_number_ + 1) {
    return refuse(apdu::sw::kWrongData);
  }
  if (data.size() > limit_ - message_.size()) {
    return refuse(apdu::sw::kWrongLength);
  }
  last_at_ = message_.size();
  append(message_, data);
  last_number_ = header.p2;
  open_ = header.more;
  if (open_) {
    return std::optional<Bytes>();
  }
  return std::optional<Bytes>(std::exchange(message_, {}));
}

void BlockAssembler::reset() {
  open_ = false;
  message_.clear();
  last_at_ = 0;
  last_number_ = 0;
}

std::unexpected<StatusWord> BlockAssembler::refuse(StatusWord sw) {
  reset();
  return std::unexpected(sw);
}

}  // namespace kagibin::kda
