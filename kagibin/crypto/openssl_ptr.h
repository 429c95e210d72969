// SPDX-License-Identifier: Apache-2.0
// Owners for the handles of libcrypto: the one place that names their deleters. For crypto/ only;
// no public header includes this one.
//
// Big numbers, contexts and buffers are wiped when they are freed. ErrorScope takes away whatever
// libcrypto put on the thread's error queue inside it, so that nothing of ours is left for a later
// reader of that queue.
//
//   const ErrorScope errors;
//   const BnCtxPtr ctx(BN_CTX_secure_new());
#pragma once

#include <cstddef>
#include <memory>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace kagibin::crypto {

template <auto Function>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* handle) const {
    Function(handle);
  }
};

template <typename T, auto Function>
using OpensslPtr = std::unique_ptr<T, OpensslDeleter<Function>>;

using BignumPtr = OpensslPtr<BIGNUM, BN_clear_free>;
using BioPtr = OpensslPtr<BIO, BIO_vfree>;  // BIO_free answers an int that nobody needs
using BnCtxPtr = OpensslPtr<BN_CTX, BN_CTX_free>;
using CmsPtr = OpensslPtr<CMS_ContentInfo, CMS_ContentInfo_free>;
using CipherCtxPtr = OpensslPtr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using EcGroupPtr = OpensslPtr<EC_GROUP, EC_GROUP_free>;
using EcPointPtr = OpensslPtr<EC_POINT, EC_POINT_clear_free>;
using ExtensionPtr = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;
using GeneralNamesPtr = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using MdCtxPtr = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using ParamBuilderPtr = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using PkeyCtxPtr = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using PkeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using X509Ptr = OpensslPtr<X509, X509_free>;
using X509RequestPtr = OpensslPtr<X509_REQ, X509_REQ_free>;

// Memory that libcrypto allocated for an encoding.
struct OpensslMemoryDeleter {
  void operator()(unsigned char* memory) const { OPENSSL_free(memory); }
};
using OpensslMemory = std::unique_ptr<unsigned char, OpensslMemoryDeleter>;

class ErrorScope {
 public:
  ErrorScope() { ERR_set_mark(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
  ~ErrorScope() { ERR_pop_to_mark(); }
};

}  // namespace kagibin::crypto
