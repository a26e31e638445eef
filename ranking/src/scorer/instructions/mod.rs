//! What the processor does for the scorer, once for every processor and once each
//! for those with wider registers.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86;

/// Rows of a group, lanes of a block: bytes in the widest register.
pub(super) const LANES: usize = 64;

/// A register full of bytes.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Bytes(pub(super) [u8; LANES]);

impl Bytes {
    pub(super) const ZERO: Self = Self([0; LANES]);
}

/// A threshold of ranks in each byte of four, as registers are filled fastest from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Threshold(u32);

impl Threshold {
    pub(super) fn new(threshold: u8) -> Self {
        Self(u32::from_le_bytes([threshold; 4]))
    }
}

/// Thresholds that are counted at once.
pub(super) const WINDOW: usize = 8;

/// Values that are chosen from fastest: four of the widest registers full.
pub(super) const FEW: usize = 32;

/// A piece of work that is compiled for each set of instructions.
pub(super) trait Work {
    type Output;
    fn with<I: Instructions>(self, instructions: I) -> Self::Output;
}

/// Every method means the same for every set.
pub(super) trait Instructions: Copy {
    /// Up to 256 bytes to look up in.
    type Table: Copy;

    /// Does the work with these instructions.
    fn run<W: Work>(self, work: W) -> W::Output;

    /// How many of the thresholds are below the value.
    fn count_below(self, thresholds: &[f64; WINDOW], value: f64) -> usize;

    /// Per lane: `left` where the rank is at most the threshold, else `right`.
    fn select(self, ranks: &Bytes, threshold: Threshold, left: &Bytes, right: &Bytes) -> Bytes;

    /// Adds to each sum the value that its byte chooses.
    fn add_chosen(self, sums: &mut [f64; LANES], values: &[f64; 256], chosen: &Bytes);

    /// As [`add_chosen`](Self::add_chosen), where no byte chooses any but the first [`FEW`] values.
    #[inline(always)]
    fn add_of_few(self, sums: &mut [f64; LANES], values: &[f64; 256], chosen: &Bytes) {
        self.add_chosen(sums, values, chosen);
    }

    /// Takes up a table of `REGISTERS` times 64 bytes, at most 4.
    fn table<const REGISTERS: usize>(self, bytes: &[[u8; LANES]; REGISTERS]) -> Self::Table;

    /// Follows the jumps of a block: see `jumps`.
    fn resolve<const REGISTERS: usize>(
        self,
        ranks: Self::Table,
        block: &Block,
        rounds: u32,
    ) -> Bytes;
}

/// Splits that are decided at once: one a lane.
///
/// A jump is to a lane, with [`JUMP`] added, or out of the block, less than [`JUMP`].
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Block {
    pub(super) columns: Bytes,
    pub(super) thresholds: Bytes,
    pub(super) left: Bytes,
    pub(super) right: Bytes,
}

/// What marks a jump within a block.
pub(super) const JUMP: u8 = 0x80;

/// About how many cycles the parts of scoring take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    /// A split for a group of rows.
    pub(super) select: f64,
    /// A split for another group beside that one.
    pub(super) select_beside: f64,
    /// A tree's leaves for a group of rows.
    pub(super) add: f64,
    /// The same, where they are few.
    pub(super) add_of_few: f64,
    /// A step of the walk of one row through one tree.
    pub(super) step: f64,
    /// A block for one row.
    pub(super) block: f64,
    /// A block for one row, where which blocks are looked at depends on the row.
    pub(super) nested_block: f64,
}

/// The sets that there are.
#[derive(Debug, Clone, Copy)]
pub(super) enum InstructionSet {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
}

impl InstructionSet {
    /// All that this processor has, the best first.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86::Avx512::detect().map(Self::Avx512));
            all.extend(x86::Avx2::detect().map(Self::Avx2));
        }
        all.push(Self::Portable(Portable));
        all
    }

    /// Whether blocks resolve fast.
    pub(super) fn has_lookups(self) -> bool {
        match self {
            Self::Portable(_) => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => true,
        }
    }

    /// What the parts of scoring cost.
    pub(super) fn costs(self) -> Costs {
        match self {
            Self::Portable(_) => Costs {
                select: 8.0,
                select_beside: 8.0,
                add: 90.0,
                add_of_few: 90.0,
                step: 2.5,
                block: f64::INFINITY,
                nested_block: f64::INFINITY,
            },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Costs {
                select: 4.0,
                select_beside: 4.0,
                add: 90.0,
                add_of_few: 90.0,
                step: 2.5,
                block: f64::INFINITY,
                nested_block: f64::INFINITY,
            },
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Costs {
                select: 5.0,
                select_beside: 2.5,
                add: 50.0,
                add_of_few: 32.0,
                step: 2.5,
                block: 20.0,
                nested_block: 28.0,
            },
        }
    }

    /// Does the work with these instructions.
    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            Self::Portable(instructions) => instructions.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(instructions) => instructions.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(instructions) => instructions.run(work),
        }
    }
}

/// What any processor has. Plain loops, which the compiler may turn into what every
/// processor of the architecture can.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

impl Instructions for Portable {
    type Table = [Bytes; 4];

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Output {
        work.with(self)
    }

    #[inline(always)]
    fn count_below(self, thresholds: &[f64; WINDOW], value: f64) -> usize {
        thresholds
            .iter()
            .map(|threshold| usize::from(*threshold < value))
            .sum()
    }

    #[inline(always)]
    fn select(self, ranks: &Bytes, threshold: Threshold, left: &Bytes, right: &Bytes) -> Bytes {
        let mut selected = Bytes::ZERO;
        let threshold = threshold.0 as u8;
        let sides = left.0.iter().zip(&right.0);
        for ((selected, rank), (left, right)) in selected.0.iter_mut().zip(&ranks.0).zip(sides) {
            // A choice by a mask, so that it is not taken for one to branch on.
            let mask = 0_u8.wrapping_sub(u8::from(*rank <= threshold));
            *selected = (*left & mask) | (*right & !mask);
        }
        selected
    }

    #[inline(always)]
    fn add_chosen(self, sums: &mut [f64; LANES], values: &[f64; 256], chosen: &Bytes) {
        for (sum, chosen) in sums.iter_mut().zip(&chosen.0) {
            *sum += values[usize::from(*chosen)];
        }
    }

    #[inline(always)]
    fn table<const REGISTERS: usize>(self, bytes: &[[u8; LANES]; REGISTERS]) -> [Bytes; 4] {
        std::array::from_fn(|register| {
            bytes
                .get(register)
                .map_or(Bytes::ZERO, |bytes| Bytes(*bytes))
        })
    }

    #[inline(always)]
    fn resolve<const REGISTERS: usize>(
        self,
        ranks: [Bytes; 4],
        block: &Block,
        rounds: u32,
    ) -> Bytes {
        let mut jumps = Bytes(std::array::from_fn(|lane| {
            let column = usize::from(block.columns.0[lane]);
            if ranks[column / LANES].0[column % LANES] <= block.thresholds.0[lane] {
                block.left.0[lane]
            } else {
                block.right.0[lane]
            }
        }));
        for _ in 0..rounds {
            jumps = Bytes(jumps.0.map(|jump| match jump {
                JUMP.. => jumps.0[usize::from(jump) % LANES],
                _ => jump,
            }));
        }
        jumps
    }
}
