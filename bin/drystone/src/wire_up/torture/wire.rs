//! Links between agents and a controller that dies: bytes take their time, and everything may be cut.

use kernel::Entropy;
use link::Dial;
use metal::driver::Duplex;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::{mpsc, watch};

/// Bytes on their way.
const ROOM: usize = 64 * 1024;

/// The wires of one cloud.
#[derive(Clone)]
pub struct Wires {
    /// Where dialled streams come out, while a controller runs.
    listening: Arc<Mutex<Option<mpsc::Sender<DuplexStream>>>>,
    dice: Entropy,
}

/// One host's wire.
#[derive(Clone)]
pub struct Wire {
    all: Wires,
    cuts: Arc<watch::Sender<u64>>,
}

impl Wires {
    pub fn new(dice: Entropy) -> Self {
        Self { listening: Arc::default(), dice }
    }

    /// A controller listens from now on, or none does.
    pub fn listen(&self, sender: Option<mpsc::Sender<DuplexStream>>) {
        *self.listening.lock().unwrap() = sender;
    }

    pub fn wire(&self) -> Wire {
        Wire { all: self.clone(), cuts: Arc::new(watch::Sender::new(0)) }
    }
}

impl Wire {
    /// Every connection over this wire ends; the next one may be made at once.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub fn dial(&self) -> Dial {
        let wire = self.clone();
        Arc::new(move || {
            let wire = wire.clone();
            Box::pin(async move {
                let sender = wire.all.listening.lock().unwrap().clone();
                let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
                let sender = sender.ok_or_else(refused)?;
                let ((near, left), (right, far)) = (duplex(ROOM), duplex(ROOM));
                sender.send(far).await.map_err(|_| refused())?;
                let (from_agent, to_agent) = split(left);
                let (from_controller, to_controller) = split(right);
                let (there, back) = (wire.clone(), wire);
                tokio::spawn(async move { there.carry(from_agent, to_controller).await });
                tokio::spawn(async move { back.carry(from_controller, to_agent).await });
                Ok(Box::new(near) as Box<dyn Duplex>)
            })
        })
    }

    /// Carries bytes one way, some of them late, until the wire is cut.
    async fn carry(&self, mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>) {
        let mut cuts = self.cuts.subscribe();
        let dice = self.all.dice.clone();
        let carried = async {
            let mut buffer = vec![0; 16 * 1024];
            loop {
                let count = from.read(&mut buffer).await?;
                if count == 0 {
                    return to.shutdown().await;
                }
                if dice.below(8) == 0 {
                    tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
                }
                to.write_all(&buffer[..count]).await?;
            }
        };
        tokio::select! {
            biased;
            _ = cuts.changed() => {}
            _ = carried => {}
        }
    }
}
