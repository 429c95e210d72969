// SPDX-License-Identifier: Apache-2.0
// An NvmMedium in memory, whose content outlives the element: keep the pointer, and open the
// element again on it. For simulated fleets and tests. Thread-safety: one thread.
//
//   auto content = std::make_shared<Bytes>();
//   auto nvm = KB_TRY(Nvm::open(std::make_unique<NvmMemory>(content)));
#pragma once

#include <memory>
#include <utility>

#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

class NvmMemory final : public NvmMedium {
 public:
  NvmMemory() : content_(std::make_shared<Bytes>()) {}
  explicit NvmMemory(std::shared_ptr<Bytes> content) : content_(std::move(content)) {}

  Result<SecretBytes> read_all() override { return SecretBytes::copy_of(*content_); }
  Result<void> append(ByteView octets) override {
    kagibin::append(*content_, octets);
    return {};
  }
  Result<void> replace_all(ByteView octets) override {
    content_->assign(octets.begin(), octets.end());
    return {};
  }

 private:
  std::shared_ptr<Bytes> content_;
};

}  // namespace kagibin::se
