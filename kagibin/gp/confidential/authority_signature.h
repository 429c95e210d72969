// SPDX-License-Identifier: Apache-2.0
// What a Controlling Authority Security Domain signs about an application: which code it runs.
// Amendment A v1.2 offers a CASD signature service; what is signed is ours, so that it names the
// hash of the load file.
//
//   command   00 2A 9E 9A | 4F AID | 9A challenge           (ISO/IEC 7816-8, compute digital
//             signature)
//   statement E6 { 80 01 01 | 4F application | 81 load file | 82 20 code hash | 83 its security
//             domain | 9A challenge, or 84 20 SHA-256 of what the application has signed
//             | 5F37 40 r|s by SK.CASD.AUT }
//
// r|s is over "KB1-CSA" | TLVs 80..9A when a host asked, and over "KB1-CSD" | TLVs 80..84 when the
// application did: neither passes for the other, nor for a certificate. The element fills in all
// but the last TLV from its registry. Decoders are total. Limits: challenge 8 to 64 octets. Values.
//
//   const auto command = KB_TRY(ask_statement(application, challenge));
//   const auto statement = KB_TRY(verify_statement(answer, casd_key, challenge));
//   if (statement.code_hash != released) { ... }
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::gp {

struct ApplicationStatement {
  static constexpr std::size_t kMinChallenge = 8;
  static constexpr std::size_t kMaxChallenge = 64;

  Aid application;
  Aid load_file;
  crypto::Digest256 code_hash{};
  Aid security_domain;

  friend bool operator==(const ApplicationStatement&, const ApplicationStatement&) = default;
};

// The card's end.
struct StatementQuery {
  Aid application;
  Bytes challenge;

  static bool is_command(const apdu::CommandApdu& command) {
    return command.cla == 0x00 && command.ins == 0x2A;
  }
  // kTruncated, kTrailing, kUnexpectedTag, kLength, kEncoding.
  static Result<StatementQuery> decode(ByteView data);
};
Result<Bytes> sign_statement(const ApplicationStatement& statement,
                             ByteView challenge,
                             const crypto::CurvePrivateKey& key,
                             crypto::Rng& rng);
// Of data of the application's own.
Result<Bytes> sign_data(const ApplicationStatement& statement,
                        ByteView data,
                        const crypto::CurvePrivateKey& key,
                        crypto::Rng& rng);

// The host's end. kInvalidArgument for a challenge outside its limits.
Result<apdu::CommandApdu> ask_statement(const Aid& application, ByteView challenge);
// kAuthentication for a wrong signature, and for another challenge or other data.
Result<ApplicationStatement> verify_statement(ByteView octets,
                                              const crypto::CurvePublicKey& key,
                                              ByteView challenge);
Result<ApplicationStatement> verify_data(ByteView octets,
                                         const crypto::CurvePublicKey& key,
                                         ByteView data);

}  // namespace kagibin::gp
