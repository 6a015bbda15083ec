//! The network between the processes and the server: it delays, loses and doubles what it carries.

use fastrand::Rng;

/// How often the network fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quality {
    /// Number of lost packets in 10,000.
    pub(crate) lost: u32,
    /// Number of packets in 10,000 that take up to a second.
    pub(crate) slow: u32,
    /// Number of doubled packets in 10,000.
    pub(crate) doubled: u32,
}

/// The network of one simulation.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) quality: Quality,
    /// The processes from this one on cannot reach the server.
    pub(crate) cut_from: usize,
    pub(crate) faults: Faults,
}

/// How many packets met with a fault.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) slow: u64,
    pub(crate) doubled: u64,
    pub(crate) cut_off: u64,
}

impl Quality {
    pub(crate) const PERFECT: Self = Self { lost: 0, slow: 0, doubled: 0 };
    pub(crate) const USUAL: Self = Self { lost: 20, slow: 20, doubled: 20 };
    pub(crate) const BAD: Self = Self { lost: 500, slow: 500, doubled: 500 };
}

impl Network {
    pub(crate) fn new(quality: Quality) -> Self {
        Self { quality, cut_from: usize::MAX, faults: Faults::default() }
    }

    /// Returns the times in microseconds after which a packet of this process arrives: none if it is lost, several if
    /// it is doubled.
    pub(crate) fn carry(&mut self, process: usize, random: &mut Rng) -> Vec<u64> {
        if process >= self.cut_from {
            self.faults.cut_off += 1;
            return Vec::new();
        }
        let Quality { lost, slow, doubled } = self.quality;
        let draw = random.u32(0..10_000);
        let usual = random.u64(200..3_000);
        if draw < lost {
            self.faults.lost += 1;
            Vec::new()
        } else if draw < lost + slow {
            self.faults.slow += 1;
            vec![usual + random.u64(20_000..1_000_000)]
        } else if draw < lost + slow + doubled {
            self.faults.doubled += 1;
            vec![usual, usual + random.u64(1..200_000)]
        } else {
            vec![usual]
        }
    }
}
