// Names of the partition types that a person meets; there is no register of them all.
const NAMES = new Map<number, string>([
  [0x01, 'FAT12'],
  [0x04, 'FAT16 below 32 MiB'],
  [0x06, 'FAT16'],
  [0x07, 'NTFS or exFAT'],
  [0x0b, 'FAT32'],
  [0x0c, 'FAT32 (LBA)'],
  [0x0e, 'FAT16 (LBA)'],
  [0x11, 'Hidden FAT12'],
  [0x14, 'Hidden FAT16 below 32 MiB'],
  [0x16, 'Hidden FAT16'],
  [0x17, 'Hidden NTFS or exFAT'],
  [0x1b, 'Hidden FAT32'],
  [0x1c, 'Hidden FAT32 (LBA)'],
  [0x1e, 'Hidden FAT16 (LBA)'],
  [0x27, 'Windows recovery'],
  [0x39, 'Plan 9'],
  [0x41, 'PReP boot'],
  [0x42, 'Windows dynamic disk'],
  [0x63, 'UNIX System V'],
  [0x82, 'Linux swap'],
  [0x83, 'Linux'],
  [0x8e, 'Linux LVM'],
  [0xa5, 'FreeBSD'],
  [0xa6, 'OpenBSD'],
  [0xa8, 'Apple UFS'],
  [0xa9, 'NetBSD'],
  [0xab, 'Apple boot'],
  [0xaf, 'Apple HFS'],
  [0xbe, 'Solaris boot'],
  [0xbf, 'Solaris'],
  [0xda, 'Data without file system'],
  [0xea, 'Linux extended boot'],
  [0xeb, 'BeOS'],
  [0xef, 'EFI system'],
  [0xfb, 'VMware VMFS'],
  [0xfc, 'VMware swap'],
  [0xfd, 'Linux RAID'],
])

/** `0x83 Linux`; the number alone when it has no name here. */
export function mbrTypeName(type: number): string {
  const number = `0x${type.toString(16).padStart(2, '0')}`
  const name = NAMES.get(type)
  return name === undefined ? number : `${number} ${name}`
}
