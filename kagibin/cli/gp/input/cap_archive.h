// SPDX-License-Identifier: Apache-2.0
// A CAP file as tools write it, a ZIP archive of components (JCVM 3.0, 4.1.1), put together as the
// load file data block that LOAD carries: Header, Directory, Import, Applet, Class, Method,
// StaticField, Export, ConstantPool, RefLocation, Descriptor; Debug is left out, and the Descriptor
// where a caller wants it out. Octets that begin with a Header component (an IJC file) are taken as
// they are.
//
// Total, for files from anywhere: kEncoding for what is neither, kTruncated, kNotSupported
// (encrypted, ZIP64, other methods than stored and deflated), kLimit past 65,535 octets, kConflict
// for a component twice, kNotFound without a Header. Ownership: values.
//
//   const Bytes block = KB_TRY(read_cap(file, Descriptor::kWith));
//   const gp::CapFile cap = KB_TRY(gp::CapFile::decode(block));
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::cli {

enum class DescriptorComponent : std::uint8_t { kWith, kWithout };

Result<Bytes> read_cap(ByteView file, DescriptorComponent descriptor);

}  // namespace kagibin::cli
