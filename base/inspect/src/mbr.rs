//! Partitioned disks: the master boot record, real or protecting a GPT.

use crate::{Format, Refusal};

const ENTRIES: usize = 446;
const ENTRY: usize = 16;
const PROTECTS_GPT: u8 = 0xee;

/// It has the mark, and is not the boot sector of a FAT file system, which has it too.
pub fn looks_like(prefix: &[u8]) -> bool {
    let is_fat = prefix.get(0x10) == Some(&2) && prefix.get(0x15) == Some(&0xf8);
    prefix.get(510..512) == Some(&[0x55, 0xaa]) && !is_fat
}

/// Refuses tables that no partitioning tool writes.
pub fn check(prefix: &[u8]) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::of(Format::Gpt, why));
    let table = prefix.get(ENTRIES..ENTRIES + 4 * ENTRY).unwrap_or_default();
    let mut used = Vec::new();
    let mut protects = false;
    for (index, entry) in table.chunks_exact(ENTRY).enumerate() {
        if ![0, 0x80].contains(&entry[0]) {
            return refused("has a partition with an invalid boot flag");
        }
        if entry[4] != 0 {
            used.push(index);
        }
        if entry[4] == PROTECTS_GPT {
            protects = true;
            if entry[1..4] != [0, 2, 0] {
                return refused("has a protective partition with an invalid start (CHS)");
            }
            if entry[8..12] != [1, 0, 0, 0] {
                return refused("has a protective partition with an invalid start (LBA)");
            }
        }
    }
    if protects && used != [0] {
        return refused("has more partitions beside the protective one");
    }
    if used.is_empty() { refused("has the mark of a partition table but no partitions") } else { Ok(()) }
}
