//! A serial console that looks like a boot: made from the record when somebody asks, the same each time.

use crate::state::MachineRecord;
use std::fmt::Write;

const BOOT: &[&str] = &[
    "Linux version 6.12.48-drystone (sim@drystone) #1 SMP PREEMPT_DYNAMIC",
    "Command line: root=LABEL=root ro console=tty1 console=ttyS0",
    "BIOS-provided physical RAM map:",
    "DMI: Drystone Simulated Machine, BIOS 1.0",
    "Hypervisor detected: sim",
    "tsc: Detected 2400.000 MHz processor",
    "Calibrating delay loop (skipped) preset value.. 4800.00 BogoMIPS",
    "pid_max: default: 32768 minimum: 301",
    "Mount-cache hash table entries: 1024 (order: 1, 8192 bytes, linear)",
    "devtmpfs: initialized",
    "clocksource: jiffies: mask: 0xffffffff max_cycles: 0xffffffff",
    "NET: Registered PF_NETLINK/PF_ROUTE protocol family",
    "PCI: Using configuration type 1 for base access",
    "SCSI subsystem initialized",
    "NET: Registered PF_INET protocol family",
    "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled",
    "ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A",
    "virtio_blk virtio1: [vda] 2097152 512-byte logical blocks",
    "NET: Registered PF_INET6 protocol family",
    "Freeing unused kernel image (initmem) memory: 2792K",
    "Run /init as init process",
];

/// All that the machine has written so far.
pub(crate) fn log(id: &str, machine: &MachineRecord) -> String {
    let mut text = String::new();
    for boot in 0..machine.boots {
        one_boot(&mut text, id, machine, boot);
    }
    if let Some(because) = &machine.stopped_because {
        line(&mut text, 99_000_000, &format!("machine stopped: {because}"));
    }
    text
}

fn one_boot(text: &mut String, id: &str, machine: &MachineRecord, boot: u32) {
    let mut at = 0;
    for (number, message) in BOOT.iter().enumerate() {
        line(text, at, message);
        at += 13_000 + 7_919 * (number as u64 % 5) + u64::from(boot);
    }
    line(text, at, &format!("smp: Brought up 1 node, {} CPUs", machine.vcpus));
    line(text, at + 900, &format!("Memory: {}K available", machine.memory_mib * 1000));
    for (number, mac) in machine.nics.values().enumerate() {
        line(text, at + 2_000, &format!("virtio_net virtio{number} eth{number}: {mac}"));
    }
    let _ = writeln!(text, "cloud-init[412]: instance-id: {id}");
    let _ = writeln!(text, "cloud-init[412]: finished at boot {}", boot + 1);
    let _ = write!(text, "\n{} login: \n", machine.name);
}

fn line(text: &mut String, micros: u64, message: &str) {
    let _ = writeln!(text, "[{:>5}.{:06}] {message}", micros / 1_000_000, micros % 1_000_000);
}
