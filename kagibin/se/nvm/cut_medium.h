// SPDX-License-Identifier: Apache-2.0
// A virtual element's memory whose power can be cut: before, half-way through or after the k-th
// physical write.
//
// Writes are counted over append and replace_all, from 1. Half of an append is its first half; half
// of a replace_all is nothing, because it is a rename. After the cut every call fails with kIo, as
// for a chip without power; the content stays with the Power object, on which a new medium is made.
//
//   auto power = std::make_shared<Power>();
//   power->cut_at(3, Cut::kHalfWay);
//   auto element = Element::open(std::make_unique<CutMedium>(power), ...);
//   ...
//   power->restore();                                // and open the element again
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

enum class Cut : std::uint8_t { kBefore, kHalfWay, kAfter };

struct Power {
  Bytes content;
  std::uint64_t writes = 0;     // physical writes begun since restore()
  std::uint64_t cut_write = 0;  // 0: never
  Cut cut = Cut::kBefore;
  bool on = true;
  bool full = false;  // every write fails with kNoSpace and changes nothing

  void cut_at(std::uint64_t write, Cut where) {
    cut_write = write;
    cut = where;
    writes = 0;
  }
  // Power is back, no cut is planned, the content is what was left.
  void restore() {
    writes = 0;
    cut_write = 0;
    on = true;
  }
};

class CutMedium final : public NvmMedium {
 public:
  explicit CutMedium(std::shared_ptr<Power> power) : power_(std::move(power)) {}

  Result<SecretBytes> read_all() override {
    if (!power_->on) {
      return no_power();
    }
    return SecretBytes::copy_of(power_->content);
  }
  Result<void> append(ByteView octets) override {
    const std::size_t half = octets.size() / 2;
    return write([=](Bytes& content) { kagibin::append(content, octets.first(half)); },
                 [=](Bytes& content) { kagibin::append(content, octets); });
  }
  Result<void> replace_all(ByteView octets) override {
    return write([](Bytes&) {},
                 [=](Bytes& content) { content.assign(octets.begin(), octets.end()); });
  }

 private:
  static std::unexpected<Error> no_power() { return fail(Errc::kIo, "the power was cut"); }

  template <typename Half, typename Whole>
  Result<void> write(Half half, Whole whole) {
    if (!power_->on) {
      return no_power();
    }
    if (power_->full) {
      return fail(Errc::kNoSpace, "the disk is full");
    }
    ++power_->writes;
    if (power_->writes != power_->cut_write) {
      whole(power_->content);
      return {};
    }
    power_->on = false;
    if (power_->cut == Cut::kHalfWay) {
      half(power_->content);
    } else if (power_->cut == Cut::kAfter) {
      whole(power_->content);
    }
    return no_power();
  }

  std::shared_ptr<Power> power_;
};

}  // namespace kagibin::se
