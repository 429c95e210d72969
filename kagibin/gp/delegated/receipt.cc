// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/delegated/receipt.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/gp/content/length_value.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kNoReceipt = 0x00;
constexpr std::uint8_t kCounterSize = 2;
constexpr std::size_t kLongest = 0xFF;

void put_short(ByteWriter& out, ByteView value) {
  KB_CHECK(value.size() <= kLongest);
  out.u8(static_cast<std::uint8_t>(value.size())).bytes(value);
}

Result<Bytes> get_short(ByteReader& in) {
  const std::size_t length = KB_TRY(in.u8());
  const ByteView value = KB_TRY(in.bytes(length));
  return Bytes(value.begin(), value.end());
}

}  // namespace

Bytes Confirmation::data() const {
  ByteWriter out;
  out.u8(kCounterSize).u16(counter);
  put_short(out, domain_data);
  if (token_number || token_digest) {
    put_short(out, token_number.value_or(Bytes{}));
  }
  if (token_digest) {
    put_short(out, *token_digest);
  }
  return out.take();
}

Bytes Confirmation::encode() const {
  ByteWriter inner;
  write_field(inner, receipt);
  inner.bytes(data());
  ByteWriter out;
  write_field(out, inner.view());
  return out.take();
}

Result<std::optional<Confirmation>> Confirmation::decode(ByteView answer) {
  if (answer.size() == 1 && answer.front() == kNoReceipt) {
    return std::nullopt;
  }
  ByteReader whole(answer);
  ByteReader in(KB_TRY(read_field(whole)));
  KB_TRY(whole.finish());
  Confirmation out;
  const ByteView receipt = KB_TRY(read_field(in));
  out.receipt.assign(receipt.begin(), receipt.end());
  if (KB_TRY(in.u8()) != kCounterSize) {
    return fail(Errc::kLength, "a confirmation counter has two octets (GPCS 11.1.6)");
  }
  out.counter = KB_TRY(in.u16());
  out.domain_data = KB_TRY(get_short(in));
  if (!in.empty()) {
    out.token_number = KB_TRY(get_short(in));
  }
  if (!in.empty()) {
    out.token_digest = KB_TRY(get_short(in));
  }
  KB_TRY(in.finish());
  return out;
}

namespace receipt_for {

namespace {

Bytes fields(std::initializer_list<ByteView> values) {
  ByteWriter out;
  for (const ByteView value : values) {
    write_field(out, value);
  }
  return out.take();
}

ByteView view_of(const std::optional<Aid>& aid) { return aid ? aid->view() : ByteView{}; }

}  // namespace

Bytes load(const Aid& load_file, const Aid& security_domain) {
  return fields({load_file.view(), security_domain.view()});
}

Bytes install(const Aid& load_file, const Aid& application) {
  return fields({load_file.view(), application.view()});
}

Bytes remove(const Aid& object) { return fields({object.view()}); }

Bytes extradition(const Aid& old_domain, const Aid& object, const Aid& new_domain) {
  return fields({old_domain.view(), object.view(), new_domain.view()});
}

Bytes registry_update(const Aid& domain,
                      const std::optional<Aid>& application,
                      const std::optional<Aid>& new_domain,
                      const std::optional<Privileges>& privileges,
                      ByteView parameters) {
  const Bytes bits = privileges ? privileges->encode() : Bytes{};
  return fields({domain.view(), view_of(application), view_of(new_domain), bits, parameters});
}

}  // namespace receipt_for

Result<void> sign_receipt(const Key& key,
                          Confirmation& confirmation,
                          ByteView what_was_done,
                          crypto::Rng& rng) {
  Bytes message = confirmation.data();
  append(message, what_was_done);
  confirmation.receipt = KB_TRY(sign(key, message, rng));
  return {};
}

bool verify_receipt(const Key& key, const Confirmation& confirmation, ByteView what_was_done) {
  Bytes message = confirmation.data();
  append(message, what_was_done);
  return verify(key, message, confirmation.receipt);
}

}  // namespace kagibin::gp
