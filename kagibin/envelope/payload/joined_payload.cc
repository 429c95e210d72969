// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/payload/joined_payload.h"

#include <map>
#include <utility>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr std::size_t kAny = TlvReader::kAnyLength;

PutKeyAction::Key* find_key(Payload& payload, const HeldKey& held) {
  if (held.action >= payload.actions.size()) {
    return nullptr;
  }
  auto* put = std::get_if<PutKeyAction>(&payload.actions[held.action]);
  return put != nullptr && held.key < put->keys.size() ? &put->keys[held.key] : nullptr;
}

// The value of that key, in the encoded P.
Result<ByteView> find_value(ByteView plaintext, const HeldKey& held) {
  TlvReader in(plaintext);
  TlvReader actions(KB_TRY(in.expect(0xC0, 0, kAny)).value);
  for (std::size_t i = 0; i < held.action; ++i) {
    KB_TRY(actions.next());
  }
  TlvReader put(KB_TRY(actions.expect(0xA1, 0, kAny)).value);
  for (const tlv::Tag tag : {0x80U, 0x81U, 0x82U}) {
    KB_TRY(put.expect(tag, 1));
  }
  for (std::size_t i = 0; i < held.key; ++i) {
    KB_TRY(put.next());
  }
  TlvReader key(KB_TRY(put.expect(0xA0, 0, kAny)).value);
  KB_TRY(key.expect(0x80, 1));
  const Tlv value = KB_TRY(key.expect(0x81, held.value.size_bytes));
  return value.value;
}

}  // namespace

Result<void> put_stand_ins(Payload& payload, std::span<const HeldKey> held) {
  for (const HeldKey& key : held) {
    PutKeyAction::Key* at = find_key(payload, key);
    if (at == nullptr || !at->value.empty()) {
      return fail(Errc::kInvalidArgument,
                  "a key in a token goes to a key of PUT KEY that has no value of its own");
    }
    at->value = SecretBytes(key.value.size_bytes);
  }
  return {};
}

Result<crypto::JoinedPlaintext> join_payload(const Payload& payload,
                                             std::span<const HeldKey> held) {
  const SecretBytes plaintext = payload.encode();
  const ByteView all = plaintext.expose();
  std::map<std::size_t, const HeldKey*> in_order;
  for (const HeldKey& key : held) {
    const ByteView value = KB_TRY(find_value(all, key));
    in_order.emplace(static_cast<std::size_t>(value.data() - all.data()), &key);
  }
  crypto::JoinedPlaintext out;
  std::size_t done = 0;
  for (const auto& [offset, key] : in_order) {
    out.parts.emplace_back(SecretBytes::copy_of(all.subspan(done, offset - done)));
    out.parts.emplace_back(key->value);
    done = offset + key->value.size_bytes;
  }
  out.parts.emplace_back(SecretBytes::copy_of(all.subspan(done)));
  return out;
}

}  // namespace kagibin::envelope
