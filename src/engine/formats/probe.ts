// Tells from the first bytes of an image, and for a few from the last, which container it is. Containers
// that Platter cannot look into are named, so that whoever opens one can be told what to do; their bytes
// can still be seen as they are when the format is given as raw. What no signature claims is raw.
//
// A guest writes the first bytes of its raw disk, so a signature is never a reason to read a file as
// anything but raw without a person's word: here it only ever leads to a refusal with advice.

import { utf8 } from '../base/bytes'

/** How much of both ends of an image probeFormat looks at; a shorter image is passed whole. */
export const PROBE_HEAD_LENGTH = 64 * 1024
export const PROBE_TAIL_LENGTH = 512

export interface ProbedFormat {
  /** `raw`, `qcow2`, `vmdk`, …: qemu's name where it has one. */
  readonly format: string
  /** Platter shows the content; the bytes are read as they are. */
  readonly supported: boolean
  /** What was found, and when it is not supported what to do: one sentence, no path. */
  readonly why: string
}

type Advice = 'nbd' | 'unpack' | 'convert' | 'content' | 'named'

interface Signature {
  readonly format: string
  readonly name: string
  readonly advice: Advice
  /** From the start; below 0 from the end. */
  readonly offset: number
  readonly magic: Uint8Array
  /** A second part that has to be there too, counted from the start. */
  readonly and?: { readonly offset: number; readonly magic: Uint8Array }
}

const hex = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

const at = (
  offset: number,
  magic: Uint8Array | string,
  format: string,
  name: string,
  advice: Advice,
): Signature => ({
  format,
  name,
  advice,
  offset,
  magic: typeof magic === 'string' ? utf8(magic) : magic,
})

/** The first that fits counts. */
const SIGNATURES: readonly Signature[] = [
  { ...at(0, hex('514649fb'), 'qcow', 'a qcow image (version 1)', 'nbd'), and: version(1) },
  at(0, hex('514649fb'), 'qcow2', 'a qcow2 image', 'nbd'),
  at(0, hex('51454400'), 'qed', 'a QED image', 'nbd'),
  at(0, 'KDMV', 'vmdk', 'a VMDK image', 'nbd'),
  at(0, 'COWD', 'vmdk', 'a VMDK image (ESX sparse)', 'nbd'),
  at(0, '# Disk DescriptorFile', 'vmdk', 'a VMDK descriptor', 'nbd'),
  at(0, hex('bebafeca00000000'), 'vmdk', 'a VMDK image (SE sparse)', 'nbd'),
  at(0, 'vhdxfile', 'vhdx', 'a VHDX image', 'nbd'),
  at(0, 'conectix', 'vpc', 'a VHD image', 'nbd'),
  at(-512, 'conectix', 'vpc', 'a VHD image of fixed size', 'nbd'),
  at(-511, 'conectix', 'vpc', 'a VHD image of fixed size', 'nbd'),
  at(0x40, hex('7f10dabe'), 'vdi', 'a VirtualBox VDI image', 'nbd'),
  at(0, 'WithoutFreeSpace', 'parallels', 'a Parallels image', 'nbd'),
  at(0, 'WithouFreSpacExt', 'parallels', 'a Parallels image', 'nbd'),
  at(0, 'Bochs Virtual HD Image', 'bochs', 'a Bochs image', 'nbd'),
  at(0, '#!/bin/sh\n#V2.0 Format\n', 'cloop', 'a cloop image', 'nbd'),
  at(-512, 'koly', 'dmg', 'an Apple DMG image', 'nbd'),
  at(0, hex('4144445f434f57ff'), 'add-cow', 'an add-cow overlay', 'named'),
  at(0, hex('455646090d0a'), 'ewf', 'an EWF forensic image', 'convert'),
  at(0, hex('455646320d0a81'), 'ewf', 'an EWF forensic image (version 2)', 'convert'),
  at(0, 'AFF10\r\n', 'aff', 'an AFF forensic image', 'convert'),
  at(0, hex('4d5357494d000000'), 'wim', 'a Windows WIM archive', 'convert'),
  at(0, hex('1f8b08'), 'gzip', 'compressed with gzip', 'unpack'),
  at(0, hex('fd377a585a00'), 'xz', 'compressed with xz', 'unpack'),
  at(0, hex('28b52ffd'), 'zstd', 'compressed with zstd', 'unpack'),
  at(0, hex('04224d18'), 'lz4', 'compressed with lz4', 'unpack'),
  { ...at(0, 'BZh', 'bzip2', 'compressed with bzip2', 'unpack'), and: bzip2Block() },
  at(0, hex('504b0304'), 'zip', 'a zip archive', 'unpack'),
  at(0, hex('377abcaf271c'), '7z', 'a 7z archive', 'unpack'),
  at(0, hex('4c554b53babe'), 'luks', 'a disk encrypted with LUKS', 'content'),
  at(0x8001, 'CD001', 'iso9660', 'a CD or DVD image (ISO 9660)', 'content'),
]

const RAW: ProbedFormat = {
  format: 'raw',
  supported: true,
  why: 'no signature of a container format was found',
}

/**
 * Tells the format of an image of `size` bytes from its first PROBE_HEAD_LENGTH bytes and its last
 * PROBE_TAIL_LENGTH ones (all there are, when it is shorter). Without `tail`, what only the end tells is
 * not seen.
 */
export function probeFormat(head: Uint8Array, size: number, tail?: Uint8Array): ProbedFormat {
  const found = SIGNATURES.find((signature) => fits(signature, head, size, tail))
  if (found === undefined) return RAW
  const { format, name, advice } = found
  return { format, supported: advice === 'content', why: ADVICE[advice](name, format) }
}

const AS_IT_IS = 'give the format as raw to see its own bytes'

const ADVICE: Readonly<Record<Advice, (name: string, format: string) => string>> = {
  content: (name) => `it is ${name}, which is read as it is`,
  nbd: (name, format) =>
    `it is ${name}, which cannot be read yet: serve it with 'qemu-nbd --read-only --format=${format} FILE' and open that NBD URI, or ${AS_IT_IS}`,
  unpack: (name) => `it is ${name}: unpack it first, or ${AS_IT_IS}`,
  convert: (name) => `it is ${name}, which cannot be read: convert it to raw first, or ${AS_IT_IS}`,
  named: (name) =>
    `it looks like ${name}, which names other files: give the format as add-cow to open those too; ${AS_IT_IS}`,
}

function fits(
  signature: Signature,
  head: Uint8Array,
  size: number,
  tail: Uint8Array | undefined,
): boolean {
  const { offset, magic, and } = signature
  if (offset < 0) return tail !== undefined && holds(tail, tail.length + offset, magic)
  const second = and === undefined || holds(head, and.offset, and.magic)
  return offset + magic.length <= size && second && holds(head, offset, magic)
}

function holds(bytes: Uint8Array, offset: number, magic: Uint8Array): boolean {
  if (offset < 0 || offset + magic.length > bytes.length) return false
  return magic.every((byte, i) => bytes[offset + i] === byte)
}

/** qcow's version field, big-endian. */
function version(number: number): { offset: number; magic: Uint8Array } {
  return { offset: 4, magic: Uint8Array.of(0, 0, 0, number) }
}

/** The first block's magic after `BZh` and the level: three letters alone would claim too much. */
function bzip2Block(): { offset: number; magic: Uint8Array } {
  return { offset: 4, magic: hex('314159265359') }
}
