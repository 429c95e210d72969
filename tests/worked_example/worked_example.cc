// SPDX-License-Identifier: Apache-2.0
#include "tests/worked_example/worked_example.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/hpke/hpke.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/envelope/enrolment/code_attestation.h"
#include "kagibin/gp/confidential/authority_signature.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::test {

namespace {

using namespace envelope;
using crypto::EcPrivateKey;
using pki::Certificate;
using pki::CertificateFields;
using pki::CertificateKind;

// Keeps what it gave out, so that the ephemeral keys can be shown.
class RecordingRng final : public crypto::Rng {
 public:
  Result<void> fill(MutableByteView out) override {
    KB_TRY(stream_.fill(out));
    drawn_.emplace_back(out.begin(), out.end());
    return {};
  }
  // The draw that is the private key of this point.
  EcPrivateKey private_key_of(ByteView point) const {
    for (const Bytes& draw : drawn_) {
      if (draw.size() == crypto::kEcScalarSize) {
        Result<EcPrivateKey> key = EcPrivateKey::from_scalar(draw);
        if (key && equal(key->public_key().point(), point)) {
          return std::move(*key);
        }
      }
    }
    check_failed("an ephemeral key was drawn", __FILE__, __LINE__);
  }

 private:
  FixedRng stream_{"worked example"};
  std::vector<Bytes> drawn_;
};

// Octets that show where they came from: prefix, then zeros, then a number.
std::array<std::uint8_t, 16> name16(std::string_view prefix, std::uint8_t number) {
  std::array<std::uint8_t, 16> out{};
  std::ranges::copy(ascii(prefix), out.begin());
  out.back() = number;
  return out;
}

class Example {
 public:
  std::vector<ExampleValue> make();

 private:
  void add(std::string name, ByteView octets) {
    values_.push_back({section_, std::move(name), Bytes(octets.begin(), octets.end())});
  }
  EcPrivateKey key(const char* name) {
    EcPrivateKey out = EcPrivateKey::generate(rng_).value();
    add(name, out.expose_scalar());
    return out;
  }
  // Z, ctx and Kenc | Kmac | IV as the protocol derives them, next to the ephemeral key.
  SecretBytes add_derivation(const std::string& of,
                             const char* ephemeral_name,
                             ByteView ephemeral_point,
                             const crypto::EcPublicKey& peer,
                             const crypto::Digest256& context) {
    const EcPrivateKey ephemeral = rng_.private_key_of(ephemeral_point);
    const auto z = crypto::ecdh(ephemeral, peer).value();
    add(ephemeral_name, ephemeral.expose_scalar());
    add(of + ".Z", z.expose());
    add(of + ".ctx", context);
    SecretBytes keys = crypto::x963_kdf_sha256(z.expose(), context, 48).value();
    add(of + ".keys", keys.expose());
    return keys;
  }

  void make_keys_and_certificates();
  void make_enrolment();
  void make_delivery();
  void make_receipt();
  void make_cancellation();
  void make_root_statement();
  void make_hpke_envelope();
  void make_attestation();
  void make_next_enrolment();
  Payload payload();

  CertificateFields fields(CertificateKind kind, std::uint8_t serial) const;
  Bytes issue(const char* name,
              const CertificateFields& fields,
              const EcPrivateKey& key,
              const EcPrivateKey& issuer);

  RecordingRng rng_;
  std::string section_;
  std::vector<ExampleValue> values_;

  const Seid seid_{name16("SEID", 7)};
  const Spid spid_{name16("SPID", 1)};
  const std::array<std::uint8_t, 16> maker_name_ = name16("MAKER", 1);
  const Aid kda_aid_ = *Aid::from_hex("F04B4147494B4441");
  const Aid target_ = *Aid::from_hex("A000000151535041");
  std::vector<EcPrivateKey> keys_;  // by the enumeration below
  enum Key { kAuth, kMaker, kKda, kOce, kDomain, kProvider, kKem, kEnrolment };
  const EcPrivateKey& sk(Key which) const { return keys_[which]; }

  Bytes cert_maker_, cert_kda_, cert_provider_;
  Handle handle_;
  Nonce16 nonce_a_;
  Bytes e1_;
  EnvelopeHeader header_;
  EnrolmentStatement statement_;
  Bytes payload_;  // P as encoded: nothing here is secret
  SecretArray<16> receipt_key_;
};

CertificateFields Example::fields(CertificateKind kind, std::uint8_t serial) const {
  CertificateFields out;
  out.serial = {0x01, serial};
  out.issuer = Bytes{'A', 'U', 'T', 'H'};
  out.subject = seid_.octets;
  out.kind = kind;
  out.epoch = 1;
  out.effective = {20260101};
  out.expiration = {20301231};
  return out;
}

Bytes Example::issue(const char* name,
                     const CertificateFields& fields,
                     const EcPrivateKey& key,
                     const EcPrivateKey& issuer) {
  Bytes octets = Certificate::issue(fields, key.public_key(), issuer, rng_).value().encoded();
  add(name, octets);
  return octets;
}

void Example::make_keys_and_certificates() {
  section_ = "Private keys";
  for (const char* name : {"SK.AUTH", "SK.EUM", "SK.KDA.SIG", "SK.OCE.ECKA", "SK.SD.ECKA",
                           "SK.SP.SIG", "SK.SP.KEM", "skE"}) {
    keys_.push_back(key(name));
  }
  section_ = "Certificates";
  CertificateFields maker = fields(CertificateKind::kMaker, 1);
  maker.subject = maker_name_;
  maker.platform = name16("PLATFORM", 1);
  cert_maker_ = issue("CERT.EUM", maker, sk(kMaker), sk(kAuth));
  CertificateFields kda = fields(CertificateKind::kKda, 2);
  kda.issuer = Bytes(maker_name_.begin(), maker_name_.end());
  kda.aids = {Bytes(kda_aid_.view().begin(), kda_aid_.view().end())};
  kda.code_hash = crypto::sha256(ascii("load file of the worked example"));
  kda.attestation = pki::AttestationProfile::kAtt1;
  cert_kda_ = issue("CERT.KDA", kda, sk(kKda), sk(kMaker));
  issue("CERT.OCE", fields(CertificateKind::kOce, 3), sk(kOce), sk(kAuth));
  CertificateFields domain = fields(CertificateKind::kSecurityDomain, 4);
  domain.aids = {Bytes(target_.view().begin(), target_.view().end())};
  domain.owner = spid_;
  domain.maker_key = crypto::sha256(sk(kMaker).public_key().point());
  issue("CERT.SD", domain, sk(kDomain), sk(kAuth));
  CertificateFields provider = fields(CertificateKind::kServiceProvider, 5);
  provider.subject = spid_.octets;
  provider.aids = {*from_hex("A000000151"), *from_hex("D276000085")};
  cert_provider_ = issue("CERT.SP", provider, sk(kProvider), sk(kAuth));
}

void Example::make_enrolment() {
  section_ = "Enrolment";
  nonce_a_ = Nonce16{crypto::random_array<16>(rng_).value()};
  EnrolmentRequest request;
  request.spid = spid_;
  request.nonce_a = nonce_a_;
  request.target = target_;
  request.kem_key = sk(kKem).public_key().point();
  request.certificate = cert_provider_;
  add("E0", sign_request(request, sk(kProvider), rng_).value());

  handle_ = Handle{crypto::random_array<16>(rng_).value()};
  EnrolmentStatement statement;
  statement.nonce_a = nonce_a_;
  statement.nonce_k = Nonce16{crypto::random_array<16>(rng_).value()};
  const crypto::EcPoint point = sk(kEnrolment).public_key().point();
  statement.enrolment_key = Bytes(point.begin(), point.end());
  statement.seid = seid_;
  statement.kda = kda_aid_;
  statement.code_hash = crypto::sha256(ascii("load file of the worked example"));
  statement.level_bitmap = 0x01;
  statement.announces_next = true;
  statement.enrolment_counter = 1;
  statement.target = target_;
  statement.highest_key_version = 0x30;
  statement.last_committed_seq = 0;
  statement.min_epoch = 1;
  statement.handle = handle_;
  statement.spid = spid_;
  statement_ = statement;
  e1_ = sign_statement(statement, sk(kKda), rng_).value();
  add("E1", e1_);
  add("SHA-256(E1)", crypto::sha256(e1_));

  const AnswerContent content{.statement = e1_,
                              .kda_certificate = cert_kda_,
                              .maker_certificate = cert_maker_,
                              .security_domain_certificate = std::nullopt};
  add("T", content.encode());
  const Bytes e4 =
      seal_answer(content, 0x01, handle_, nonce_a_, sk(kKem).public_key(), rng_).value();
  const EnrolmentAnswer answer = EnrolmentAnswer::decode(e4).value();
  add_derivation("E4", "eSK.K", answer.ephemeral_key, sk(kKem).public_key(),
                 crypto::sha256({ascii("KB1-ANS"), answer.head(), request.kem_key_tlv()}));
  add("E4", e4);
}

Payload Example::payload() {
  Payload out;
  PutKeyAction put_key{
      .old_key_version = 0x00, .new_key_version = 0x31, .first_key_identifier = 0x01, .keys = {}};
  for (int i = 0; i < 3; ++i) {
    SecretBytes value = crypto::random_secret(rng_, 16).value();
    const auto kcv = crypto::aes_kcv(value.expose()).value();
    put_key.keys.push_back({.type = kKeyTypeAes, .value = std::move(value), .kcv = kcv});
  }
  out.actions.emplace_back(std::move(put_key));
  out.actions.emplace_back(
      StoreDataAction{.application = *Aid::from_hex("A00000015153504101"),
                      .under_key_dek = false,
                      .data = SecretBytes::copy_of(*from_hex("0101 03 010203")),
                      .probe = std::nullopt});
  out.actions.emplace_back(DeleteKeyAction{.key_version = 0x30});
  out.channel_keys = ChannelKeys{.key_version = 0x30,
                                 .enc = crypto::random_secret(rng_, 16).value(),
                                 .mac = crypto::random_secret(rng_, 16).value(),
                                 .dek = crypto::random_secret(rng_, 16).value()};
  receipt_key_ = *SecretArray<16>::copy_of(crypto::random_array<16>(rng_).value());
  out.receipt_key = receipt_key_.duplicate();
  return out;
}

void Example::make_delivery() {
  section_ = "Envelope";
  header_.spid = spid_;
  header_.handle = handle_;
  header_.key_version_number = 0x30;
  header_.required_i_mask = 0x60;
  header_.seq = 1;
  header_.issued_at = 3'622'000;
  header_.not_after = 3'632'080;  // a week later
  const Payload contents = payload();
  add("A0", header_.encode());
  const SecretBytes encoded = contents.encode();
  payload_.assign(encoded.expose().begin(), encoded.expose().end());
  add("P", payload_);
  const Bytes e2 =
      seal_delivery(header_, contents, e1_, sk(kEnrolment).public_key(), sk(kProvider), rng_)
          .value();
  const Envelope envelope = Envelope::decode(e2).value();
  add_derivation("E2", "eSK.A", envelope.ephemeral_key, sk(kEnrolment).public_key(),
                 crypto::sha256({ascii("KB1-CTX"), envelope.header, crypto::sha256(e1_),
                                 envelope.ephemeral_tlv()}));
  add("E2", e2);
}

void Example::make_receipt() {
  section_ = "Receipt";
  Receipt receipt;
  receipt.header_hash = crypto::sha256(header_.encode());
  receipt.handle = handle_;
  receipt.seq = header_.seq;
  receipt.results = {ActionResult::kInstalled, ActionResult::kInstalled, ActionResult::kInstalled};
  receipt.level = header_.level;
  const Bytes e3 = seal_receipt(receipt, crypto::sha256(e1_), &receipt_key_, 1, sk(kKda),
                                sk(kKem).public_key(), rng_)
                       .value();
  const Receipt sealed = Receipt::decode(e3).value();
  const SecretBytes keys = add_derivation(
      "E3", "eSK.R", sealed.seal.ephemeral_key, sk(kKem).public_key(),
      crypto::sha256({ascii("KB1-RCS"), sealed.handle_tlv(), sealed.mac_tlv(),
                      sealed.ephemeral_tlv(), tlv::encode(0x85, sk(kKem).public_key().point())}));
  const SecretBytes padded =
      crypto::aes_cbc_decrypt(keys.expose().first(16), *to_array<16>(keys.expose().last(16)),
                              sealed.seal.sealed)
          .value();
  add("S", padded.expose().first(crypto::unpad80(padded.expose()).value()));
  add("E3", e3);
}

// Of the attempt above, before its end: another nA, the same PK.SP.KEM.
void Example::make_cancellation() {
  section_ = "Cancellation";
  EnrolmentRequest request;
  request.spid = spid_;
  request.nonce_a = Nonce16{crypto::random_array<16>(rng_).value()};
  request.target = target_;
  request.kem_key = sk(kKem).public_key().point();
  request.cancel = true;
  request.certificate = cert_provider_;
  add("E0.cancel", sign_request(request, sk(kProvider), rng_).value());
}

void Example::make_root_statement() {
  section_ = "Statement of the authority";
  const EcPrivateKey second = key("SK.AUTH.2");
  const Bytes value = ByteWriter().u32(1).bytes(second.public_key().point()).take();
  tlv::TlvWriter out;
  out.put_u8(0x80, 0x03).put(0x81, value);
  const Bytes signature =
      crypto::ecdsa_sign_der(sk(kAuth), {ascii(kLabelAuthority), out.view()}, rng_).value();
  add("STATEMENT", out.put(0x9E, signature).take());
}

// The same delivery had it been enrolled in suite 10.
void Example::make_hpke_envelope() {
  section_ = "Envelope in suite 10";
  const EcPrivateKey own = key("skE.10");
  const crypto::EcPoint point = own.public_key().point();
  statement_.suite = 0x10;
  statement_.enrolment_key = Bytes(point.begin(), point.end());
  const Bytes e1 = sign_statement(statement_, sk(kKda), rng_).value();
  add("E1.10", e1);
  header_.suite = 0x10;
  const Bytes e2 = seal_delivery(header_, Payload::decode(payload_).value(), e1, own.public_key(),
                                 sk(kProvider), rng_)
                       .value();
  const Envelope envelope = Envelope::decode(e2).value();
  add("skEm", rng_.private_key_of(envelope.ephemeral_key).expose_scalar());
  const auto shared =
      crypto::decapsulate(crypto::KemPrivateKey::of(own), envelope.ephemeral_key).value();
  const auto keys = crypto::hpke_key_schedule(crypto::HpkeKem::kP256, crypto::HpkeAead::kAes128Gcm,
                                              shared.expose(), ascii("KB1-HPKE"))
                        .value();
  add("shared_secret", shared.expose());
  add("key", keys.key.expose());
  add("base_nonce", keys.base_nonce.expose());
  add("E2.10", e2);
}

// The same statement of an application that was loaded in the field, where the CASD vouches.
void Example::make_attestation() {
  section_ = "Attestation by a CASD";
  const EcPrivateKey casd = key("SK.CASD.AUT");
  CertificateFields fields = this->fields(CertificateKind::kCasdSignature, 7);
  fields.aids = {*from_hex("A00000015153504341534400")};
  fields.platform = name16("PLATFORM", 1);
  CodeAttestation attestation{.kda_key = sk(kKda).public_key().point(),
                              .certificate = issue("CERT.CASD.AUT", fields, casd, sk(kAuth))};
  const crypto::Digest256 attested = crypto::sha256({attestation.attested_head(), e1_});
  add("attested", attested);
  attestation.statement =
      gp::sign_data(
          {.application = kda_aid_,
           .load_file = *Aid::from_hex("F04B4147494B4400"),
           .code_hash = crypto::sha256(ascii("load file of the worked example")),
           .security_domain = *Aid::from_hex("A000000151000000")},
          attested,
          crypto::CurvePrivateKey::from_scalar(crypto::Curve::kP256, casd.expose_scalar()).value(),
          rng_)
          .value();
  add("E5", attestation.encode());
  const AnswerContent content{.statement = e1_,
                              .kda_certificate = {},
                              .maker_certificate = {},
                              .security_domain_certificate = std::nullopt,
                              .code_attestation = attestation.encode()};
  add("T.ATT-2", content.encode());
}

// Header and receipt of the same delivery had it asked for the next enrolment, which its payload is
// not made for: it does not end by putting the next channel keys.
void Example::make_next_enrolment() {
  section_ = "One visit in the steady state";
  header_.suite = 0x01;
  header_.next_nonce_a = Nonce16{crypto::random_array<16>(rng_).value()};
  add("A0.next", header_.encode());
  const crypto::EcPoint point = key("skE.next").public_key().point();
  statement_.suite = 0x01;
  statement_.nonce_a = *header_.next_nonce_a;
  statement_.nonce_k = Nonce16{crypto::random_array<16>(rng_).value()};
  statement_.handle = Handle{crypto::random_array<16>(rng_).value()};
  statement_.enrolment_key = Bytes(point.begin(), point.end());
  statement_.enrolment_counter = 2;
  statement_.highest_key_version = 0x31;
  statement_.last_committed_seq = header_.seq;
  const Bytes e1 = sign_statement(statement_, sk(kKda), rng_).value();
  add("E1.next", e1);
  const AnswerContent content{.statement = e1,
                              .kda_certificate = cert_kda_,
                              .maker_certificate = cert_maker_,
                              .security_domain_certificate = std::nullopt};
  const crypto::EcPublicKey kem = sk(kKem).public_key();
  const Bytes e4 =
      seal_answer(content, 0x01, statement_.handle, statement_.nonce_a, kem, rng_).value();
  const EnrolmentAnswer answer = EnrolmentAnswer::decode(e4).value();
  const Bytes kem_tlv = tlv::encode(0x85, kem.point());
  add_derivation("E4.next", "eSK.K.next", answer.ephemeral_key, kem,
                 crypto::sha256({ascii("KB1-ANS"), answer.head(), kem_tlv}));
  add("E4.next", e4);

  Receipt receipt;
  receipt.header_hash = crypto::sha256(header_.encode());
  receipt.handle = handle_;
  receipt.seq = header_.seq;
  receipt.results = {ActionResult::kInstalled, ActionResult::kInstalled, ActionResult::kInstalled};
  receipt.level = header_.level;
  receipt.next_enrolment = e4;
  const Bytes e3 =
      seal_receipt(receipt, crypto::sha256(e1_), &receipt_key_, 1, sk(kKda), kem, rng_).value();
  const Receipt sealed = Receipt::decode(e3).value();
  add_derivation("E3.next", "eSK.R.next", sealed.seal.ephemeral_key, kem,
                 crypto::sha256({ascii("KB1-RCS"), sealed.handle_tlv(), sealed.mac_tlv(),
                                 sealed.ephemeral_tlv(), kem_tlv}));
  add("E3.next", e3);
}

std::vector<ExampleValue> Example::make() {
  make_keys_and_certificates();
  make_enrolment();
  make_delivery();
  make_receipt();
  make_cancellation();
  make_root_statement();
  make_hpke_envelope();
  make_attestation();
  make_next_enrolment();
  return std::move(values_);
}

}  // namespace

std::vector<ExampleValue> worked_example() { return Example().make(); }

Bytes example_octets(const std::vector<ExampleValue>& values, std::string_view name) {
  const auto found = std::ranges::find(values, name, &ExampleValue::name);
  KB_CHECK(found != values.end());
  return found->octets;
}

std::string as_vector_file(const std::vector<ExampleValue>& values) {
  std::string out =
      "# Source: tests/worked_example/worked_example.cc, from a fixed random source; the private "
      "keys "
      "are for nothing else.\n"
      "# Licence: Apache-2.0\n"
      "# Recomputed by doc/wire_format_check.py, which shares no code with its maker.\n";
  std::string_view section;
  for (const ExampleValue& value : values) {
    if (value.section != section) {
      section = value.section;
      out += "\n[" + value.section + "]\n";
    }
    out += value.name + " = " + to_hex(value.octets) + "\n";
  }
  return out;
}

}  // namespace kagibin::test
