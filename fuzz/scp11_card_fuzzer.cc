// SPDX-License-Identifier: Apache-2.0
// The card's end of SCP11 with arbitrary C-APDUs, and the data that a domain keeps for it.
//
//   input   length (2) | C-APDU, again and again; what does not decode is passed over
//
// Whatever comes: a status word. Nobody's certificate is believed that the domain's CA did not
// sign; the CA's scalar is thirty-two octets 22, so that a seed can carry one that it did.
#include <memory>

#include "kagibin/base/byte_io.h"
#include "kagibin/scp/scp11/domain_data.h"
#include "kagibin/scp/scp11/scp11_card.h"

#include "fuzz/round_trip.h"

namespace {

using kagibin::Bytes;
using kagibin::ByteView;
namespace apdu = kagibin::apdu;
namespace crypto = kagibin::crypto;
namespace scp = kagibin::scp;

crypto::CurvePrivateKey key_of(std::uint8_t octet) {
  return crypto::CurvePrivateKey::from_scalar(crypto::Curve::kP256, Bytes(32, octet)).value();
}

class CountingRng final : public crypto::Rng {
 public:
  kagibin::Result<void> fill(kagibin::MutableByteView out) override {
    for (std::uint8_t& octet : out) {
      octet = static_cast<std::uint8_t>(count_++ % 251U + 1);
    }
    return {};
  }

 private:
  std::uint64_t count_ = 0;
};

class Domain final : public scp::Scp11Domain {
 public:
  scp::Scp11Parameter parameter() const override { return scp::kScp11S8; }
  std::optional<crypto::CurvePublicKey> ca_key(scp::KeyReference key) const override {
    return scp::is_ca_kloc(key.identifier) ? std::optional(ca_.public_key()) : std::nullopt;
  }
  bool allows(scp::KeyReference, ByteView serial) const override {
    return !scp::same_serial(serial, Bytes{0x66});
  }
  std::optional<crypto::CurvePrivateKey> agreement_key(scp::KeyReference) const override {
    return own_.duplicate();
  }
  std::optional<kagibin::SecretBytes> static_dek(scp::KeyReference) const override {
    return std::nullopt;
  }
  scp::Scp11CardIdentity identity() const override {
    return {.sin = {1}, .sdin = {2}, .card_group_id = {}};
  }
  Bytes provider_identifier() const override { return {}; }
  std::optional<kagibin::pki::CertificateDate> today() const override {
    return kagibin::pki::CertificateDate{20261121};
  }

 private:
  crypto::CurvePrivateKey ca_ = key_of(0x22);
  crypto::CurvePrivateKey own_ = key_of(0x33);
};

// What STORE DATA and GET DATA carry.
void check_data(ByteView data) {
  const auto stored = scp::decode_domain_data(data);
  if (stored) {
    const Bytes again = scp::encode_domain_data(*stored);
    const auto read_again = scp::decode_domain_data(again);
    KB_CHECK(read_again && *read_again == *stored);
  }
  const auto query = scp::decode_store_query(data);
  KB_CHECK(!query || !data.empty());
  const auto identifiers = scp::decode_ca_identifiers(data, false);
  if (identifiers) {
    KB_CHECK(kagibin::equal(scp::encode_ca_identifiers(*identifiers), data));
  }
  kagibin::fuzz::check_round_trip<scp::KeyAgreementRequest>(data);
  kagibin::fuzz::check_round_trip<scp::KeyAgreementAnswer>(data);
}

}  // namespace

FUZZ_OCTETS(octets) {
  static const Domain domain;
  CountingRng rng;
  scp::Scp11Card card;
  std::unique_ptr<scp::Scp11Session> session;
  kagibin::ByteReader in(octets);
  while (true) {
    const auto length = in.u16();
    const auto body = length ? in.bytes(*length) : kagibin::Result<ByteView>(ByteView{});
    if (!length || !body) {
      return;
    }
    check_data(*body);
    const auto command = apdu::CommandApdu::decode(*body);
    if (!command) {
      continue;
    }
    check_data(command->data);
    if (command->ins == scp::ins::kPerformSecurityOperation) {
      static_cast<void>(card.perform_security_operation(*command, domain));
    } else if (session != nullptr && session->open()) {
      static_cast<void>(session->unwrap(*command));
      static_cast<void>(session->wrap(command->data, kagibin::StatusWord{0x9000}));
    } else {
      auto opened = card.authenticate(*command, domain, rng);
      if (opened) {
        KB_CHECK(opened->session->open() && opened->answer.size() == 86);
        session = std::move(opened->session);
      }
    }
  }
}
