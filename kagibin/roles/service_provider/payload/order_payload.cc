// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/payload/order_payload.h"

#include <algorithm>
#include <utility>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::service_provider {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

constexpr tlv::Tag kHeldKeys = 0xC3;
constexpr tlv::Tag kHeldKey = 0xA0;
constexpr std::size_t kAny = TlvReader::kAnyLength;

std::string text_of(ByteView octets) { return {octets.begin(), octets.end()}; }

Bytes encode_held(const std::vector<envelope::HeldKey>& held) {
  TlvWriter list;
  for (const envelope::HeldKey& key : held) {
    TlvWriter fields;
    fields.put_u8(0x80, static_cast<std::uint8_t>(key.action))
        .put_u8(0x81, static_cast<std::uint8_t>(key.key))
        .put_u8(0x82, static_cast<std::uint8_t>(key.value.size_bytes))
        .put(0x83, ascii(key.value.uri));
    if (key.value.is_derived()) {
      fields.put(0x84, ascii(key.value.label)).put(0x85, key.value.context);
    }
    fields.put(0x86, *key.value.check_value);
    list.put(kHeldKey, fields.view());
  }
  return tlv::encode(kHeldKeys, list.view());
}

Result<envelope::HeldKey> decode_held_key(ByteView value) {
  TlvReader in(value);
  envelope::HeldKey out;
  out.action = KB_TRY(in.expect(0x80, 1)).value[0];
  out.key = KB_TRY(in.expect(0x81, 1)).value[0];
  out.value.size_bytes = KB_TRY(in.expect(0x82, 1)).value[0];
  out.value.uri = text_of(KB_TRY(in.expect(0x83, 1, kAny)).value);
  if (const auto label = KB_TRY(in.optional(0x84, 1, kAny))) {
    out.value.label = text_of(label->value);
    const ByteView context = KB_TRY(in.expect(0x85, 0, kAny)).value;
    out.value.context.assign(context.begin(), context.end());
  }
  const ByteView check_value = KB_TRY(in.expect(0x86, crypto::LongCheckValue().size())).value;
  std::ranges::copy(check_value, out.value.check_value.emplace().begin());
  KB_TRY(in.finish());
  return out;
}

// The one key of the actions that it is about; null when there is none.
envelope::PutKeyAction::Key* find_key(std::vector<envelope::Action>& actions,
                                      const envelope::HeldKey& held) {
  auto* put = held.action < actions.size()
                  ? std::get_if<envelope::PutKeyAction>(&actions[held.action])
                  : nullptr;
  return put != nullptr && held.key < put->keys.size() ? &put->keys[held.key] : nullptr;
}

}  // namespace

template <typename Use>
auto OrderPayload::with_stand_ins(const Use& use) {
  envelope::Payload payload;
  payload.actions = std::move(actions);
  const auto put = envelope::put_stand_ins(payload, held);
  auto out = use(payload, put);
  actions = std::move(payload.actions);
  for (const envelope::HeldKey& key : held) {
    if (envelope::PutKeyAction::Key* at = find_key(actions, key); put && at != nullptr) {
      at->value = SecretBytes();
    }
  }
  return out;
}

Result<void> OrderPayload::check() {
  return with_stand_ins([](const envelope::Payload& payload, const Result<void>& put) {
    return put ? payload.check() : put;
  });
}

Result<SecretBytes> OrderPayload::encode() {
  const auto encode_whole = [](const envelope::Payload& payload,
                               const Result<void>& put) -> Result<SecretBytes> {
    KB_TRY(put);
    return payload.encode();
  };
  if (std::ranges::any_of(held, [](const auto& key) { return !key.value.check_value; })) {
    return fail(Errc::kInvalidArgument, "nobody says which key it is that a token is to seal");
  }
  SecretBytes plain = KB_TRY(with_stand_ins(encode_whole));
  if (held.empty()) {
    return plain;
  }
  const Bytes keys = encode_held(held);
  SecretBytes out(plain.size() + keys.size());
  const auto rest = std::ranges::copy(keys, out.expose_mutable().begin()).out;
  std::ranges::copy(plain.expose(), rest);
  return out;
}

Result<OrderPayload> OrderPayload::decode(ByteView octets) {
  TlvReader in(octets);
  const auto keys = KB_TRY(in.optional(kHeldKeys, 1, kAny));
  envelope::Payload payload = KB_TRY(envelope::Payload::decode(in.rest()));
  OrderPayload out{.actions = std::move(payload.actions)};
  if (!keys) {
    return out;
  }
  TlvReader list(keys->value);
  while (!list.empty()) {
    const Tlv field = KB_TRY(list.expect(kHeldKey, 1, kAny));
    envelope::HeldKey key = KB_TRY(decode_held_key(field.value));
    envelope::PutKeyAction::Key* at = find_key(out.actions, key);
    if (at == nullptr || at->value.size() != key.value.size_bytes) {
      return fail(Errc::kEncoding, "an order's payload names a key that it does not have");
    }
    at->value = SecretBytes();
    out.held.push_back(std::move(key));
  }
  return out;
}

bool OrderPayload::puts_clear_values() const {
  return std::ranges::any_of(actions, [](const envelope::Action& action) {
    if (const auto* put = std::get_if<envelope::PutKeyAction>(&action)) {
      return std::ranges::any_of(put->keys, [](const auto& key) { return !key.value.empty(); });
    }
    return !std::holds_alternative<envelope::DeleteKeyAction>(action);
  });
}

}  // namespace kagibin::roles::service_provider
