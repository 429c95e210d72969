// SPDX-License-Identifier: Apache-2.0
// HPKE of npm's `hpke` with `@panva/hpke-noble` against ours (hpke_peer), in the suites of the envelope: each seals
// what the other opens, keys of both kinds, and neither opens what was changed.
//
//   node hpke_foreign.mjs FOLDER_WITH_NODE_MODULES PATH_TO_hpke_peer
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import readline from 'node:readline'

const [folder, program] = process.argv.slice(2)
const require = createRequire(pathToFileURL(folder + '/'))
const load = async (name) => import(pathToFileURL(require.resolve(name)).href)
const { CipherSuite } = await load('hpke')
const noble = await load('@panva/hpke-noble')

const peer = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = readline.createInterface({ input: peer.stdout })[Symbol.asyncIterator]()
const hex = (octets) => (octets.length === 0 ? '-' : Buffer.from(octets).toString('hex'))
const octets = (text) => new Uint8Array(Buffer.from(text, 'hex'))
async function ask(...words) {
  peer.stdin.write(words.join(' ') + '\n')
  return (await lines.next()).value
}

const suites = [
  ['10', '0010', '0001', noble.KEM_DHKEM_P256_HKDF_SHA256, noble.AEAD_AES_128_GCM],
  ['11', '0020', '0001', noble.KEM_DHKEM_X25519_HKDF_SHA256, noble.AEAD_AES_128_GCM],
  ['20', '647A', '0002', noble.KEM_MLKEM768_X25519, noble.AEAD_AES_256_GCM],
  ['21', '0050', '0002', noble.KEM_MLKEM768_P256, noble.AEAD_AES_256_GCM],
]
const info = new TextEncoder().encode('KB1-HPKE')
let done = 0
let skipped = 0
let failed = 0
function expect(what, left, right) {
  if (left === right) {
    done += 1
  } else {
    failed += 1
    console.log(`FAILED: ${what}`)
  }
}

for (const [name, kem, aead, makeKem, makeAead] of suites) {
  const suite = new CipherSuite(makeKem, noble.KDF_HKDF_SHA256, makeAead)
  const own = await ask('generate', kem)
  if (own.startsWith('error')) {
    console.log(`suite ${name} is NOT tested here: ${own} (scripts/openssl35 builds an OpenSSL that has ML-KEM)`)
    skipped += 1
    continue
  }
  const [ours, oursPublic] = own.split(' ')
  for (const size of [1, 16, 200, 735]) {
    const aad = new Uint8Array(randomBytes(101))
    const plaintext = new Uint8Array(randomBytes(size))
    // They seal to our key.
    const recipient = await suite.DeserializePublicKey(octets(oursPublic))
    const theirs = await suite.Seal(recipient, plaintext, { info, aad })
    const enc = theirs.encapsulatedSecret ?? theirs.enc
    const ciphertext = theirs.ciphertext ?? theirs.ct
    expect(`suite ${name}: we open what they sealed`,
      await ask('open', kem, aead, ours, hex(info), hex(aad), hex(enc), hex(ciphertext)), hex(plaintext).toUpperCase())
    const changed = new Uint8Array(enc)
    changed[changed.length >> 1] ^= 1
    expect(`suite ${name}: we refuse what was changed`,
      await ask('open', kem, aead, ours, hex(info), hex(aad), hex(changed), hex(ciphertext)), 'error authentication')
    // We seal to theirs.
    const pair = await suite.GenerateKeyPair(true)
    const theirPublic = await suite.SerializePublicKey(pair.publicKey)
    const sealed = (await ask('seal', kem, aead, hex(theirPublic), hex(info), hex(aad), hex(plaintext))).split(' ')
    const opened = await suite.Open(pair, octets(sealed[0]), octets(sealed[1]), { info, aad })
    expect(`suite ${name}: they open what we sealed`, hex(opened), hex(plaintext))
    const other = new Uint8Array(aad)
    other[0] ^= 1
    const refused = await suite.Open(pair, octets(sealed[0]), octets(sealed[1]), { info, aad: other }).then(() => 'opened', () => 'refused')
    expect(`suite ${name}: they refuse another aad`, refused, 'refused')
    // One private key, two implementations.
    const theirPrivate = await suite.SerializePrivateKey(pair.privateKey)
    expect(`suite ${name}: one key, one public key`, await ask('public', kem, hex(theirPrivate)), hex(theirPublic).toUpperCase())
  }
}
peer.stdin.end()
console.log(`foreign HPKE: ${done} agree, ${failed} differ, ${skipped} suites skipped`)
process.exit(failed > 0 || done === 0 ? 1 : 0)
