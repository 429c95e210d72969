// SPDX-License-Identifier: Apache-2.0
// A file descriptor of POSIX that is closed when its owner goes. Ownership: one owner, never
// copied. Thread-safety: one thread.
//
//   const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
//   if (file.get() < 0) { return fail(...); }
#pragma once

#include <utility>

#include <unistd.h>

namespace kagibin {

class Descriptor {
 public:
  // What open() answered; a negative one owns nothing.
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  int get() const { return descriptor_; }
  // False when the kernel reports a write error that came late.
  bool close() { return ::close(std::exchange(descriptor_, -1)) == 0; }

 private:
  int descriptor_;
};

}  // namespace kagibin
