// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/input/pem_key.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kagibin/base/base64.h"
#include "kagibin/cli/console/private_file.h"
#include "kagibin/cli/gp/input/key_file.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/x509_certificate.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::cli {

namespace {

constexpr tlv::Tag kInteger = 0x02;
constexpr tlv::Tag kBitString = 0x03;
constexpr tlv::Tag kOctetString = 0x04;
constexpr tlv::Tag kObjectIdentifier = 0x06;
constexpr tlv::Tag kSequence = 0x30;
constexpr tlv::Tag kParameters = 0xA0;  // of SEC 1

constexpr std::array<std::uint8_t, 7> kEcPublicKeyOid{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
constexpr std::array<std::uint8_t, 8> kP256Oid{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 5> kP384Oid{0x2B, 0x81, 0x04, 0x00, 0x22};

std::string_view text_of(ByteView octets) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets of a text file
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// The octets of the first block with this label; kNotFound without one.
Result<SecretBytes> block_of(std::string_view pem, std::string_view label) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  const std::size_t from = pem.find(begin);
  const std::size_t to = pem.find(end);
  if (from == std::string_view::npos || to == std::string_view::npos || to < from) {
    return fail(Errc::kNotFound, "there is no such block in the PEM file");
  }
  const std::string_view body = pem.substr(from + begin.size(), to - from - begin.size());
  SecretBytes compact(body.size());
  std::size_t size = 0;
  for (const char letter : body) {
    if (letter != '\n' && letter != '\r' && letter != ' ') {
      compact.expose_mutable()[size++] = static_cast<std::uint8_t>(letter);
    }
  }
  compact.shrink(size);
  Bytes octets = KB_TRY(from_base64(text_of(compact.expose())));
  SecretBytes out = SecretBytes::copy_of(octets);
  wipe(octets);
  return out;
}

Result<crypto::Curve> curve_of(ByteView object_identifier) {
  if (equal(object_identifier, kP256Oid)) {
    return crypto::Curve::kP256;
  }
  if (equal(object_identifier, kP384Oid)) {
    return crypto::Curve::kP384;
  }
  return fail(Errc::kNotSupported, "EC keys are on P-256 or P-384");
}

// AlgorithmIdentifier of an EC key (RFC 5480, 2.1.1). kNotFound for another algorithm.
Result<crypto::Curve> curve_of_algorithm(tlv::TlvReader& in) {
  const tlv::Tlv algorithm = KB_TRY(in.expect(kSequence, 0, tlv::TlvReader::kAnyLength));
  tlv::TlvReader inner(algorithm.value);
  const tlv::Tlv name = KB_TRY(inner.expect(kObjectIdentifier, 1, 32));
  if (!equal(name.value, kEcPublicKeyOid)) {
    return fail(Errc::kNotFound, "this is no EC key");
  }
  const tlv::Tlv curve = KB_TRY(inner.expect(kObjectIdentifier, 1, 32));
  return curve_of(curve.value);
}

Result<crypto::CurvePublicKey> curve_public_key(ByteView der) {
  const tlv::Tlv whole = KB_TRY(tlv::read_single(der, kSequence));
  tlv::TlvReader in(whole.value);
  const crypto::Curve curve = KB_TRY(curve_of_algorithm(in));
  const tlv::Tlv bits = KB_TRY(in.expect(kBitString, 2, tlv::TlvReader::kAnyLength));
  KB_TRY(in.finish());
  return crypto::CurvePublicKey::from_point(curve, bits.value.subspan(1));
}

// ECPrivateKey (RFC 5915): the scalar, and its curve where it is said there.
Result<crypto::CurvePrivateKey> sec1_key(ByteView der, std::optional<crypto::Curve> curve) {
  const tlv::Tlv whole = KB_TRY(tlv::read_single(der, kSequence));
  tlv::TlvReader in(whole.value);
  KB_TRY(in.expect(kInteger, 1));
  const tlv::Tlv scalar = KB_TRY(in.expect(kOctetString, 1, 66));
  if (const auto parameters = KB_TRY(in.optional(kParameters, 1, 32)); parameters && !curve) {
    const tlv::Tlv name = KB_TRY(tlv::read_single(parameters->value, kObjectIdentifier));
    curve = KB_TRY(curve_of(name.value));
  }
  if (!curve) {
    return fail(Errc::kEncoding, "the private key does not say its curve");
  }
  return crypto::CurvePrivateKey::from_scalar(*curve, scalar.value);
}

Result<crypto::CurvePrivateKey> pkcs8_key(ByteView der) {
  const tlv::Tlv whole = KB_TRY(tlv::read_single(der, kSequence));
  tlv::TlvReader in(whole.value);
  KB_TRY(in.expect(kInteger, 1));
  const crypto::Curve curve = KB_TRY(curve_of_algorithm(in));
  const tlv::Tlv inner = KB_TRY(in.expect(kOctetString, 1, tlv::TlvReader::kAnyLength));
  return sec1_key(inner.value, curve);
}

bool is_pem(const SecretBytes& file) {
  return text_of(file.expose()).find("-----BEGIN ") != std::string_view::npos;
}

// The only entry of a key file, which is no set.
Result<gp::Key> single_key(const SecretBytes& file) {
  const auto entries = parse_key_file(file.expose());
  if (!entries) {
    return std::unexpected(entries.error().error);
  }
  if (entries->size() != 1 || entries->front().is_set()) {
    return fail(Errc::kInvalidArgument,
                "the file is neither PEM nor a key file with one single key (kvn, kid, key)");
  }
  std::vector<gp::Key> keys = KB_TRY(entries->front().gp_keys());
  return std::move(keys.front());
}

}  // namespace

Result<gp::Key> parse_public_key(std::string_view pem) {
  if (const auto certificate = block_of(pem, "CERTIFICATE")) {
    const auto decoded = KB_TRY(crypto::X509Certificate::decode(certificate->expose()));
    return gp::Key::ec_public(decoded.key());
  }
  const auto der = block_of(pem, "PUBLIC KEY");
  if (!der) {
    return fail(Errc::kEncoding, "the file is no public key in PEM (BEGIN PUBLIC KEY)");
  }
  auto curve_key = curve_public_key(der->expose());
  if (curve_key) {
    return gp::Key::ec_public(*curve_key);
  }
  if (curve_key.error().code != Errc::kNotFound) {
    return std::unexpected(curve_key.error());
  }
  const auto rsa = KB_TRY(crypto::RsaPublicKey::from_der(der->expose()));
  return gp::Key::rsa_public(rsa);
}

Result<crypto::CurvePrivateKey> parse_curve_private_key(ByteView pem) {
  if (const auto pkcs8 = block_of(text_of(pem), "PRIVATE KEY")) {
    return pkcs8_key(pkcs8->expose());
  }
  if (const auto sec1 = block_of(text_of(pem), "EC PRIVATE KEY")) {
    return sec1_key(sec1->expose(), std::nullopt);
  }
  return fail(Errc::kEncoding,
              "the file is no EC private key in PEM (BEGIN PRIVATE KEY or BEGIN EC PRIVATE KEY)");
}

Result<gp::Key> parse_private_key(ByteView pem) {
  if (const auto pkcs1 = block_of(text_of(pem), "RSA PRIVATE KEY")) {
    const auto key = KB_TRY(crypto::RsaPrivateKey::from_der(pkcs1->expose()));
    return gp::Key::rsa_private(key);
  }
  auto curve_key = parse_curve_private_key(pem);
  if (curve_key) {
    return gp::Key::ec_private(*curve_key);
  }
  const auto pkcs8 = block_of(text_of(pem), "PRIVATE KEY");
  if (curve_key.error().code != Errc::kNotFound || !pkcs8) {
    return fail(Errc::kEncoding,
                "the file is no RSA or EC private key in PEM, without encryption (BEGIN PRIVATE "
                "KEY)");
  }
  const auto key = KB_TRY(crypto::RsaPrivateKey::from_der(pkcs8->expose()));
  return gp::Key::rsa_private(key);
}

Result<gp::Key> read_private_key(const std::filesystem::path& path) {
  const SecretBytes file = KB_TRY(read_private_file(path));
  return parse_private_key(file.expose());
}

Result<gp::Key> read_signing_key(const std::filesystem::path& path) {
  const SecretBytes file = KB_TRY(read_private_file(path));
  return is_pem(file) ? parse_private_key(file.expose()) : single_key(file);
}

Result<gp::Key> read_verifying_key(const std::filesystem::path& path) {
  const SecretBytes file = KB_TRY(crypto::read_file(path));
  if (is_pem(file)) {
    return parse_public_key(text_of(file.expose()));
  }
  return single_key(KB_TRY(read_private_file(path)));
}

Result<gp::Key> read_public_key(const std::filesystem::path& path) {
  const SecretBytes file = KB_TRY(crypto::read_file(path));
  return parse_public_key(text_of(file.expose()));
}

Result<crypto::CurvePublicKey> read_curve_public_key(const std::filesystem::path& path) {
  const gp::Key key = KB_TRY(read_public_key(path));
  return key.ec_public_key();
}

Result<crypto::CurvePrivateKey> read_curve_private_key(const std::filesystem::path& path) {
  const SecretBytes file = KB_TRY(read_private_file(path));
  return parse_curve_private_key(file.expose());
}

Result<Bytes> read_certificate(const std::filesystem::path& path) {
  const SecretBytes file = KB_TRY(crypto::read_file(path));
  const auto der = block_of(text_of(file.expose()), "CERTIFICATE");
  const ByteView octets = der ? der->expose() : file.expose();
  return Bytes(octets.begin(), octets.end());
}

}  // namespace kagibin::cli
