// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/x509/transport_x509.h"

#include <algorithm>
#include <ctime>

#include <openssl/pem.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/p256.h"
#include "kagibin/crypto/key_file/pem.h"
#include "kagibin/crypto/openssl_ptr.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kSerialSize = 16;
constexpr std::size_t kLargestCommonName = 64;  // ub-common-name, RFC 5280, A.1
constexpr int kLargestDays = 36'500;
constexpr std::size_t kLargestNameCount = 32;
constexpr long kX509Version3 = 2;
constexpr std::int64_t kSecondsPerDay = 86'400;

Result<void> check_lifetime(std::int64_t not_before, int days) {
  // Up to the end of 9999-12-31, which is all that GeneralizedTime can say.
  constexpr std::int64_t kLastSecond = 253'402'300'799;
  if (days < 1 || days > kLargestDays || not_before < 0 ||
      not_before > kLastSecond - kLargestDays * kSecondsPerDay) {
    return fail(Errc::kInvalidArgument, "a certificate lives 1 to 36500 days, from 1970 on");
  }
  return {};
}

Result<void> check_common_name(std::string_view name) {
  if (name.empty() || name.size() > kLargestCommonName ||
      name.find('\0') != std::string_view::npos) {
    return fail(Errc::kInvalidArgument, "a common name has 1 to 64 octets");
  }
  return {};
}

bool set_common_name(X509_NAME* name, std::string_view text) {
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, ascii(text).data(),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

// Version, serial number, dates and key: what every certificate here has.
bool set_basics(
    X509* certificate, ByteView serial, std::int64_t not_before, int days, EVP_PKEY* subject_key) {
  const BignumPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return number != nullptr && X509_set_version(certificate, kX509Version3) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), not_before + days * kSecondsPerDay) !=
             nullptr &&
         X509_set_pubkey(certificate, subject_key) == 1;
}

// `value` in the notation of x509v3_config(5); literals only, for it is a small language.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Takes over the value.
bool add_name(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  if (value == nullptr) {
    return false;
  }
  GENERAL_NAME* const name = GENERAL_NAME_new();
  if (name == nullptr) {
    ASN1_STRING_free(value);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(names, name) <= 0) {  // the stack owns it from here on
    GENERAL_NAME_free(name);
    return false;
  }
  return true;
}

ASN1_STRING* dns_name(std::string_view text) {
  ASN1_STRING* string = ASN1_IA5STRING_new();
  if (string != nullptr &&
      ASN1_STRING_set(string, text.data(), static_cast<int>(text.size())) != 1) {
    ASN1_STRING_free(string);
    return nullptr;
  }
  return string;
}

bool is_dns_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*' || c == '_';
  });
}

// subjectAltName (RFC 5280, 4.2.1.6) from names as they are, not through a notation.
Result<void> add_alternative_names(X509* certificate, const TransportCertificate& what) {
  if (what.dns_names.empty() && what.ip_addresses.empty()) {
    return {};
  }
  if (!what.server || what.dns_names.size() + what.ip_addresses.size() > kLargestNameCount) {
    return fail(Errc::kInvalidArgument, "only a server has DNS names and addresses, at most 32");
  }
  const GeneralNamesPtr names(GENERAL_NAMES_new());
  bool good = names != nullptr;
  for (const std::string& text : what.dns_names) {
    if (!is_dns_name(text)) {
      return fail(Errc::kInvalidArgument, "not a DNS name");
    }
    good = good && add_name(names.get(), GEN_DNS, dns_name(text));
  }
  for (const std::string& text : what.ip_addresses) {
    ASN1_OCTET_STRING* address = good ? a2i_IPADDRESS(text.c_str()) : nullptr;
    if (good && address == nullptr) {
      return fail(Errc::kInvalidArgument, "not an IP address");
    }
    good = good && add_name(names.get(), GEN_IPADD, address);
  }
  if (!good || X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0,
                                 X509V3_ADD_DEFAULT) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not take the server's names");
  }
  return {};
}

// Four octets as IPv4, sixteen as eight groups of IPv6.
std::string address_text(ByteView octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (octets.size() == 4) {
      out += (i == 0 ? "" : ".") + std::to_string(octets[i]);
    } else {
      out += (i == 0 || i % 2 != 0 ? "" : ":") + to_hex(octets.subspan(i, 1));
    }
  }
  return out;
}

void put_length(ByteWriter& out, std::size_t length) {
  if (length < 0x80) {
    out.u8(static_cast<std::uint8_t>(length));
  } else if (length <= 0xFF) {
    out.u8(0x81).u8(static_cast<std::uint8_t>(length));
  } else {
    out.u8(0x82).u16(static_cast<std::uint16_t>(length));
  }
}

// The signed certificate in PEM. libcrypto names the algorithm in the certificate by signing it
// once, under a key that is nobody's; the signature that counts is ours, because its secret comes
// from the Rng or the key is elsewhere.
Result<std::string> finish_certificate(X509* certificate, const SigningKey& issuer, Rng& rng) {
  // ecdsa-with-SHA256 without parameters (RFC 5758, 3.2).
  constexpr std::array<std::uint8_t, 12> kAlgorithm = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                                       0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
  unsigned char* encoded = nullptr;
  std::array<std::uint8_t, kEcScalarSize> one{};
  one.back() = 1;
  const PkeyPtr nobody = make_key_pair(KB_TRY(EcPrivateKey::from_scalar(one)));
  const PkeyPtr issuer_key = make_public_pkey(issuer.public_key());
  if (nobody == nullptr || issuer_key == nullptr ||
      X509_sign(certificate, nobody.get(), EVP_sha256()) <= 0) {
    return fail(Errc::kCrypto, "libcrypto did not prepare the certificate");
  }
  const int size = i2d_re_X509_tbs(certificate, &encoded);
  const OpensslMemory owner(encoded);
  if (size <= 0 || size > 0xF000) {
    return fail(Errc::kCrypto, "libcrypto did not encode the certificate");
  }
  const ByteView to_be_signed(encoded, static_cast<std::size_t>(size));
  const Bytes signature = KB_TRY(issuer.sign_der({to_be_signed}, rng));
  ByteWriter body;
  body.bytes(to_be_signed).bytes(kAlgorithm).u8(0x03);  // BIT STRING, no unused bits
  put_length(body, signature.size() + 1);
  body.u8(0).bytes(signature);
  ByteWriter out;
  out.u8(0x30);
  put_length(out, body.view().size());
  out.bytes(body.view());
  const unsigned char* at = out.view().data();
  const X509Ptr result(d2i_X509(nullptr, &at, static_cast<long>(out.view().size())));
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (result == nullptr || bio == nullptr || X509_verify(result.get(), issuer_key.get()) != 1 ||
      PEM_write_bio_X509(bio.get(), result.get()) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not take the signed certificate");
  }
  return memory_text(bio.get());
}

// Positive and 16 octets long in DER (RFC 5280, 4.1.2.2).
Result<std::array<std::uint8_t, kSerialSize>> draw_serial(Rng& rng) {
  auto serial = KB_TRY(random_array<kSerialSize>(rng));
  serial.front() = static_cast<std::uint8_t>((serial.front() & 0x3FU) | 0x40U);
  return serial;
}

std::int64_t to_seconds(const ASN1_TIME* time) {
  std::tm fields{};
  return ASN1_TIME_to_tm(time, &fields) == 1 ? timegm(&fields) : 0;
}

}  // namespace

Result<std::string> self_signed_certificate(const SigningKey& key,
                                            std::string_view common_name,
                                            std::int64_t not_before,
                                            int days,
                                            bool certificate_authority,
                                            Rng& rng) {
  const ErrorScope errors;
  KB_TRY(check_common_name(common_name));
  KB_TRY(check_lifetime(not_before, days));
  const auto serial = KB_TRY(draw_serial(rng));
  const X509Ptr certificate(X509_new());
  X509* const x = certificate.get();
  const PkeyPtr pkey = make_public_pkey(key.public_key());
  if (x == nullptr || pkey == nullptr || !set_basics(x, serial, not_before, days, pkey.get()) ||
      !set_common_name(X509_get_subject_name(x), common_name) ||
      X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 ||
      !add_extension(x, x, NID_basic_constraints,
                     certificate_authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") ||
      !add_extension(x, x, NID_key_usage,
                     certificate_authority ? "critical,keyCertSign,cRLSign"
                                           : "critical,digitalSignature,keyAgreement") ||
      !add_extension(x, x, NID_subject_key_identifier, "hash")) {
    return fail(Errc::kCrypto, "libcrypto did not build the certificate");
  }
  return finish_certificate(x, key, rng);
}

Result<std::string> certificate_request(const EcPrivateKey& key, std::string_view common_name) {
  const ErrorScope errors;
  KB_TRY(check_common_name(common_name));
  const X509RequestPtr request(X509_REQ_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  const PkeyPtr pair = make_key_pair(key);
  if (request == nullptr || bio == nullptr || pair == nullptr ||
      X509_REQ_set_version(request.get(), 0) != 1 ||
      !set_common_name(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), pair.get()) != 1 ||
      X509_REQ_sign(request.get(), pair.get(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not build the request");
  }
  return memory_text(bio.get());
}

Result<std::string> issue_certificate(const EcPrivateKey& ca_key,
                                      std::string_view ca_certificate_pem,
                                      std::string_view request_pem,
                                      const TransportCertificate& what,
                                      std::int64_t not_before,
                                      int days,
                                      Rng& rng) {
  const ErrorScope errors;
  KB_TRY(check_common_name(what.common_name));
  KB_TRY(check_lifetime(not_before, days));
  const X509Ptr ca = KB_TRY(read_certificate(ca_certificate_pem));
  if (KB_TRY(to_public_key(X509_get0_pubkey(ca.get()))) != ca_key.public_key()) {
    return fail(Errc::kInvalidArgument, "the CA certificate is of another key");
  }
  const BioPtr bio = memory_reader(ascii(request_pem));
  const X509RequestPtr request(
      bio == nullptr ? nullptr
                     : PEM_read_bio_X509_REQ(bio.get(), nullptr, refuse_passphrase, nullptr));
  if (request == nullptr) {
    return fail(Errc::kEncoding, "not a certificate request in PEM");
  }
  EVP_PKEY* const requested = X509_REQ_get0_pubkey(request.get());
  const EcPublicKey subject_key = KB_TRY(to_public_key(requested));
  if (X509_REQ_verify(request.get(), requested) != 1) {
    return fail(Errc::kAuthentication, "the request is not signed by its own key");
  }
  const auto serial = KB_TRY(draw_serial(rng));
  const X509Ptr certificate(X509_new());
  X509* const x = certificate.get();
  const PkeyPtr pkey = make_public_pkey(subject_key);
  if (x == nullptr || pkey == nullptr || !set_basics(x, serial, not_before, days, pkey.get()) ||
      !set_common_name(X509_get_subject_name(x), what.common_name) ||
      X509_set_issuer_name(x, X509_get_subject_name(ca.get())) != 1 ||
      !add_extension(x, ca.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(x, ca.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(x, ca.get(), NID_ext_key_usage, what.server ? "serverAuth" : "clientAuth") ||
      !add_extension(x, ca.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(x, ca.get(), NID_authority_key_identifier, "keyid")) {
    return fail(Errc::kCrypto, "libcrypto did not build the certificate");
  }
  KB_TRY(add_alternative_names(x, what));
  return finish_certificate(x, ca_key, rng);
}

Result<ServerCertificateNames> server_names(std::string_view certificate_pem) {
  const ErrorScope errors;
  const X509Ptr certificate = KB_TRY(read_certificate(certificate_pem));
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  ServerCertificateNames out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const auto* value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    const ByteView octets(ASN1_STRING_get0_data(value),
                          static_cast<std::size_t>(ASN1_STRING_length(value)));
    if (type == GEN_DNS) {
      out.dns_names.emplace_back(octets.begin(), octets.end());
    } else if (type == GEN_IPADD) {
      out.ip_addresses.push_back(address_text(octets));
    }
  }
  return out;
}

Result<CertificateFacts> certificate_facts(std::string_view certificate_pem) {
  const ErrorScope errors;
  const X509Ptr certificate = KB_TRY(read_certificate(certificate_pem));
  const X509_NAME* const subject = X509_get_subject_name(certificate.get());
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) {
    return fail(Errc::kValue, "the certificate has no common name");
  }
  const ASN1_STRING* const name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
  unsigned char* text = nullptr;
  const int text_size = ASN1_STRING_to_UTF8(&text, name);
  const OpensslMemory text_owner(text);
  unsigned char* der = nullptr;
  const int der_size = i2d_X509(certificate.get(), &der);
  const OpensslMemory der_owner(der);
  if (text_size < 0 || der_size <= 0) {
    return fail(Errc::kEncoding, "the certificate's name is not text");
  }
  return CertificateFacts{
      .common_name = std::string(text, text + text_size),
      .not_before = to_seconds(X509_get0_notBefore(certificate.get())),
      .not_after = to_seconds(X509_get0_notAfter(certificate.get())),
      .sha256_hex = to_hex(sha256(ByteView(der, static_cast<std::size_t>(der_size))))};
}

}  // namespace kagibin::crypto
