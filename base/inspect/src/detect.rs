//! Which formats an image's beginning looks like, and whether that is what its owner says.

use crate::{Format, Refusal, iso, mbr, vmdk};

/// All formats that the beginning of an image looks like: none for raw content.
pub fn formats(prefix: &[u8]) -> Vec<Format> {
    let magic = |at: usize, magic: &[u8]| prefix.get(at..).is_some_and(|rest| rest.starts_with(magic));
    let tests = [
        (Format::Qcow2, magic(0, b"QFI\xfb")),
        (Format::Qed, magic(0, b"QED\0")),
        (Format::Vmdk, vmdk::looks_like(prefix)),
        (Format::Vdi, magic(0x40, &0xbeda_107f_u32.to_le_bytes())),
        (Format::Vhd, magic(0, b"conectix")),
        (Format::Vhdx, magic(0, b"vhdxfile")),
        (Format::Iso, iso::looks_like(prefix)),
        (Format::Luks, magic(0, b"LUKS\xba\xbe")),
        (Format::Ploop, magic(0, b"WithoutFreeSpace") || magic(0, b"WithouFreSpacExt")),
        (Format::Gpt, mbr::looks_like(prefix)),
    ];
    tests.into_iter().filter(|(_, found)| *found).map(|(format, _)| format).collect()
}

/// The one format of an image, if it is the declared one.
pub fn agree(declared: &str, found: &[Format]) -> Result<Format, Refusal> {
    let detected = match found {
        [] => Format::Raw,
        [one] => *one,
        // A disc that also boots from a stick has a partition table in front.
        [Format::Iso, Format::Gpt] => Format::Iso,
        many => {
            let names: Vec<&str> = many.iter().map(|format| format.name()).collect();
            return Err(Refusal::Ambiguous(names.join(", ")));
        }
    };
    let mismatch = || Refusal::Mismatch { declared: declared.to_owned(), detected };
    match (declared, detected) {
        ("raw", Format::Raw | Format::Gpt) => Ok(detected),
        // Kernels, ramdisks and bare file systems: kernels carry what looks like a partition table.
        ("ami" | "aki" | "ari", Format::Raw | Format::Gpt) => Ok(Format::Raw),
        ("ploop", Format::Raw | Format::Ploop) => Ok(Format::Ploop),
        ("qed", _) => Err(Refusal::Unsupported(declared.to_owned())),
        ("raw" | "ami" | "aki" | "ari" | "ploop", _) => Err(mismatch()),
        (name, format) if name == format.name() => Ok(format),
        ("qcow2" | "vmdk" | "vdi" | "vhd" | "vhdx" | "iso" | "luks" | "gpt", _) => Err(mismatch()),
        (unknown, _) => Err(Refusal::Unsupported(unknown.chars().take(32).collect())),
    }
}
