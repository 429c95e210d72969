// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/controlling_authority/authority.h"

#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::controlling_authority {
namespace {

constexpr std::string_view kLabelAuthority = "KB1-AUT";
constexpr std::size_t kSerialSize = 8;
constexpr int kMaxDays = 3653;
constexpr std::int64_t kSecondsPerDay = 86'400;

// Kinds of STATEMENT, TLV 80 (protocol, section 9).
constexpr std::uint8_t kTick = 0x01;
constexpr std::uint8_t kMinEpoch = 0x02;
constexpr std::uint8_t kRoot = 0x03;

std::string_view event_of(pki::CertificateKind kind) {
  switch (kind) {
    case pki::CertificateKind::kMaker:
      return "certify_maker";
    case pki::CertificateKind::kServiceProvider:
      return "certify_service_provider";
    case pki::CertificateKind::kSecurityDomain:
      return "certify_security_domain";
    default:
      return "certify_casd";
  }
}

// What the log says of a CERT.SD, beside what it says of every certificate.
std::optional<IssuedDomain> domain_of(const pki::CertificateFields& fields, ByteView maker) {
  if (fields.kind != pki::CertificateKind::kSecurityDomain) {
    return std::nullopt;
  }
  return IssuedDomain{.maker_hex = to_hex(maker),
                      .maker_key_hex = to_hex(*fields.maker_key),
                      .domain_hex = to_hex(fields.aids.front()),
                      .owner_hex = fields.owner->hex()};
}

}  // namespace

Result<RootKeys> RootKeys::create(std::string_view name, crypto::Rng& rng) {
  return create(name, KB_TRY(crypto::EcPrivateKey::generate(rng)));
}

Result<RootKeys> RootKeys::create(std::string_view name, crypto::SigningKey key) {
  if (name.empty() || name.size() > 16) {
    return fail(Errc::kInvalidArgument, "the authority's name has 1 to 16 characters");
  }
  const ByteView octets = ascii(name);
  return RootKeys{.name = Bytes(octets.begin(), octets.end()),
                  .current = std::move(key),
                  .successor = std::nullopt};
}

pki::TrustAnchors RootKeys::anchors() const {
  pki::TrustAnchors out;
  out.roots.push_back(current.public_key());
  if (successor) {
    out.roots.push_back(successor->public_key());
  }
  return out;
}

Result<pki::Certificate> Authority::certify_maker(const pki::CertificationRequest& request,
                                                  const std::array<std::uint8_t, 16>& platform,
                                                  int days) {
  if (request.kind() != pki::CertificateKind::kMaker) {
    return fail(Errc::kInvalidArgument, "the request is not one of an element maker");
  }
  pki::CertificateFields fields;
  fields.subject = request.name();
  fields.kind = pki::CertificateKind::kMaker;
  fields.platform = platform;
  return issue(std::move(fields), request.key(), days);
}

Result<pki::Certificate> Authority::certify_service_provider(
    const pki::CertificationRequest& request,
    const std::vector<Bytes>& aid_prefixes,
    std::uint16_t epoch,
    int days) {
  if (request.kind() != pki::CertificateKind::kServiceProvider) {
    return fail(Errc::kInvalidArgument, "the request is not one of a service provider");
  }
  if (aid_prefixes.empty()) {
    return fail(Errc::kInvalidArgument, "a service provider needs at least one AID prefix");
  }
  pki::CertificateFields fields;
  fields.subject = request.name();
  fields.kind = pki::CertificateKind::kServiceProvider;
  fields.epoch = epoch;
  fields.aids = aid_prefixes;
  return issue(std::move(fields), request.key(), days);
}

Result<pki::Certificate> Authority::certify_casd(const pki::CertificationRequest& request,
                                                 const Aid& casd,
                                                 const std::array<std::uint8_t, 16>& platform,
                                                 int days) {
  if (request.kind() != pki::CertificateKind::kCasdAgreement &&
      request.kind() != pki::CertificateKind::kCasdSignature) {
    return fail(Errc::kInvalidArgument, "the request is not one of a CASD");
  }
  pki::CertificateFields fields;
  fields.subject = request.name();
  fields.kind = request.kind();
  fields.aids = {Bytes(casd.view().begin(), casd.view().end())};
  fields.platform = platform;
  return issue(std::move(fields), request.key(), days);
}

Result<pki::Certificate> Authority::certify_security_domain(const pki::DomainKeyRequest& request,
                                                            std::uint16_t epoch,
                                                            int days) {
  KB_TRY(pki::verify_under_root(anchors(), request.maker(), pki::CertificateKind::kMaker,
                                pki::CertificateDate::from_unix(clock_.now())));
  const pki::DomainKey& made = request.made();
  pki::CertificateFields fields;
  fields.subject = made.element.octets;
  fields.kind = pki::CertificateKind::kSecurityDomain;
  fields.epoch = epoch;
  fields.aids = {Bytes(made.domain.view().begin(), made.domain.view().end())};
  fields.owner = made.owner;
  fields.maker_key = request.maker().key_hash();
  return issue(std::move(fields), made.key, days, request.maker().fields().subject);
}

Result<pki::Certificate> Authority::issue(pki::CertificateFields fields,
                                          const crypto::EcPublicKey& key,
                                          int days,
                                          ByteView maker) {
  if (days < 1 || days > kMaxDays) {
    return fail(Errc::kInvalidArgument, "a certificate is valid for 1 to 3,653 days");
  }
  const std::int64_t now = clock_.now();
  const auto serial = KB_TRY(crypto::random_array<kSerialSize>(rng_));
  fields.serial = Bytes(serial.begin(), serial.end());
  fields.issuer = keys_.name;
  fields.effective = pki::CertificateDate::from_unix(now);
  fields.expiration = pki::CertificateDate::from_unix(now + days * kSecondsPerDay);
  pki::Certificate certificate = KB_TRY(pki::Certificate::issue(fields, key, keys_.current, rng_));
  KB_TRY(log_.append({.time = now,
                      .event = event_of(fields.kind),
                      .subject_hex = to_hex(fields.subject),
                      .serial_hex = to_hex(fields.serial),
                      .epoch = fields.epoch,
                      .expiration = fields.expiration.yyyymmdd,
                      .domain = domain_of(fields, maker),
                      .content_hex = to_hex(certificate.encoded())}));
  return certificate;
}

Result<Bytes> Authority::state(std::uint8_t kind, ByteView value, std::string_view event) {
  tlv::TlvWriter out;
  out.put_u8(0x80, kind).put(0x81, value);
  const Bytes signature =
      KB_TRY(keys_.current.sign_der({ascii(kLabelAuthority), out.view()}, rng_));
  out.put(0x9E, signature);
  KB_TRY(log_.append({.time = clock_.now(), .event = event, .content_hex = to_hex(out.view())}));
  return out.take();
}

Result<Bytes> Authority::state_time(std::uint32_t protocol_minutes) {
  return state(kTick, ByteWriter().u32(protocol_minutes).view(), "state_time");
}

Result<Bytes> Authority::state_min_epoch(std::uint16_t epoch) {
  return state(kMinEpoch, ByteWriter().u16(epoch).view(), "state_min_epoch");
}

Result<Bytes> Authority::state_successor(std::uint32_t number) {
  if (!keys_.successor) {
    return fail(Errc::kState, "no successor of the root has been prepared");
  }
  if (number == 0) {
    return fail(Errc::kInvalidArgument, "statements of roots are numbered from 1");
  }
  const crypto::EcPoint point = keys_.successor->public_key().point();
  return state(kRoot, ByteWriter().u32(number).bytes(point).view(), "state_successor");
}

Result<void> Authority::prepare_successor() {
  return prepare_successor(KB_TRY(crypto::EcPrivateKey::generate(rng_)));
}

Result<void> Authority::prepare_successor(crypto::SigningKey successor) {
  if (keys_.successor) {
    return fail(Errc::kState, "a successor of the root stands ready already");
  }
  if (successor.public_key() == keys_.current.public_key()) {
    return fail(Errc::kInvalidArgument, "the successor of a root is another key");
  }
  keys_.successor = std::move(successor);
  return {};
}

Result<void> Authority::adopt_successor() {
  if (!keys_.successor) {
    return fail(Errc::kState, "no successor of the root has been prepared");
  }
  keys_.current = std::move(*keys_.successor);
  keys_.successor.reset();
  return {};
}

}  // namespace kagibin::roles::controlling_authority
