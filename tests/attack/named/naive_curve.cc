// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/named/naive_curve.h"

#include <memory>

#include <openssl/bn.h>

#include "kagibin/base/result.h"

namespace kagibin::attack {

namespace {

constexpr std::size_t kSize = 32;
constexpr const char* kPrime = "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF";

struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
struct FreeContext {
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

Number number(ByteView octets) {
  return Number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
}

class Field {
 public:
  Field() : context_(BN_CTX_new()) {
    BIGNUM* prime = nullptr;
    KB_CHECK(BN_hex2bn(&prime, kPrime) != 0);
    prime_.reset(prime);
  }
  Number add(const Number& a, const Number& b) const {
    Number out(BN_new());
    KB_CHECK(BN_mod_add(out.get(), a.get(), b.get(), prime_.get(), context_.get()) == 1);
    return out;
  }
  Number subtract(const Number& a, const Number& b) const {
    Number out(BN_new());
    KB_CHECK(BN_mod_sub(out.get(), a.get(), b.get(), prime_.get(), context_.get()) == 1);
    return out;
  }
  Number multiply(const Number& a, const Number& b) const {
    Number out(BN_new());
    KB_CHECK(BN_mod_mul(out.get(), a.get(), b.get(), prime_.get(), context_.get()) == 1);
    return out;
  }
  Number inverse(const Number& a) const {
    Number out(BN_mod_inverse(nullptr, a.get(), prime_.get(), context_.get()));
    KB_CHECK(out != nullptr);
    return out;
  }

 private:
  std::unique_ptr<BN_CTX, FreeContext> context_;
  Number prime_;
};

struct Point {
  Number x;
  Number y;
};
using MaybePoint = std::optional<Point>;  // empty: infinity

Number small(unsigned long value) {  // NOLINT(google-runtime-int): libcrypto's word
  Number out(BN_new());
  KB_CHECK(BN_set_word(out.get(), value) == 1);
  return out;
}

Point copy(const Point& point) {
  return {Number(BN_dup(point.x.get())), Number(BN_dup(point.y.get()))};
}

// The chord or the tangent.
MaybePoint sum(const Field& field, const MaybePoint& a, const MaybePoint& b) {
  if (!a || !b) {
    const MaybePoint& other = a ? a : b;
    return other ? MaybePoint(copy(*other)) : std::nullopt;
  }
  Number slope;
  if (BN_cmp(a->x.get(), b->x.get()) != 0) {
    slope = field.multiply(field.subtract(b->y, a->y), field.inverse(field.subtract(b->x, a->x)));
  } else if (BN_cmp(a->y.get(), b->y.get()) != 0 || BN_is_zero(a->y.get())) {
    return std::nullopt;
  } else {
    const Number square = field.multiply(a->x, a->x);
    const Number top = field.subtract(field.multiply(small(3), square), small(3));
    slope = field.multiply(top, field.inverse(field.add(a->y, a->y)));
  }
  Number x = field.subtract(field.subtract(field.multiply(slope, slope), a->x), b->x);
  Number y = field.subtract(field.multiply(slope, field.subtract(a->x, x)), a->y);
  return Point{std::move(x), std::move(y)};
}

}  // namespace

std::optional<Bytes> naive_multiply(ByteView scalar, ByteView point) {
  KB_CHECK(scalar.size() == kSize && point.size() == 1 + 2 * kSize);
  const Field field;
  const MaybePoint base =
      Point{number(point.subspan(1, kSize)), number(point.subspan(1 + kSize, kSize))};
  MaybePoint out;
  for (const std::uint8_t octet : scalar) {
    for (unsigned bit = 8; bit-- > 0;) {
      out = sum(field, out, out);
      if ((octet >> bit & 1U) != 0) {
        out = sum(field, out, base);
      }
    }
  }
  if (!out) {
    return std::nullopt;
  }
  Bytes x(kSize);
  KB_CHECK(BN_bn2binpad(out->x.get(), x.data(), static_cast<int>(kSize)) ==
           static_cast<int>(kSize));
  return x;
}

Bytes point_of_order_two(std::uint8_t x) {
  Bytes out(1 + 2 * kSize);
  out[0] = 0x04;
  out[kSize] = x;
  return out;
}

}  // namespace kagibin::attack
