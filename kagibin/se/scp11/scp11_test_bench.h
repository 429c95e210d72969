// SPDX-License-Identifier: Apache-2.0
// For tests only: an element that speaks SCP11, its keys put, and a host with its certificates.
#pragma once

#include <utility>
#include <vector>

#include "kagibin/gp/card_data.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/scp/scp11/scp11_test_ends.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {

using scp::KeyReference;
using scp::Scp11Variant;
using scp::test_ends::Authority;
using scp::test_ends::Format;
using scp::test_ends::kCa;
using scp::test_ends::kKvn;
using scp::test_ends::make_key;

inline ElementProfile scp11_profile(scp::Scp11Parameter parameter = scp::kScp11S8) {
  ElementProfile out;
  out.scp11 = parameter;
  out.iin = {0x49, 0x49};
  out.cin = {0xC1, 0x17};
  return out;
}

class Scp11Bench : public Bench {
 public:
  explicit Scp11Bench(crypto::Curve of_keys = crypto::Curve::kP256,
                      scp::Scp11Parameter parameter = scp::kScp11S8)
      : Scp11Bench(scp11_profile(parameter), of_keys, parameter) {}
  // `profile` offers SCP11 with this parameter.
  explicit Scp11Bench(ElementProfile profile,
                      crypto::Curve of_keys = crypto::Curve::kP256,
                      scp::Scp11Parameter parameter = scp::kScp11S8)
      : Bench(test_modules(), std::move(profile)),
        curve(of_keys),
        i(parameter),
        authority(of_keys),
        own(make_key(of_keys, "SK.OCE")) {}

  // What PUT KEY answers in this session.
  StatusWord put(scp::HostSession& host, KeyReference name, const gp::Key& key) {
    const gp::SensitiveCipher cipher{
        .encrypt = [&](ByteView value) { return host.encrypt_sensitive(value); }};
    const gp::PutKey put{.new_version = name.version,
                         .first_identifier = name.identifier,
                         .keys = {gp::seal_key(key, cipher).value()}};
    return exchange(host, put.encode().value()).sw;
  }
  crypto::CurvePrivateKey sd_key(Scp11Variant variant) const {
    return make_key(curve, variant == Scp11Variant::kA   ? "SK.SD a"
                           : variant == Scp11Variant::kB ? "SK.SD b"
                                                         : "SK.SD c");
  }
  // The ISD's keys for all of SCP11, in a session of SCP03.
  void put_keys() {
    auto session = open_isd();
    put_keys(*session);
    select("");
  }
  void put_keys(scp::HostSession& session) {
    ASSERT_EQ(put(session, kCa, gp::Key::ec_public(authority.root.public_key()).value()).value,
              0x9000);
    for (const auto variant : {Scp11Variant::kA, Scp11Variant::kB, Scp11Variant::kC}) {
      ASSERT_EQ(put(session, {scp::agreement_key_identifier(variant), kKvn},
                    gp::Key::ec_private(sd_key(variant)).value())
                    .value,
                0x9000);
    }
  }

  scp::Scp11Host make_host(Scp11Variant variant, scp::Scp11HostOptions options = {}) const {
    options.variant = variant;
    options.key_version_number = kKvn;
    options.s16 = i.s16();
    crypto::CurvePublicKey sd = sd_key(variant).public_key();
    return variant == Scp11Variant::kB
               ? scp::Scp11Host(std::move(sd), std::move(options))
               : scp::Scp11Host(std::move(sd), own.duplicate(), std::move(options));
  }
  std::vector<Bytes> chain(Format format = Format::kGp, bool is_long = false) const {
    return authority.chain(format, own.public_key(), is_long);
  }
  // PERFORM SECURITY OPERATION up to the first refusal.
  StatusWord show(const std::vector<Bytes>& certificates,
                  std::uint8_t channel = 0,
                  scp::CertificateBlocks blocks = scp::CertificateBlocks::kParameter) {
    StatusWord last{};
    const auto commands = scp::verify_certificate_commands(certificates, kCa, blocks).value();
    for (const apdu::CommandApdu& command : commands) {
      last = send(command, channel).sw;
      if (last.value != 0x9000) {
        return last;
      }
    }
    return last;
  }
  StatusWord authenticate(scp::Scp11Host& host, std::uint8_t channel = 0) {
    const auto answer = send(host.authenticate(rng).value(), channel);
    if (answer.sw.value == 0x9000) {
      EXPECT_TRUE(host.finish(answer).has_value());
    }
    return answer.sw;
  }
  // An open session; a failure of the test when the card refuses.
  scp::Scp11Host open_scp11(Scp11Variant variant,
                            std::uint8_t channel = 0,
                            scp::Scp11HostOptions options = {}) {
    auto host = make_host(variant, std::move(options));
    if (variant != Scp11Variant::kB) {
      EXPECT_EQ(show(chain(), channel).value, 0x9000);
    }
    EXPECT_EQ(authenticate(host, channel).value, 0x9000);
    return host;
  }
  apdu::ResponseApdu exchange(scp::HostSession& host,
                              const apdu::CommandApdu& command,
                              std::uint8_t channel = 0) {
    const auto wrapped = host.wrap(scp::plain_command(command), true);
    EXPECT_TRUE(wrapped.has_value());
    auto answer = wrapped ? host.unwrap(send(*wrapped, channel))
                          : Result<scp::HostSession::Unwrapped>(std::unexpect, wrapped.error());
    EXPECT_TRUE(answer.has_value());
    return answer ? answer->response : apdu::ResponseApdu{};
  }

  crypto::Curve curve;
  scp::Scp11Parameter i;
  Authority authority;
  crypto::CurvePrivateKey own;
};

inline apdu::CommandApdu get_status_of_isd() {
  return {.cla = 0x80, .ins = 0xF2, .p1 = 0x80, .p2 = 0x02, .data = hex("4F00"), .le = 256};
}

}  // namespace kagibin::se
