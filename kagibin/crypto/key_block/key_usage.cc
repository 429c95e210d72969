// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_block/key_usage.h"

#include <algorithm>
#include <array>

namespace kagibin::crypto {
namespace {

constexpr std::string_view kDerive = "X";
constexpr std::string_view kCipher = "BDE";
constexpr std::string_view kMac = "CGV";
constexpr std::string_view kSign = "SV";

constexpr std::array kUsages = {
    KeyUsage{"B0", "base derivation key of DUKPT", kDerive},
    KeyUsage{"B1", "initial DUKPT key", kDerive},
    KeyUsage{"B2", "base key variant key", kDerive},
    KeyUsage{"B3", "key derivation key", kDerive},
    KeyUsage{"C0", "card verification key", kMac},
    KeyUsage{"D0", "symmetric key for data encryption", kCipher},
    KeyUsage{"D1", "asymmetric key for data encryption", kCipher},
    KeyUsage{"D2", "data encryption key for decimalization tables", kCipher},
    KeyUsage{"D3", "data encryption key for sensitive data", kCipher},
    KeyUsage{"E0", "EMV issuer master key for application cryptograms", kDerive},
    KeyUsage{"E1", "EMV issuer master key for confidentiality", kDerive},
    KeyUsage{"E2", "EMV issuer master key for integrity", kDerive},
    KeyUsage{"E3", "EMV issuer master key for data authentication codes", kDerive},
    KeyUsage{"E4", "EMV issuer master key for dynamic numbers", kDerive},
    KeyUsage{"E5", "EMV issuer master key for card personalization", kDerive},
    KeyUsage{"E6", "EMV issuer master key, other", kDerive},
    KeyUsage{"E7", "EMV asymmetric key pair for PIN encryption", kCipher},
    KeyUsage{"I0", "initialization vector", ""},
    KeyUsage{"K0", "key encryption or wrapping key", kCipher},
    KeyUsage{"K1", "key block protection key", kCipher},
    KeyUsage{"K2", "asymmetric key of TR-34", kCipher},
    KeyUsage{"K3", "asymmetric key for key agreement or wrapping", "BDEX"},
    KeyUsage{"K4", "key block protection key of ISO 20038", kCipher},
    KeyUsage{"M0", "MAC key, ISO 16609 algorithm 1", kMac},
    KeyUsage{"M1", "MAC key, ISO 9797-1 algorithm 1", kMac},
    KeyUsage{"M2", "MAC key, ISO 9797-1 algorithm 2", kMac},
    KeyUsage{"M3", "MAC key, ISO 9797-1 algorithm 3", kMac},
    KeyUsage{"M4", "MAC key, ISO 9797-1 algorithm 4", kMac},
    KeyUsage{"M5", "MAC key, ISO 9797-1:1999 algorithm 5", kMac},
    KeyUsage{"M6", "MAC key, CMAC", kMac},
    KeyUsage{"M7", "HMAC key", kMac},
    KeyUsage{"M8", "MAC key, ISO 9797-1 algorithm 6", kMac},
    KeyUsage{"P0", "PIN encryption key", kCipher},
    KeyUsage{"P1", "PIN generation key", kMac},
    KeyUsage{"S0", "asymmetric key pair for signatures", kSign},
    KeyUsage{"S1", "asymmetric key pair of a CA", kSign},
    KeyUsage{"S2", "asymmetric key pair, other", "SVTBDE"},
    KeyUsage{"V0", "PIN verification key", kMac},
    KeyUsage{"V1", "PIN verification key, IBM 3624", kMac},
    KeyUsage{"V2", "PIN verification key, VISA PVV", kMac},
    KeyUsage{"V3", "PIN verification key, X9.132 algorithm 1", kMac},
    KeyUsage{"V4", "PIN verification key, X9.132 algorithm 2", kMac},
    KeyUsage{"V5", "PIN verification key, X9.132 algorithm 3", kMac},
};

}  // namespace

const KeyUsage* find_key_usage(std::string_view code) {
  const auto* const at = std::ranges::find(kUsages, code, &KeyUsage::code);
  return at == kUsages.end() ? nullptr : at;
}

std::string_view mode_name(char mode) {
  switch (mode) {
    case 'B':
      return "encryption and decryption";
    case 'C':
      return "MAC generation and verification";
    case 'D':
      return "decryption alone";
    case 'E':
      return "encryption alone";
    case 'G':
      return "MAC generation alone";
    case 'N':
      return "no restriction but the usage's own";
    case 'S':
      return "signatures alone";
    case 'T':
      return "signatures and decryption";
    case 'V':
      return "verification alone";
    case 'X':
      return "derivation of keys";
    case 'Y':
      return "key variants";
    default:
      return {};
  }
}

}  // namespace kagibin::crypto
