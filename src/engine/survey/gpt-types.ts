// Partition types by their GUID, as UEFI, the Discoverable Partitions Specification and the vendors
// published them.
const NAMES = new Map<string, string>([
  ['024DEE41-33E7-11D3-9D69-0008C781F39F', 'MBR partition scheme'],
  ['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'EFI system'],
  ['21686148-6449-6E6F-744E-656564454649', 'BIOS boot'],
  ['9E1A2D38-C612-4316-AA26-8B49521E5A8B', 'PReP boot'],
  ['0FC63DAF-8483-4772-8E79-3D69D8477DE4', 'Linux filesystem'],
  ['0657FD6D-A4AB-43C4-84E5-0933C84B4F4F', 'Linux swap'],
  ['E6D6D379-F507-44C2-A23C-238F2A3DF928', 'Linux LVM'],
  ['A19D880F-05FC-4D3B-A006-743F0F84911E', 'Linux RAID'],
  ['8DA63339-0007-60C0-C436-083AC8230908', 'Linux reserved'],
  ['BC13C2FF-59E6-4262-A352-B275FD6F7172', 'Linux extended boot'],
  ['CA7D7CCB-63ED-4C53-861C-1742536059CC', 'Linux LUKS'],
  ['7FFEC5C9-2D00-49B7-8941-3EA10A5586B7', 'Linux dm-crypt'],
  ['44479540-F297-41B2-9AF7-D131D5F0458A', 'Linux root (x86)'],
  ['4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709', 'Linux root (x86-64)'],
  ['69DAD710-2CE4-4E3C-B16C-21A1D49ABED3', 'Linux root (ARM)'],
  ['B921B045-1DF0-41C3-AF44-4C6F280D3FAE', 'Linux root (ARM64)'],
  ['2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5', 'Linux root verity (x86-64)'],
  ['8484680C-9521-48C6-9C11-B0720656F69E', 'Linux /usr (x86-64)'],
  ['933AC7E1-2EB4-4F13-B844-0E14E2AEF915', 'Linux /home'],
  ['3B8F8425-20E0-4F3B-907F-1A25A76F98E8', 'Linux /srv'],
  ['4D21B016-B534-45C2-A9FB-5C16E091FD2D', 'Linux /var'],
  ['7EC6F557-3BC5-4ACA-B293-16EF5DF639D1', 'Linux /var/tmp'],
  ['EBD0A0A2-B9E5-4433-87C0-68B6B72699C7', 'Microsoft basic data'],
  ['E3C9E316-0B5C-4DB8-817D-F92DF00215AE', 'Microsoft reserved'],
  ['5808C8AA-7E8F-42E0-85D2-E1E90434CFB3', 'Windows LDM metadata'],
  ['AF9B60A0-1431-4F62-BC68-3311714A69AD', 'Windows LDM data'],
  ['DE94BBA4-06D1-4D40-A16A-BFD50179D6AC', 'Windows recovery'],
  ['E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D', 'Windows Storage Spaces'],
  ['48465300-0000-11AA-AA11-00306543ECAC', 'Apple HFS+'],
  ['7C3457EF-0000-11AA-AA11-00306543ECAC', 'Apple APFS'],
  ['426F6F74-0000-11AA-AA11-00306543ECAC', 'Apple boot'],
  ['83BD6B9D-7F41-11DC-BE0B-001560B84F0F', 'FreeBSD boot'],
  ['516E7CB4-6ECF-11D6-8FF8-00022D09712B', 'FreeBSD disklabel'],
  ['516E7CB5-6ECF-11D6-8FF8-00022D09712B', 'FreeBSD swap'],
  ['516E7CB6-6ECF-11D6-8FF8-00022D09712B', 'FreeBSD UFS'],
  ['516E7CBA-6ECF-11D6-8FF8-00022D09712B', 'FreeBSD ZFS'],
  ['6A898CC3-1DD2-11B2-99A6-080020736631', 'Solaris /usr or ZFS'],
  ['FE3A2A5D-4F32-41A7-B725-ACCC3285A309', 'ChromeOS kernel'],
  ['3CB8E202-3B7E-47DD-8A3C-7FF2A13CFCEC', 'ChromeOS root'],
  ['AA31E02A-400F-11DB-9590-000C2911D1B8', 'VMware VMFS'],
])

/** The name of a type; the GUID itself when it has none here. */
export const gptTypeName = (guid: string): string => NAMES.get(guid) ?? guid

/** The 16 bytes of a GUID in the usual text; its first three groups are little-endian on disk. */
export function formatGuid(bytes: Uint8Array): string {
  const hex = (from: number, to: number) =>
    Array.from(bytes.subarray(from, to), (byte) => byte.toString(16).padStart(2, '0'))
  const swapped = (from: number, to: number) => hex(from, to).reverse().join('')
  return [swapped(0, 4), swapped(4, 6), swapped(6, 8), hex(8, 10).join(''), hex(10, 16).join('')]
    .join('-')
    .toUpperCase()
}
