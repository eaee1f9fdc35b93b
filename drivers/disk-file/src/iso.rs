//! A small ISO 9660 file system in memory, with Joliet names for Windows and Rock Ridge names for everybody else.
//!
//! It is what config drives are: read-only, a few files, a few folders. Layout in blocks of 2 KiB: 16 of nothing, three
//! volume descriptors, four path tables, the folders twice (once for each kind of names), the files once. The same
//! files make the same bytes, so that an unchanged config drive is recognised.

use std::collections::BTreeMap;

const BLOCK: usize = 2048;
/// Both halves of the first sixteen blocks belong to whoever boots from the disc: nobody.
const SYSTEM: usize = 16;
/// Deeper trees would have to be relocated.
const DEEPEST: usize = 8;
const LONGEST_NAME: usize = 110;
const LARGEST: usize = 64 << 20;
/// Blocks of nothing at the end, as all makers of discs put there: who looks for file systems of every kind on a disk
/// (busybox) reads beyond a small one, and gives up on it.
const PADDING: usize = 150;

/// A folder or a file.
enum Node {
    Folder(BTreeMap<String, usize>),
    File(Vec<u8>),
}

/// The tree, flattened: the root is the first. `place` is where a file's content, or a folder's records, begin.
struct Tree {
    nodes: Vec<(Node, usize)>,
}

/// Which names a record carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    RockRidge,
    Joliet,
}

/// The image with these files (path below its root, content).
pub fn image(label: &str, files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, String> {
    let total: usize = files.iter().map(|(_, content)| content.len()).sum();
    if total > LARGEST {
        return Err(format!("a config drive of {total} bytes is too large"));
    }
    Ok(Disc::new(Tree::grown(files)?).written(label))
}

impl Tree {
    fn grown(files: &[(String, Vec<u8>)]) -> Result<Self, String> {
        let mut tree = Self { nodes: vec![(Node::Folder(BTreeMap::new()), 0)] };
        for (path, content) in files {
            let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
            let sane = |word: &&str| {
                word.len() <= LONGEST_NAME && *word != "." && *word != ".." && !word.contains('\0')
            };
            let Some((name, folders)) = words.split_last().filter(|_| words.iter().all(sane)) else {
                return Err(format!("{path:?} cannot be a path on a config drive"));
            };
            if words.len() >= DEEPEST {
                return Err(format!("{path:?} is too deep for a config drive"));
            }
            let mut at = 0;
            for folder in folders {
                at = tree.child(at, folder, || Node::Folder(BTreeMap::new()))?;
            }
            let file = tree.child(at, name, || Node::File(Vec::new()))?;
            match &mut tree.nodes[file].0 {
                Node::File(old) => old.clone_from(content),
                Node::Folder(_) => return Err(format!("{path:?} is a folder and a file")),
            }
        }
        Ok(tree)
    }

    fn child(&mut self, at: usize, name: &str, new: impl FnOnce() -> Node) -> Result<usize, String> {
        let next = self.nodes.len();
        let Node::Folder(children) = &mut self.nodes[at].0 else {
            return Err(format!("{name:?} lies in a file"));
        };
        let child = *children.entry(name.to_owned()).or_insert(next);
        if child == next {
            self.nodes.push((new(), at));
        }
        Ok(child)
    }

    fn children(&self, at: usize) -> impl Iterator<Item = (&String, usize)> {
        let children = match &self.nodes[at].0 {
            Node::Folder(children) => Some(children),
            Node::File(_) => None,
        };
        children.into_iter().flatten().map(|(name, child)| (name, *child))
    }

    fn is_folder(&self, at: usize) -> bool {
        matches!(self.nodes[at].0, Node::Folder(_))
    }

    /// Folders in the order of path tables: level by level, each after its parent.
    fn folders(&self) -> Vec<usize> {
        let mut folders = vec![0];
        let mut at = 0;
        while at < folders.len() {
            let below: Vec<usize> = self
                .children(folders[at])
                .map(|(_, child)| child)
                .filter(|child| self.is_folder(*child))
                .collect();
            folders.extend(below);
            at += 1;
        }
        folders
    }
}

/// Where everything lies.
struct Disc {
    tree: Tree,
    folders: Vec<usize>,
    /// Short names for plain ISO 9660: unique in their folder, and in its order.
    short: BTreeMap<usize, String>,
    /// First block and bytes of each folder, for each kind of names.
    records: BTreeMap<(usize, bool), (usize, usize)>,
    /// First block of each file.
    contents: BTreeMap<usize, usize>,
    /// First block and bytes of the two path tables (little-endian ones; the big-endian ones follow each).
    tables: [(usize, usize); 2],
    blocks: usize,
}

impl Disc {
    fn new(tree: Tree) -> Self {
        let folders = tree.folders();
        let mut disc = Self {
            short: BTreeMap::new(),
            records: BTreeMap::new(),
            contents: BTreeMap::new(),
            tables: [(0, 0); 2],
            blocks: SYSTEM + 3,
            tree,
            folders,
        };
        disc.name_shortly();
        for (index, names) in [Names::RockRidge, Names::Joliet].into_iter().enumerate() {
            let length = disc.path_table(names, false).len();
            let blocks = length.div_ceil(BLOCK);
            disc.tables[index] = (disc.blocks, length);
            disc.blocks += 2 * blocks;
        }
        for names in [Names::RockRidge, Names::Joliet] {
            for folder in disc.folders.clone() {
                let length = disc.folder(folder, names).len();
                disc.records.insert((folder, names == Names::Joliet), (disc.blocks, length));
                disc.blocks += length / BLOCK;
            }
        }
        for (index, (node, _)) in disc.tree.nodes.iter().enumerate() {
            if let Node::File(content) = node {
                disc.contents.insert(index, disc.blocks);
                disc.blocks += content.len().div_ceil(BLOCK);
            }
        }
        disc.blocks += PADDING;
        disc
    }

    /// Eight characters and three, of capitals, digits and underscores; numbered where they would be the same.
    fn name_shortly(&mut self) {
        for folder in &self.folders {
            let mut taken = std::collections::BTreeSet::new();
            for (name, child) in self.tree.children(*folder) {
                let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
                let plain = |text: &str, most: usize| -> String {
                    let allowed =
                        |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
                    text.chars().map(allowed).take(most).collect()
                };
                let (stem, kind) = (plain(stem, 8), plain(kind, 3));
                let dot = if self.tree.is_folder(child) { "" } else { "." };
                let mut short = format!("{stem}{dot}{kind}");
                let mut number = 0;
                while !taken.insert(short.clone()) {
                    number += 1;
                    let stem: String = stem.chars().take(4).collect();
                    short = format!("{stem}{number:04}{dot}{kind}");
                }
                if !self.tree.is_folder(child) {
                    short.push_str(";1");
                }
                self.short.insert(child, short);
            }
        }
    }

    fn name(&self, child: usize, long: &str, names: Names) -> Vec<u8> {
        match names {
            Names::RockRidge => {
                self.short.get(&child).map(|name| name.clone().into_bytes()).unwrap_or_default()
            }
            Names::Joliet => {
                let units: Vec<u16> = long.encode_utf16().take(64).collect();
                units.into_iter().flat_map(u16::to_be_bytes).collect()
            }
        }
    }

    /// Children in the order of the names that a reader of this kind sees.
    fn sorted(&self, folder: usize, names: Names) -> Vec<(Vec<u8>, String, usize)> {
        let children = self.tree.children(folder);
        let mut sorted: Vec<_> =
            children.map(|(long, child)| (self.name(child, long, names), long.clone(), child)).collect();
        sorted.sort();
        sorted
    }

    /// A folder's records, filled up to whole blocks; no record crosses the edge of a block.
    fn folder(&self, folder: usize, names: Names) -> Vec<u8> {
        let parent = self.tree.nodes[folder].1;
        let mut records = vec![
            self.record(folder, names, vec![0], self.dot_extension(folder, names)),
            self.record(
                parent,
                names,
                vec![1],
                if names == Names::RockRidge { attributes(true) } else { vec![] },
            ),
        ];
        for (name, long, child) in self.sorted(folder, names) {
            let mut extension = Vec::new();
            if names == Names::RockRidge {
                extension = attributes(self.tree.is_folder(child));
                extension.extend(long_name(&long));
            }
            records.push(self.record(child, names, name, extension));
        }
        let mut bytes: Vec<u8> = Vec::new();
        for record in records {
            let used = bytes.len() % BLOCK;
            if used + record.len() > BLOCK {
                bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
            }
            bytes.extend(record);
        }
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    /// The root's own record says that Rock Ridge is spoken here.
    fn dot_extension(&self, folder: usize, names: Names) -> Vec<u8> {
        if names == Names::Joliet {
            return Vec::new();
        }
        let mut extension = Vec::new();
        if folder == 0 {
            extension.extend([b'S', b'P', 7, 1, 0xbe, 0xef, 0]);
        }
        extension.extend(attributes(true));
        if folder == 0 {
            extension.extend(rock_ridge());
        }
        extension
    }

    fn record(&self, node: usize, names: Names, name: Vec<u8>, extension: Vec<u8>) -> Vec<u8> {
        let folder = self.tree.is_folder(node);
        let (block, length) = match &self.tree.nodes[node].0 {
            Node::Folder(_) => self.records.get(&(node, names == Names::Joliet)).copied().unwrap_or_default(),
            Node::File(content) => (self.contents.get(&node).copied().unwrap_or_default(), content.len()),
        };
        let mut bytes = vec![0, 0];
        bytes.extend(both32(block));
        bytes.extend(both32(length));
        bytes.extend(DATE);
        bytes.extend([if folder { 2 } else { 0 }, 0, 0, 1, 0, 0, 1]);
        bytes.push(low(name.len()));
        bytes.extend(name);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes.extend(extension);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes[0] = low(bytes.len());
        bytes
    }

    fn path_table(&self, names: Names, big: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let number: BTreeMap<usize, usize> =
            self.folders.iter().enumerate().map(|(index, folder)| (*folder, index + 1)).collect();
        for folder in &self.folders {
            let parent = self.tree.nodes[*folder].1;
            let long =
                self.tree.children(parent).find(|(_, child)| child == folder).map(|(name, _)| name.as_str());
            let name = match long {
                Some(long) if *folder != 0 => self.name(*folder, long, names),
                _ => vec![0],
            };
            let block = self.records.get(&(*folder, names == Names::Joliet)).map_or(0, |(block, _)| *block);
            let block = u32::try_from(block).unwrap_or(u32::MAX);
            let parent = u16::try_from(number.get(&parent).copied().unwrap_or(1)).unwrap_or(u16::MAX);
            bytes.extend([low(name.len()), 0]);
            bytes.extend(if big { block.to_be_bytes() } else { block.to_le_bytes() });
            bytes.extend(if big { parent.to_be_bytes() } else { parent.to_le_bytes() });
            bytes.extend(name);
            bytes.resize(bytes.len().next_multiple_of(2), 0);
        }
        bytes
    }

    fn volume(&self, label: &str, names: Names) -> Vec<u8> {
        let joliet = names == Names::Joliet;
        let text = |text: &str, length: usize| -> Vec<u8> {
            let mut bytes: Vec<u8> = if joliet {
                text.encode_utf16().flat_map(u16::to_be_bytes).collect()
            } else {
                text.bytes().collect()
            };
            while bytes.len() < length {
                bytes.extend(if joliet { &[0, b' '][..] } else { b" " });
            }
            bytes.truncate(length);
            bytes
        };
        let (table, length) = self.tables[usize::from(joliet)];
        let blocks = length.div_ceil(BLOCK);
        let block = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut bytes = vec![if joliet { 2 } else { 1 }];
        bytes.extend(b"CD001\x01\0");
        bytes.extend(text("LINUX", 32));
        bytes.extend(text(label, 32));
        bytes.extend([0; 8]);
        bytes.extend(both32(self.blocks));
        bytes.extend(if joliet { *b"%/E" } else { [0; 3] }); // which names: UCS-2, level 3
        bytes.extend([0; 29]);
        bytes.extend(both16(1));
        bytes.extend(both16(1));
        bytes.extend(both16(2048));
        bytes.extend(both32(length));
        bytes.extend(block(table).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(block(table + blocks).to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.record(0, names, vec![0], Vec::new()));
        for (name, length) in
            [("", 128), ("", 128), ("", 128), ("DRYSTONE", 128), ("", 37), ("", 37), ("", 37)]
        {
            bytes.extend(text(name, length));
        }
        for _ in 0..4 {
            bytes.extend(b"0000000000000000\0");
        }
        bytes.extend([1, 0]);
        bytes.resize(BLOCK, 0);
        bytes
    }

    fn written(&self, label: &str) -> Vec<u8> {
        let mut bytes = vec![0; SYSTEM * BLOCK];
        let mut add = |piece: &[u8]| {
            bytes.extend(piece);
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        };
        add(&self.volume(label, Names::RockRidge));
        add(&self.volume(label, Names::Joliet));
        add(b"\xffCD001\x01");
        for names in [Names::RockRidge, Names::Joliet] {
            add(&self.path_table(names, false));
            add(&self.path_table(names, true));
        }
        for names in [Names::RockRidge, Names::Joliet] {
            for folder in &self.folders {
                add(&self.folder(*folder, names));
            }
        }
        for (node, _) in &self.tree.nodes {
            if let Node::File(content) = node {
                add(content);
            }
        }
        bytes.resize(self.blocks * BLOCK, 0);
        bytes
    }
}

/// The first of January 1970: a date that never changes.
const DATE: [u8; 7] = [70, 1, 1, 0, 0, 0, 0];

/// Rock Ridge: what `ls -l` shows. Folders may be entered and files read by everybody.
fn attributes(folder: bool) -> Vec<u8> {
    let mode: u32 = if folder { 0o040_555 } else { 0o100_444 };
    let mut bytes = vec![b'P', b'X', 36, 1];
    for number in [mode, if folder { 2 } else { 1 }, 0, 0] {
        bytes.extend(number.to_le_bytes());
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

/// Rock Ridge: the real name.
fn long_name(name: &str) -> Vec<u8> {
    let mut bytes = vec![b'N', b'M', low(name.len() + 5), 1, 0];
    bytes.extend(name.as_bytes());
    bytes
}

/// Rock Ridge: that these extensions are in use.
fn rock_ridge() -> Vec<u8> {
    let mut bytes = vec![b'E', b'R', 0, 1, 10, 0, 0, 1];
    bytes.extend(b"RRIP_1991A");
    bytes[2] = low(bytes.len());
    bytes
}

/// A length that was bounded before.
fn low(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

fn both32(number: usize) -> [u8; 8] {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let (little, big) = (number.to_le_bytes(), number.to_be_bytes());
    [little[0], little[1], little[2], little[3], big[0], big[1], big[2], big[3]]
}

fn both16(number: u16) -> [u8; 4] {
    let (little, big) = (number.to_le_bytes(), number.to_be_bytes());
    [little[0], little[1], big[0], big[1]]
}

#[cfg(test)]
mod tests;
