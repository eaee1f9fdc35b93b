//! Images made by hand, one hostile detail at a time. The cases are those of oslo.utils' format inspector and of the
//! advisories behind it (OSSA-2024-001, OSSA-2024-002), and some of our own.

use super::*;
use std::io::Cursor;

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

fn check(declared: &str, image: &[u8]) -> Result<Inspection, Refusal> {
    let whole = inspect(declared, &mut Cursor::new(image));
    // What the stream refuses, the whole must refuse too; in pieces of any size.
    for piece in [1000, PREFIX - 1, PREFIX * 3] {
        let mut stream = Stream::new(declared);
        let fed = image.chunks(piece).try_for_each(|chunk| stream.feed(chunk));
        if let Err(refusal) = fed.and_then(|()| stream.finish()) {
            assert_eq!(whole.clone().err(), Some(refusal));
        }
    }
    whole
}

fn refused(declared: &str, image: &[u8], because: &str) {
    let refusal = check(declared, image).expect_err(because).to_string();
    assert!(refusal.contains(because), "{refusal:?} says nothing of {because:?}");
    assert!(refusal.ends_with('.') && !refusal.contains('\n'), "one sentence: {refusal:?}");
}

fn accepted(declared: &str, image: &[u8], format: Format, size: u64) {
    let found = check(declared, image).unwrap_or_else(|refusal| panic!("{declared}: {refusal}"));
    assert_eq!((found.format, found.virtual_size, found.bytes), (format, size, image.len() as u64));
}

/// An empty version 3 image of one GiB.
fn qcow2() -> Vec<u8> {
    let mut image = vec![0; 4 << 16];
    put(&mut image, 0, b"QFI\xfb\0\0\0\x03");
    put(&mut image, 20, &16_u32.to_be_bytes());
    put(&mut image, 24, &(1_u64 << 30).to_be_bytes());
    put(&mut image, 36, &2_u32.to_be_bytes());
    put(&mut image, 40, &(3_u64 << 16).to_be_bytes());
    put(&mut image, 48, &(1_u64 << 16).to_be_bytes());
    put(&mut image, 56, &1_u32.to_be_bytes());
    put(&mut image, 96, &4_u32.to_be_bytes());
    put(&mut image, 100, &104_u32.to_be_bytes());
    image
}

fn with(mut image: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    put(&mut image, at, bytes);
    image
}

#[test]
fn raw_is_what_is_nothing_else() {
    accepted("raw", b"", Format::Raw, 0);
    accepted("raw", &[0; 1 << 20], Format::Raw, 1 << 20);
    accepted("raw", b"\x7fELF and so on..", Format::Raw, 16);
    for kernel in ["ami", "aki", "ari"] {
        accepted(kernel, &with(vec![0; 4096], 510, b"\x55\xaa"), Format::Raw, 4096);
        refused(kernel, &qcow2(), "its content is qcow2");
    }
    refused("raw", &qcow2(), "declared as raw but its content is qcow2");
    refused("qcow2", &[0; 4096], "declared as qcow2 but its content is raw");
    refused("vmdk", &qcow2(), "its content is qcow2");
    refused("docker", &[0; 4096], "docker is not supported");
    refused(&"x".repeat(5000), &[0; 10], "not supported");
}

#[test]
fn qcow2_is_accepted_when_it_is_whole_and_alone() {
    accepted("qcow2", &qcow2(), Format::Qcow2, 1 << 30);
    accepted("qcow2", &with(qcow2(), 7, &[2]), Format::Qcow2, 1 << 30);
    accepted("qcow2", &with(qcow2(), 79, &[1]), Format::Qcow2, 1 << 30);
    accepted("qcow2", &with(qcow2(), 79, &[8]), Format::Qcow2, 1 << 30);
    // An odd size is rounded to sectors, as QEMU does.
    accepted("qcow2", &with(qcow2(), 24, &1000_u64.to_be_bytes()), Format::Qcow2, 1024);
}

#[test]
fn qcow2_may_not_lead_elsewhere() {
    refused("qcow2", &with(qcow2(), 15, &[200]), "backing file");
    refused("qcow2", &with(qcow2(), 8, &[255]), "backing file");
    refused("qcow2", &with(qcow2(), 19, &[20]), "backing file");
    refused("qcow2", &with(qcow2(), 79, &[4]), "data in another file");
    // Version 2 has no features, so its readers ignore the bits; the name of a data file stays a lie.
    accepted("qcow2", &with(with(qcow2(), 7, &[2]), 79, &[0]), Format::Qcow2, 1 << 30);
    refused("qcow2", &with(qcow2(), 104, b"DATA\0\0\0\x08/etc/pwd"), "names another file");
    refused("qcow2", &with(with(qcow2(), 7, &[2]), 72, b"DATA\0\0\0\x08/etc/pwd"), "names another file");
    let hidden = with(qcow2(), 104, b"\x12\x34\x56\x78\0\0\0\x03abc\0\0\0\0\0DATA\0\0\0\x01x");
    refused("qcow2", &hidden, "names another file");
}

#[test]
fn qcow2_features_and_versions_are_known_ones() {
    for byte in 72..79 {
        refused("qcow2", &with(qcow2(), byte, &[1]), "unknown features");
    }
    for bit in [5, 6, 7] {
        refused("qcow2", &with(qcow2(), 79, &[1 << bit]), "unknown features");
    }
    refused("qcow2", &with(qcow2(), 79, &[2]), "corrupt");
    refused("qcow2", &with(qcow2(), 79, &[16]), "extended L2");
    for version in [0, 1, 4, 255] {
        refused("qcow2", &with(qcow2(), 7, &[version]), "of version");
    }
    refused("qcow2", &with(qcow2(), 35, &[1]), "encrypted");
    refused("qcow2", &with(qcow2(), 35, &[2]), "encrypted");
    refused("qcow2", &with(qcow2(), 104, b"\x05\x37\xbe\x77\0\0\0\x10"), "encrypted");
}

#[test]
fn qcow2_numbers_stay_inside_the_image() {
    for bits in [0, 8, 22, 255] {
        refused("qcow2", &with(qcow2(), 23, &[bits]), "clusters of");
    }
    for length in [0_u32, 72, 103, 105, 1 << 17, u32::MAX] {
        refused("qcow2", &with(qcow2(), 100, &length.to_be_bytes()), "header of the impossible length");
    }
    refused("qcow2", &with(qcow2(), 99, &[7]), "reference counts");
    refused("qcow2", &with(qcow2(), 104, b"\x11\x11\x11\x11\xff\xff\xff\xff"), "reaches out");
    refused("qcow2", &with(qcow2(), 24, &u64::MAX.to_be_bytes()), "first table");
    refused("qcow2", &with(qcow2(), 36, &1_u32.to_be_bytes()), "first table");
    refused("qcow2", &with(qcow2(), 36, &u32::MAX.to_be_bytes()), "first table");
    refused("qcow2", &with(qcow2(), 40, &(1_u64 << 60).to_be_bytes()), "first table");
    refused("qcow2", &with(qcow2(), 40, &7_u64.to_be_bytes()), "first table");
    refused("qcow2", &with(qcow2(), 40, &0_u64.to_be_bytes()), "first table");
    refused("qcow2", &with(qcow2(), 48, &u64::MAX.to_be_bytes()), "reference counts");
    refused("qcow2", &with(qcow2(), 56, &u32::MAX.to_be_bytes()), "reference counts");
    refused("qcow2", &with(qcow2(), 60, &u32::MAX.to_be_bytes()), "snapshots");
    refused("qcow2", &with(qcow2(), 60, &5_u32.to_be_bytes()), "snapshots");
    refused("qcow2", &qcow2()[..30], "cut short");
}

#[test]
fn a_disc_in_front_of_which_something_else_hides_is_refused() {
    let iso = with(vec![0; 64 << 10], 32 << 10, b"\x01CD001\x01");
    accepted("iso", &with(with(iso.clone(), 0x8050, &[20]), 0x8080, &[0, 8]), Format::Iso, 40960);
    accepted("iso", &with(vec![0; 64 << 10], 32 << 10, b"\0BEA01\x01"), Format::Iso, 65536);
    for mark in [b"NSR02", b"NSR03"] {
        accepted("iso", &with(vec![0; 64 << 10], (32 << 10) + 1, mark), Format::Iso, 65536);
    }
    refused("iso", &with(iso.clone(), 0, b"QFI\xfb"), "several formats at once: qcow2, iso");
    refused("qcow2", &with(qcow2(), 32 << 10, b"\x01CD001\x01"), "several formats");
    refused("raw", &iso, "its content is iso");
    refused("iso", &with(vec![0; 64 << 10], 0, b"CD001"), "its content is raw");
    let hybrid = with(iso, 510, b"\x55\xaa");
    assert_eq!(check("iso", &hybrid).unwrap().format, Format::Iso, "it boots from a stick too");
    refused("raw", &hybrid, "its content is iso");
}

fn mbr(entries: &[[u8; 16]]) -> Vec<u8> {
    let mut image = with(vec![0; 1024], 510, b"\x55\xaa");
    for (index, entry) in entries.iter().enumerate() {
        put(&mut image, 446 + 16 * index, entry);
    }
    image
}

fn entry(boot: u8, head: u8, kind: u8, first: u8) -> [u8; 16] {
    [boot, 0, head, 0, kind, 0, 0, 0, first, 0, 0, 0, 0, 0, 0, 0]
}

#[test]
fn partition_tables_are_raw_when_some_tool_could_have_written_them() {
    accepted("raw", &mbr(&[entry(0x80, 1, 0x83, 63)]), Format::Gpt, 1024);
    accepted("gpt", &mbr(&[entry(0, 2, 0xee, 1)]), Format::Gpt, 1024);
    accepted("raw", &mbr(&[entry(0, 1, 0x8e, 2), entry(0, 9, 2, 9)]), Format::Gpt, 1024);
    refused("raw", &mbr(&[entry(10, 2, 0xee, 1)]), "invalid boot flag");
    refused("raw", &mbr(&[entry(0, 2, 0, 1)]), "no partitions");
    refused("raw", &mbr(&[entry(0, 2, 0xee, 1), entry(0, 2, 0xee, 1)]), "more partitions");
    refused("raw", &mbr(&[entry(0, 2, 0x83, 1), entry(0, 2, 0xee, 1)]), "more partitions");
    refused("raw", &mbr(&[entry(0, 1, 0xee, 1)]), "invalid start (CHS)");
    refused("raw", &mbr(&[entry(0, 2, 0xee, 2)]), "invalid start (LBA)");
    let fat = with(with(mbr(&[]), 0x10, &[2]), 0x15, &[0xf8]);
    accepted("raw", &fat, Format::Raw, 1024);
}

const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n\
    createType=\"monolithicSparse\"\nRW 2048 SPARSE \"disk.vmdk\"\nddb.adapterType = \"ide\"\n";

fn vmdk(descriptor: &str) -> Vec<u8> {
    let mut image = vec![0; 4096];
    put(&mut image, 0, b"KDMV\x01");
    put(&mut image, 12, &2048_u64.to_le_bytes());
    put(&mut image, 28, &1_u64.to_le_bytes());
    put(&mut image, 36, &4_u64.to_le_bytes());
    put(&mut image, 512, descriptor.as_bytes());
    image
}

#[test]
fn vmdk_is_one_file() {
    accepted("vmdk", &vmdk(DESCRIPTOR), Format::Vmdk, 1 << 20);
    accepted("vmdk", &vmdk(&DESCRIPTOR.to_lowercase()), Format::Vmdk, 1 << 20);
    let change = |from: &str, to: &str| vmdk(&DESCRIPTOR.replace(from, to));
    for kind in ["monolithicFlat", "twoGbMaxExtentSparse", "vmfs", "fullDevice", ""] {
        refused("vmdk", &change("monolithicSparse", kind), "neither monolithicSparse");
    }
    refused("vmdk", &change("createType=\"monolithicSparse\"", "createType monolithicSparse"), "neither");
    refused("vmdk", &change("ddb.ad", "createType=\"monolithicFlat\"\nddb.ad"), "neither");
    refused("vmdk", &change("disk.vmdk", "/etc/passwd"), "another folder");
    refused("vmdk", &change("disk.vmdk", "..\\\\secret"), "another folder");
    refused("vmdk", &change("RW 2048", "WRONLY 2048"), "means nothing known");
    refused("vmdk", &change("RW 2048 SPARSE \"disk.vmdk\"\n", ""), "no extents");
    refused("vmdk", &change("ffffffff", "12345678"), "parent");
    refused("vmdk", &change("version=1", "parentFileNameHint=\"/etc/passwd\""), "parent");
    refused("vmdk", &change("CID=1", "bell\u{7}"), "means nothing known");
    refused("vmdk", &vmdk(""), "no descriptor");
    refused("vmdk", &vmdk("createType=\"monolithicSparse\"\n\u{e9}"), "no descriptor");
    refused("vmdk", &with(vmdk(DESCRIPTOR), 4, &[4]), "unknown version");
    refused("vmdk", &with(vmdk(DESCRIPTOR), 28, &[3]), "descriptor in sector 3");
    refused("vmdk", &with(vmdk(DESCRIPTOR), 36, &[0xff; 8])[..520], "neither");
    refused("vmdk", &with(vmdk(DESCRIPTOR), 12, &[0xff; 8]), "impossible size");
    refused("vmdk", &with(vec![0; 4096], 0, b"COWD"), "other files");
}

#[test]
fn a_text_that_describes_other_files_is_a_vmdk_whatever_it_is_declared_as() {
    let text = DESCRIPTOR.replace("monolithicSparse", "monolithicFlat");
    refused("vmdk", text.as_bytes(), "other files");
    refused("raw", text.as_bytes(), "its content is vmdk");
    refused("raw", b"# a comment\n\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n", "its content is vmdk");
    refused("raw", b"cReAtEtYpE=\"x\"", "its content is vmdk");
    accepted("raw", b"version 1 of my notes", Format::Raw, 21);
}

#[test]
fn a_vmdk_footer_agrees_with_its_header() {
    let header = with(vmdk(&DESCRIPTOR.replace("monolithicSparse", "streamOptimized")), 56, &[0xff; 8]);
    let mut footer = vec![0; 1536];
    put(&mut footer, 12, &[3]);
    let copy = with(header[..512].to_vec(), 56, &1234_u64.to_le_bytes());
    put(&mut footer, 512, &copy);
    let whole = |footer: &[u8]| [&header[..], footer].concat();
    accepted("vmdk", &whole(&footer), Format::Vmdk, 1 << 20);
    for (at, bytes, because) in [
        (512, &b"leak"[..], "signature"),
        (516, &[2], "version"),
        (540, &[2], "descriptor"),
        (548, &[9], "descriptor"),
        (524, &[9], "another size"),
        (568, &[0xff; 8], "another footer"),
        (12, &[7], "footer marker"),
        (8, &[1], "footer marker"),
        (100, &[1], "footer marker"),
        (1024 + 12, &[7], "end-of-stream marker"),
        (1024 + 8, &[1], "end-of-stream marker"),
        (1024, &[1], "end-of-stream marker"),
        (1024 + 16, &[1], "end-of-stream marker"),
    ] {
        refused("vmdk", &whole(&with(footer.clone(), at, bytes)), because);
    }
    refused("vmdk", &header[..1000], "cut short");
}

#[test]
fn other_formats_are_known_by_their_marks() {
    let vdi = with(with(vec![0; 1024], 0x40, &0xbeda_107f_u32.to_le_bytes()), 0x4c, &[1]);
    accepted("vdi", &with(vdi.clone(), 0x170, &(5_u64 << 20).to_le_bytes()), Format::Vdi, 5 << 20);
    refused("vdi", &with(vdi.clone(), 0x4c, &[4]), "parent");
    refused("vdi", &with(vdi.clone(), 0x4c, &[9]), "unknown type");
    refused("vdi", &with(vdi.clone(), 0x170, &[0xff; 8]), "impossible size");
    refused("raw", &vdi, "its content is vdi");
    refused("vdi", &vdi[..0x60], "cut short");
    refused("qed", &with(vec![0; 1024], 0, b"QED\0"), "not supported");
    refused("raw", &with(vec![0; 1024], 0, b"QED\0"), "its content is qed");
    let luks = with(vec![0; 8192], 0, b"LUKS\xba\xbe\0\x01");
    accepted("luks", &with(luks.clone(), 104, &8_u32.to_be_bytes()), Format::Luks, 4096);
    refused("luks", &with(luks.clone(), 7, &[2]), "of version 2");
    refused("luks", &with(luks.clone(), 104, &[0xff; 4]), "cut short");
    refused("raw", &luks, "its content is luks");
    refused("raw", &with(vec![0; 1024], 0, b"WithouFreSpacExt"), "its content is ploop");
    accepted("ploop", &with(vec![0; 1024], 0, b"WithouFreSpacExt"), Format::Ploop, 1024);
}

#[test]
fn vhd_is_known_by_either_end() {
    let mut footer = with(vec![0; 512], 0, b"conectix");
    put(&mut footer, 48, &(3_u64 << 20).to_be_bytes());
    let kind = |kind: u8| with(footer.clone(), 63, &[kind]);
    accepted("vhd", &[kind(3), vec![0; 4096], kind(3)].concat(), Format::Vhd, 3 << 20);
    accepted("vhd", &[vec![0; 4096], kind(2)].concat(), Format::Vhd, 3 << 20);
    refused("vhd", &[kind(4), vec![0; 4096], kind(4)].concat(), "parent");
    refused("vhd", &kind(9), "unknown type");
    refused("raw", &[kind(3), vec![0; 4096]].concat(), "its content is vhd");
    refused("vhd", &[0; 4096], "its content is raw");
}

fn vhdx() -> Vec<u8> {
    let mut image = with(vec![0; 512 << 10], 0, b"vhdxfile");
    put(&mut image, 192 << 10, b"regi");
    put(&mut image, (192 << 10) + 8, &[1]);
    let region =
        [0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e];
    put(&mut image, (192 << 10) + 16, &region);
    put(&mut image, (192 << 10) + 32, &(256_u64 << 10).to_le_bytes());
    put(&mut image, 256 << 10, b"metadata");
    put(&mut image, (256 << 10) + 10, &[2]);
    let parameters =
        [0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b];
    put(&mut image, (256 << 10) + 32, &parameters);
    put(&mut image, (256 << 10) + 48, &(96_u32 << 10).to_le_bytes());
    let size =
        [0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8];
    put(&mut image, (256 << 10) + 64, &size);
    put(&mut image, (256 << 10) + 80, &(65_u32 << 10).to_le_bytes());
    put(&mut image, (256 + 65) << 10, &(7_u64 << 20).to_le_bytes());
    image
}

#[test]
fn vhdx_is_followed_to_its_size_and_no_further() {
    accepted("vhdx", &vhdx(), Format::Vhdx, 7 << 20);
    refused("vhdx", &with(vhdx(), ((256 + 96) << 10) + 4, &[2]), "parent");
    refused("vhdx", &with(vhdx(), 192 << 10, b"nope"), "no table of regions");
    refused("vhdx", &with(vhdx(), (192 << 10) + 9, &[0xff]), "regions");
    refused("vhdx", &with(vhdx(), (192 << 10) + 16, &[1]), "no metadata");
    refused("vhdx", &with(vhdx(), (192 << 10) + 32, &[0xff; 8]), "no metadata where");
    refused("vhdx", &with(vhdx(), (256 << 10) + 11, &[0xff]), "entries of metadata");
    refused("vhdx", &with(vhdx(), (256 << 10) + 80, &[0xff; 4]), "cut short");
    refused("vhdx", &with(vhdx(), (256 << 10) + 64, &[0]), "does not tell its size");
    refused("vhdx", &vhdx()[..100], "no table of regions");
}

/// A small generator, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

const DECLARED: [&str; 11] =
    ["raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "luks", "gpt", "ploop", "ami"];

#[test]
fn random_bytes_never_panic() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        let length = dice.below(3000);
        let image: Vec<u8> = (0..length).map(|_| dice.next() as u8).collect();
        let _ = check(DECLARED[dice.below(DECLARED.len())], &image);
    }
}

#[test]
fn images_with_bytes_changed_at_random_never_panic() {
    let mut dice = Dice(7);
    let footer = with(vec![0; 4096], 0, b"conectix");
    let vdi = with(vec![0; 1024], 0x40, &0xbeda_107f_u32.to_le_bytes());
    let stream = with(vmdk(DESCRIPTOR), 56, &[0xff; 8]);
    let iso = with(vec![0; 40 << 10], 32 << 10, b"\x01CD001\x01");
    let luks = with(vec![0; 1024], 0, b"LUKS\xba\xbe\0\x01");
    let seeds =
        [qcow2(), vmdk(DESCRIPTOR), stream, vhdx(), vdi, footer, iso, luks, mbr(&[entry(0, 2, 0xee, 1)])];
    for round in 0..4000 {
        let mut image = seeds[round % seeds.len()].clone();
        for _ in 0..=dice.below(6) {
            // Headers, tables and descriptors all lie near these places.
            let near = [0, 0, 0, 512, 192 << 10, 256 << 10, 32 << 10][dice.below(7)];
            let at = (near + dice.below(200)).min(image.len() - 1);
            image[at] = [0, 1, 0x7f, 0x80, 0xff, dice.next() as u8][dice.below(6)];
        }
        image.truncate(if dice.below(4) == 0 { dice.below(image.len()) } else { image.len() });
        let _ = backing(&mut Cursor::new(&image));
        for declared in DECLARED {
            let _ = check(declared, &image);
        }
    }
}
