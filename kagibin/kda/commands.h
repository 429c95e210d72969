// SPDX-License-Identifier: Apache-2.0
// C-APDUs for the KDA, as the agent and the maker send them (protocol, section 9).
//
// A message longer than one block is chained: b5 of CLA set in every block but the last, P1 00, P2
// the number of the block from 00. Send the blocks in order and stop at the first status word that
// is not 9000; a block whose answer got lost may be sent again. All commands are on channel 0
// (apdu::on_channel sets another one) and carry Le in the last block where an answer comes back.
// Precondition of every builder: at most 256 blocks (KB_CHECK). The content is not looked at.
//
//   for (const apdu::CommandApdu& block : kda::load(handle, envelope)) { ... }
#pragma once

#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/kda/instructions.h"

namespace kagibin::kda {

using Commands = std::vector<apdu::CommandApdu>;

// One message in blocks of `block_size` octets; an empty message is one block without data.
Commands chain(std::uint8_t instruction,
               ByteView message,
               bool expects_answer,
               std::size_t block_size = kBlockSize);

// The KDA, or a domain that takes deliveries by itself.
apdu::CommandApdu select(const Aid& application = aid());
// E0, and the CERT.SD (7F21) read from the target where there is one. Answer: E4.
Commands enrol(ByteView request, ByteView security_domain_certificate = {});
// 83 10 handle | E2.
Commands load(const Handle& handle, ByteView envelope);
// See next.h; the message is NextRequest::encode().
Commands next(ByteView request);
apdu::CommandApdu get_receipt(const Handle& handle);
// E0 with the flag cancel, and PK.SP.KEM of the attempt that it cancels.
Commands cancel(ByteView request);
apdu::CommandApdu status(const Handle& handle);
// See authority_statement.h.
apdu::CommandApdu statement(ByteView message);
apdu::CommandApdu capabilities();

// The maker's two, to be wrapped by its secure channel session (see maker_data.h).
apdu::CommandApdu generate();
Commands store_certificates(ByteView message, std::size_t block_size = kWrappedBlockSize);

// 83 10 handle: what STATUS and GET RECEIPT carry, and what LOAD and NEXT start with.
Bytes encode_handle(const Handle& handle);
Result<Handle> decode_handle(ByteView octets);

}  // namespace kagibin::kda
