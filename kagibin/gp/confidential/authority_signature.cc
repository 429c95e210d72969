// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/confidential/authority_signature.h"

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr tlv::Tag kStatement = 0xE6;
constexpr tlv::Tag kVersion = 0x80;
constexpr tlv::Tag kApplication = 0x4F;
constexpr tlv::Tag kLoadFile = 0x81;
constexpr tlv::Tag kCodeHash = 0x82;
constexpr tlv::Tag kSecurityDomain = 0x83;
constexpr tlv::Tag kDigest = 0x84;
constexpr tlv::Tag kChallenge = 0x9A;
constexpr tlv::Tag kSignature = 0x5F37;
constexpr std::uint8_t kCurrentVersion = 0x01;

constexpr std::string_view kLabelAsked = "KB1-CSA";
constexpr std::string_view kLabelOwnData = "KB1-CSD";

constexpr std::uint8_t kComputeSignature = 0x2A;
constexpr std::uint8_t kSignatureOut = 0x9E;
constexpr std::uint8_t kDataIn = 0x9A;

// Who is said to have asked, and what he gave.
struct Occasion {
  std::string_view label;
  tlv::Tag tag;
  ByteView value;
};

Result<Aid> read_aid(TlvReader& in, tlv::Tag tag) {
  return Aid::from(KB_TRY(in.expect(tag, Aid::kMinLength, Aid::kMaxLength)).value);
}

Result<Bytes> sign(const ApplicationStatement& statement,
                   const Occasion& occasion,
                   const crypto::CurvePrivateKey& key,
                   crypto::Rng& rng) {
  tlv::TlvWriter out;
  out.put_u8(kVersion, kCurrentVersion).put(kApplication, statement.application.view());
  out.put(kLoadFile, statement.load_file.view()).put(kCodeHash, statement.code_hash);
  out.put(kSecurityDomain, statement.security_domain.view()).put(occasion.tag, occasion.value);
  const Bytes signature =
      KB_TRY(crypto::ecdsa_sign_raw(key, {ascii(occasion.label), out.view()}, rng));
  return tlv::encode(kStatement, out.put(kSignature, signature).view());
}

Result<ApplicationStatement> verify(ByteView octets,
                                    const Occasion& occasion,
                                    const crypto::CurvePublicKey& key) {
  const Tlv statement = KB_TRY(tlv::read_single(octets, kStatement));
  TlvReader in(statement.value);
  if (tlv::to_u8(KB_TRY(in.expect(kVersion, 1))) != kCurrentVersion) {
    return fail(Errc::kNotSupported, "this statement is of another version");
  }
  const Aid application = KB_TRY(read_aid(in, kApplication));
  const Aid load_file = KB_TRY(read_aid(in, kLoadFile));
  const auto hash = to_array<32>(KB_TRY(in.expect(kCodeHash, 32)).value);
  KB_CHECK(hash.has_value());
  const Aid domain = KB_TRY(read_aid(in, kSecurityDomain));
  const Tlv given = KB_TRY(in.expect(occasion.tag, 1, ApplicationStatement::kMaxChallenge));
  const ByteView covered = in.consumed();
  const Tlv signature = KB_TRY(in.expect(kSignature, 1, crypto::kEcdsaLargestRawSize));
  KB_TRY(in.finish());
  const bool right =
      crypto::ecdsa_verify_raw(key, {ascii(occasion.label), covered}, signature.value);
  if (!right || !equal(given.value, occasion.value)) {
    return fail(Errc::kAuthentication,
                "the statement is not one of this CASD about what was asked");
  }
  return ApplicationStatement{.application = application,
                              .load_file = load_file,
                              .code_hash = *hash,
                              .security_domain = domain};
}

}  // namespace

Result<StatementQuery> StatementQuery::decode(ByteView data) {
  TlvReader in(data);
  const Aid application = KB_TRY(read_aid(in, kApplication));
  const Tlv challenge = KB_TRY(in.expect(kChallenge, ApplicationStatement::kMinChallenge,
                                         ApplicationStatement::kMaxChallenge));
  KB_TRY(in.finish());
  return StatementQuery{application, Bytes(challenge.value.begin(), challenge.value.end())};
}

Result<Bytes> sign_statement(const ApplicationStatement& statement,
                             ByteView challenge,
                             const crypto::CurvePrivateKey& key,
                             crypto::Rng& rng) {
  return sign(statement, {kLabelAsked, kChallenge, challenge}, key, rng);
}

Result<Bytes> sign_data(const ApplicationStatement& statement,
                        ByteView data,
                        const crypto::CurvePrivateKey& key,
                        crypto::Rng& rng) {
  const crypto::Digest256 digest = crypto::sha256(data);
  return sign(statement, {kLabelOwnData, kDigest, digest}, key, rng);
}

Result<apdu::CommandApdu> ask_statement(const Aid& application, ByteView challenge) {
  if (challenge.size() < ApplicationStatement::kMinChallenge ||
      challenge.size() > ApplicationStatement::kMaxChallenge) {
    return fail(Errc::kInvalidArgument, "a challenge has 8 to 64 octets");
  }
  return apdu::CommandApdu{
      .cla = 0x00,
      .ins = kComputeSignature,
      .p1 = kSignatureOut,
      .p2 = kDataIn,
      .data =
          tlv::TlvWriter().put(kApplication, application.view()).put(kChallenge, challenge).take(),
      .le = 256};
}

Result<ApplicationStatement> verify_statement(ByteView octets,
                                              const crypto::CurvePublicKey& key,
                                              ByteView challenge) {
  return verify(octets, {kLabelAsked, kChallenge, challenge}, key);
}

Result<ApplicationStatement> verify_data(ByteView octets,
                                         const crypto::CurvePublicKey& key,
                                         ByteView data) {
  const crypto::Digest256 digest = crypto::sha256(data);
  return verify(octets, {kLabelOwnData, kDigest, digest}, key);
}

}  // namespace kagibin::gp
