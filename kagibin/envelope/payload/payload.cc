// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/payload/payload.h"

#include <algorithm>

#include "kagibin/envelope/secret_tlv.h"
#include "kagibin/envelope/tlv_fields.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr tlv::Tag kActions = 0xC0;
constexpr tlv::Tag kChannelKeys = 0xC1;
constexpr tlv::Tag kReceiptKey = 0xC2;
constexpr tlv::Tag kPutKey = 0xA1;
constexpr tlv::Tag kStoreData = 0xA2;
constexpr tlv::Tag kDeleteKey = 0xA3;
constexpr tlv::Tag kCommand = 0xA4;
constexpr tlv::Tag kKey = 0xA0;

Result<SecretBytes> read_secret(TlvReader& in, tlv::Tag tag) {
  const Tlv field = KB_TRY(in.expect(tag, 0, TlvReader::kAnyLength));
  return SecretBytes::copy_of(field.value);
}

Result<std::optional<Bytes>> read_probe(TlvReader& in) {
  if (const std::optional<Tlv> probe = KB_TRY(in.optional(0x83, kProbeMinSize, kProbeMaxSize))) {
    return to_bytes(probe->value);
  }
  return std::optional<Bytes>();
}

Result<PutKeyAction::Key> decode_key(ByteView value) {
  TlvReader in(value);
  PutKeyAction::Key out;
  out.type = KB_TRY(read_u8(in, 0x80));
  out.value = KB_TRY(read_secret(in, 0x81));
  out.kcv = KB_TRY(read_array<3>(in, 0x82));
  KB_TRY(in.finish());
  return out;
}

Result<Action> decode_put_key(TlvReader in) {
  PutKeyAction out;
  out.old_key_version = KB_TRY(read_u8(in, 0x80));
  out.new_key_version = KB_TRY(read_u8(in, 0x81));
  out.first_key_identifier = KB_TRY(read_u8(in, 0x82));
  while (!in.empty()) {
    const Tlv key = KB_TRY(in.expect(kKey, 1, TlvReader::kAnyLength));
    if (out.keys.size() == kMaxKeysPerAction) {
      return fail(Errc::kLimit, "PUT KEY has 1 to 3 keys");
    }
    out.keys.push_back(KB_TRY(decode_key(key.value)));
  }
  return out;
}

Result<Action> decode_store_data(TlvReader in) {
  StoreDataAction out;
  if (const std::optional<Tlv> aid = KB_TRY(in.optional(0x80, Aid::kMinLength, Aid::kMaxLength))) {
    out.application = KB_TRY(Aid::from(aid->value));
  }
  const std::uint8_t flags = KB_TRY(read_u8(in, 0x81));
  if (flags > 0x01) {
    return fail(Errc::kValue, "STORE DATA has no flag but b1, under Key-DEK");
  }
  out.under_key_dek = flags == 0x01;
  out.data = KB_TRY(read_secret(in, 0x82));
  out.probe = KB_TRY(read_probe(in));
  KB_TRY(in.finish());
  return out;
}

Result<Action> decode_delete_key(TlvReader in) {
  const std::uint8_t key_version = KB_TRY(read_u8(in, 0x80));
  KB_TRY(in.finish());
  return DeleteKeyAction{.key_version = key_version};
}

Result<Action> decode_command(TlvReader in) {
  CommandAction out;
  out.header = KB_TRY(read_array<4>(in, 0x80));
  out.data = KB_TRY(read_secret(in, 0x81));
  out.probe = KB_TRY(read_probe(in));
  KB_TRY(in.finish());
  return out;
}

Result<Action> decode_action(const Tlv& action) {
  switch (action.tag) {
    case kPutKey:
      return decode_put_key(TlvReader(action.value));
    case kStoreData:
      return decode_store_data(TlvReader(action.value));
    case kDeleteKey:
      return decode_delete_key(TlvReader(action.value));
    case kCommand:
      return decode_command(TlvReader(action.value));
    default:
      return fail(Errc::kUnexpectedTag, "an action is A1, A2, A3 or A4");
  }
}

Result<ChannelKeys> decode_channel_keys(ByteView value) {
  TlvReader in(value);
  ChannelKeys out;
  out.key_version = KB_TRY(read_u8(in, 0x80));
  if (const std::optional<Tlv> enc = KB_TRY(in.optional(0x81, 1, TlvReader::kAnyLength))) {
    out.enc = SecretBytes::copy_of(enc->value);
    out.mac = KB_TRY(read_secret(in, 0x82));
  }
  out.dek = KB_TRY(read_secret(in, 0x83));
  KB_TRY(in.finish());
  return out;
}

// Writes one action into a TlvSizer or a SecretTlvWriter.
template <typename Tlvs>
struct ActionWriter {
  Tlvs& out;

  void operator()(const PutKeyAction& action) const {
    out.nest(kPutKey, [&](auto& body) {
      body.put_u8(0x80, action.old_key_version);
      body.put_u8(0x81, action.new_key_version);
      body.put_u8(0x82, action.first_key_identifier);
      for (const PutKeyAction::Key& key : action.keys) {
        body.nest(kKey, [&](auto& fields) {
          fields.put_u8(0x80, key.type);
          fields.put(0x81, key.value.expose());
          fields.put(0x82, key.kcv);
        });
      }
    });
  }
  void operator()(const StoreDataAction& action) const {
    out.nest(kStoreData, [&](auto& body) {
      if (action.application) {
        body.put(0x80, action.application->view());
      }
      body.put_u8(0x81, action.under_key_dek ? 0x01 : 0x00);
      body.put(0x82, action.data.expose());
      if (action.probe) {
        body.put(0x83, *action.probe);
      }
    });
  }
  void operator()(const DeleteKeyAction& action) const {
    out.nest(kDeleteKey, [&](auto& body) { body.put_u8(0x80, action.key_version); });
  }
  void operator()(const CommandAction& action) const {
    out.nest(kCommand, [&](auto& body) {
      body.put(0x80, action.header);
      body.put(0x81, action.data.expose());
      if (action.probe) {
        body.put(0x83, *action.probe);
      }
    });
  }
};

}  // namespace

Result<Payload> Payload::decode(ByteView octets) {
  TlvReader in(octets);
  Payload out;
  const Tlv list = KB_TRY(in.expect(kActions, 1, TlvReader::kAnyLength));
  TlvReader actions(list.value);
  while (!actions.empty()) {
    const Tlv action = KB_TRY(actions.next());
    if (out.actions.size() == kMaxActions) {
      return fail(Errc::kLimit, "a payload has 1 to 8 actions");
    }
    out.actions.push_back(KB_TRY(decode_action(action)));
  }
  if (const std::optional<Tlv> keys = KB_TRY(in.optional(kChannelKeys, 1, TlvReader::kAnyLength))) {
    out.channel_keys = KB_TRY(decode_channel_keys(keys->value));
  }
  const Tlv receipt_key = KB_TRY(in.expect(kReceiptKey, out.receipt_key.size()));
  std::ranges::copy(receipt_key.value, out.receipt_key.expose_mutable().begin());
  KB_TRY(in.finish());
  KB_TRY(out.check());
  return out;
}

SecretBytes Payload::encode() const {
  return write_secret_tlvs([&](auto& out) {
    out.nest(kActions, [&](auto& list) {
      for (const Action& action : actions) {
        std::visit(ActionWriter<std::remove_reference_t<decltype(list)>>{list}, action);
      }
    });
    if (channel_keys) {
      out.nest(kChannelKeys, [&](auto& keys) {
        keys.put_u8(0x80, channel_keys->key_version);
        if (!channel_keys->is_dek_alone()) {
          keys.put(0x81, channel_keys->enc.expose());
          keys.put(0x82, channel_keys->mac.expose());
        }
        keys.put(0x83, channel_keys->dek.expose());
      });
    }
    out.put(kReceiptKey, receipt_key.expose());
  });
}

}  // namespace kagibin::envelope
