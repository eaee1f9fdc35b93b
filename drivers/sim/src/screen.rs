//! A screen: the smallest RFB 3.8 server that every viewer accepts, showing stripes and the server's name.

use crate::font;
use crate::state::MachineRecord;
use metal::server::MachineState;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const WIDTH: u16 = 320;
const HEIGHT: u16 = 200;
/// Dots of a letter are so many pixels wide and high.
const SCALE: usize = 2;

/// What the screen shows.
pub(crate) struct Picture {
    title: String,
    lines: Vec<String>,
    hue: u8,
}

impl Picture {
    pub(crate) fn of(id: &str, machine: &MachineRecord) -> Self {
        let doing = if machine.state == MachineState::Paused { "paused" } else { "running" };
        let lines = vec![
            "drystone simulated machine".to_owned(),
            String::new(),
            machine.name.clone(),
            id.to_owned(),
            format!("{} vcpus  {} mib  {doing}", machine.vcpus, machine.memory_mib),
        ];
        Self { title: machine.name.clone(), lines, hue: id.bytes().fold(0, u8::wrapping_add) }
    }

    /// Red, green and blue of a pixel.
    fn colour(&self, x: usize, y: usize) -> [u8; 3] {
        let (row, inside) = (y / (8 * SCALE), y % (8 * SCALE) / SCALE);
        let (column, across) = (x / (4 * SCALE), x % (4 * SCALE) / SCALE);
        let letter =
            row.checked_sub(2).and_then(|row| self.lines.get(row)).and_then(|line| line.chars().nth(column));
        if letter.is_some_and(|letter| font::dot(letter, across, inside)) {
            return [255; 3];
        }
        let shade = u8::try_from(y * 96 / usize::from(HEIGHT)).unwrap_or(0);
        [self.hue / 4, shade, 96u8.wrapping_add(self.hue / 3) / 2]
    }
}

/// How the viewer wants its pixels.
struct Pixels {
    bits: u8,
    big_endian: bool,
    max: [u16; 3],
    shift: [u8; 3],
}

impl Pixels {
    const DEFAULT: [u8; 16] = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];

    fn of(wire: &[u8; 16]) -> Self {
        let max = |at: usize| u16::from_be_bytes([wire[at], wire[at + 1]]);
        Self {
            bits: wire[0],
            big_endian: wire[2] != 0,
            max: [max(4), max(6), max(8)],
            shift: [wire[10], wire[11], wire[12]],
        }
    }

    fn push(&self, into: &mut Vec<u8>, colour: [u8; 3]) {
        let mut value = 0u32;
        for (part, (max, shift)) in colour.into_iter().zip(self.max.into_iter().zip(self.shift)) {
            let scaled = u32::from(part) * u32::from(max) / 255;
            value |= scaled.checked_shl(u32::from(shift)).unwrap_or(0);
        }
        let bytes = usize::from(self.bits / 8).clamp(1, 4);
        if self.big_endian {
            into.extend_from_slice(&value.to_be_bytes()[4 - bytes..]);
        } else {
            into.extend_from_slice(&value.to_le_bytes()[..bytes]);
        }
    }
}

/// Serves one viewer until it leaves.
pub(crate) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, picture: Picture) {
    if let Err(error) = greet(&mut stream, &picture.title).await {
        tracing::debug!(%error, "a viewer left during the greeting");
        return;
    }
    if let Err(error) = show(&mut stream, &picture).await {
        tracing::trace!(%error, "a viewer left");
    }
}

async fn greet(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), title: &str) -> io::Result<()> {
    stream.write_all(b"RFB 003.008\n").await?;
    let mut version = [0; 12];
    stream.read_exact(&mut version).await?;
    if !version.starts_with(b"RFB 003.") {
        return Err(io::Error::other("not an RFB viewer"));
    }
    if &version == b"RFB 003.003\n" {
        // The old form: the server decides.
        stream.write_all(&1u32.to_be_bytes()).await?;
    } else {
        stream.write_all(&[1, 1]).await?;
        stream.read_u8().await?;
        if &version == b"RFB 003.008\n" {
            stream.write_all(&0u32.to_be_bytes()).await?;
        }
    }
    stream.read_u8().await?;
    let mut hello = Vec::new();
    hello.extend_from_slice(&WIDTH.to_be_bytes());
    hello.extend_from_slice(&HEIGHT.to_be_bytes());
    hello.extend_from_slice(&Pixels::DEFAULT);
    hello.extend_from_slice(&u32::try_from(title.len()).unwrap_or(0).to_be_bytes());
    hello.extend_from_slice(title.as_bytes());
    stream.write_all(&hello).await
}

async fn show(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), picture: &Picture) -> io::Result<()> {
    let mut pixels = Pixels::of(&Pixels::DEFAULT);
    let mut shown = false;
    loop {
        match stream.read_u8().await? {
            0 => {
                let mut wire = [0; 19];
                stream.read_exact(&mut wire).await?;
                let mut format = [0; 16];
                format.copy_from_slice(&wire[3..]);
                pixels = Pixels::of(&format);
                shown = false;
            }
            2 => {
                stream.read_u8().await?;
                let count = stream.read_u16().await?;
                skip(stream, u64::from(count) * 4).await?;
            }
            3 => {
                let incremental = stream.read_u8().await? != 0;
                skip(stream, 8).await?;
                // Nothing on this screen moves: a viewer that has seen it waits.
                if !(incremental && shown) {
                    stream.write_all(&whole(picture, &pixels)).await?;
                    shown = true;
                }
            }
            4 => skip(stream, 7).await?,
            5 => skip(stream, 5).await?,
            6 => {
                skip(stream, 3).await?;
                let length = stream.read_u32().await?;
                skip(stream, u64::from(length)).await?;
            }
            _ => return Err(io::Error::other("a message that no viewer sends")),
        }
    }
}

/// The whole picture as one raw rectangle.
fn whole(picture: &Picture, pixels: &Pixels) -> Vec<u8> {
    let mut update = vec![0, 0, 0, 1, 0, 0, 0, 0];
    update.extend_from_slice(&WIDTH.to_be_bytes());
    update.extend_from_slice(&HEIGHT.to_be_bytes());
    update.extend_from_slice(&0u32.to_be_bytes());
    for y in 0..usize::from(HEIGHT) {
        for x in 0..usize::from(WIDTH) {
            pixels.push(&mut update, picture.colour(x, y));
        }
    }
    update
}

async fn skip(stream: &mut (impl AsyncRead + Unpin), bytes: u64) -> io::Result<()> {
    tokio::io::copy(&mut stream.take(bytes), &mut tokio::io::sink()).await.map(drop)
}
