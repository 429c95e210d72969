// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/domain_key_request.h"

#include <utility>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {
namespace {

constexpr tlv::Tag kTagRequest = 0xE6;
constexpr std::uint8_t kRequestVersion = 0x01;
constexpr std::string_view kLabel = "KB1-SDK";
constexpr std::uint8_t kHighestKeyVersion = 0x7F;

// P1 and P2 of GENERATE KEY: adds a key, of SCP11a.
constexpr std::array<std::uint8_t, 2> kParameters{0x00, 0x11};

bool is_proved(const DomainKey& made) {
  tlv::TlvWriter data;
  data.put_u8(0xF0, 0x00).put(0x9A, made.challenge);
  const std::array version{made.key_version};
  return crypto::ecdsa_verify_raw(
      made.key, {kParameters, version, data.view(), tlv::encode(0xB0, made.key.point())},
      made.proof);
}

bool is_version(std::uint8_t key_version) {
  return key_version != 0 && key_version <= kHighestKeyVersion;
}

Result<DomainKey> read_key(tlv::TlvReader& in) {
  const tlv::Tlv element = KB_TRY(in.expect(0x81, 16));
  const tlv::Tlv domain = KB_TRY(in.expect(0x82, Aid::kMinLength, Aid::kMaxLength));
  const Aid aid = KB_TRY(Aid::from(domain.value));
  const tlv::Tlv owner = KB_TRY(in.expect(0x83, 16));
  const tlv::Tlv version = KB_TRY(in.expect(0x84, 1));
  const tlv::Tlv challenge = KB_TRY(in.expect(0x85, 16));
  const tlv::Tlv point = KB_TRY(in.expect(0x86, crypto::kEcPointSize));
  const tlv::Tlv proof = KB_TRY(in.expect(0x87, 64));
  return DomainKey{.element = Seid{*to_array<16>(element.value)},
                   .domain = aid,
                   .owner = Spid{*to_array<16>(owner.value)},
                   .key_version = tlv::to_u8(version),
                   .challenge = *to_array<16>(challenge.value),
                   .key = KB_TRY(crypto::EcPublicKey::from_point(point.value)),
                   .proof = *to_array<64>(proof.value)};
}

}  // namespace

Result<DomainKeyRequest> DomainKeyRequest::decode(ByteView octets) {
  const tlv::Tlv outer = KB_TRY(tlv::read_single(octets, kTagRequest));
  tlv::TlvReader in(outer.value);
  const tlv::Tlv version = KB_TRY(in.expect(0x80, 1));
  if (tlv::to_u8(version) != kRequestVersion) {
    return fail(Errc::kNotSupported, "this version of requests for a domain's key is not known");
  }
  DomainKey made = KB_TRY(read_key(in));
  const tlv::Tlv encoded = KB_TRY(in.expect(0x7F21, 1, tlv::TlvReader::kAnyLength));
  Certificate maker = KB_TRY(Certificate::decode(encoded.encoded));
  const ByteView signed_part = in.consumed();
  const tlv::Tlv signature =
      KB_TRY(in.expect(0x9E, crypto::kEcdsaDerMinSize, crypto::kEcdsaDerMaxSize));
  KB_TRY(in.finish());
  if (!is_version(made.key_version) || maker.fields().kind != CertificateKind::kMaker) {
    return fail(Errc::kValue, "a key version is 01 to 7F, and a maker asks for its certificate");
  }
  if (!is_proved(made)) {
    return fail(Errc::kAuthentication, "the domain did not prove that it has the private key");
  }
  if (!crypto::ecdsa_verify_der(maker.key(), {ascii(kLabel), signed_part}, signature.value)) {
    return fail(Errc::kAuthentication, "the request is not signed by the maker that it names");
  }
  return DomainKeyRequest(made, std::move(maker));
}

Result<Bytes> sign_domain_key_request(const DomainKey& made,
                                      const Certificate& maker,
                                      const crypto::SigningKey& maker_key,
                                      crypto::Rng& rng) {
  if (!is_version(made.key_version)) {
    return fail(Errc::kInvalidArgument, "a key version is 01 to 7F");
  }
  if (!is_proved(made)) {
    return fail(Errc::kAuthentication, "the domain did not prove that it has the private key");
  }
  tlv::TlvWriter body;
  body.put_u8(0x80, kRequestVersion)
      .put(0x81, made.element.view())
      .put(0x82, made.domain.view())
      .put(0x83, made.owner.view())
      .put_u8(0x84, made.key_version)
      .put(0x85, made.challenge)
      .put(0x86, made.key.point())
      .put(0x87, made.proof)
      .raw(maker.encoded());
  const Bytes signature = KB_TRY(maker_key.sign_der({ascii(kLabel), body.view()}, rng));
  body.put(0x9E, signature);
  return tlv::encode(kTagRequest, body.view());
}

}  // namespace kagibin::pki
