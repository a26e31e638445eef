//! The instructions of wide x86-64 registers. All of the scorer's `unsafe` is here.
//!
//! A set of instructions is a value that only its detection makes, so to hold one is to
//! know that the processor has them: that is what every `unsafe` below rests on, besides
//! pointers into arrays of the size that is read.

use std::arch::x86_64::*;

use super::{Block, Bytes, Instructions, LANES, Portable, Threshold, WINDOW, Work};

/// AVX2: registers of 32 bytes.
#[derive(Debug, Clone, Copy)]
pub(in crate::scorer) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")).then_some(Self(()))
    }
}

// The plain loops again: compiled within `run`, they become AVX2.
impl Instructions for Avx2 {
    type Table = <Portable as Instructions>::Table;

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,popcnt")]
        fn compiled<W: Work>(instructions: Avx2, work: W) -> W::Output {
            work.with(instructions)
        }
        // SAFETY: `self` exists, so the processor has what `compiled` is compiled for.
        unsafe { compiled(self, work) }
    }

    #[inline(always)]
    fn count_below(self, thresholds: &[f64; WINDOW], value: f64) -> usize {
        // SAFETY: `self` exists, so the processor has AVX2; four values are read from
        // each half of an array of eight.
        unsafe {
            let value = _mm256_set1_pd(value);
            let below = |half: *const f64| {
                let below = _mm256_cmp_pd::<_CMP_LT_OQ>(_mm256_loadu_pd(half), value);
                _mm256_movemask_pd(below).cast_unsigned()
            };
            let first = thresholds.as_ptr();
            (below(first) << 4 | below(first.add(4))).count_ones() as usize
        }
    }

    #[inline(always)]
    fn select(self, ranks: &Bytes, threshold: Threshold, left: &Bytes, right: &Bytes) -> Bytes {
        let mut selected = Bytes::ZERO;
        // SAFETY: `self` exists, so the processor has AVX2; 32 bytes are read from and written
        // to each half of arrays of 64.
        unsafe {
            let threshold = _mm256_set1_epi32(threshold.0.cast_signed());
            for half in [0, LANES / 2] {
                let load = |bytes: &Bytes| _mm256_loadu_si256(bytes.0.as_ptr().add(half).cast());
                let ranks = load(ranks);
                // The smaller of both is the rank where that is at most the threshold.
                let goes_left = _mm256_cmpeq_epi8(_mm256_min_epu8(ranks, threshold), ranks);
                let chosen = _mm256_blendv_epi8(load(right), load(left), goes_left);
                _mm256_storeu_si256(selected.0.as_mut_ptr().add(half).cast(), chosen);
            }
        }
        selected
    }

    #[inline(always)]
    fn add_chosen(self, sums: &mut [f64; LANES], values: &[f64; 256], chosen: &Bytes) {
        Portable.add_chosen(sums, values, chosen);
    }

    #[inline(always)]
    fn table<const REGISTERS: usize>(self, bytes: &[[u8; LANES]; REGISTERS]) -> Self::Table {
        Portable.table(bytes)
    }

    #[inline(always)]
    fn resolve<const REGISTERS: usize>(
        self,
        ranks: Self::Table,
        block: &Block,
        rounds: u32,
    ) -> Bytes {
        Portable.resolve::<REGISTERS>(ranks, block, rounds)
    }
}

/// AVX-512 with byte permutations: registers of 64 bytes that can be looked up in.
#[derive(Debug, Clone, Copy)]
pub(in crate::scorer) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("popcnt"))
        .then_some(Self(()))
    }
}

#[inline(always)]
fn load(_: Avx512, bytes: &[u8; LANES]) -> __m512i {
    // SAFETY: the argument exists, so the processor has AVX-512F; 64 bytes are read
    // from an array of 64.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn store(_: Avx512, register: __m512i) -> Bytes {
    let mut bytes = Bytes::ZERO;
    // SAFETY: as in `load`, and written.
    unsafe { _mm512_storeu_si512(bytes.0.as_mut_ptr().cast(), register) };
    bytes
}

impl Instructions for Avx512 {
    type Table = [__m512i; 4];

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
        fn compiled<W: Work>(instructions: Avx512, work: W) -> W::Output {
            work.with(instructions)
        }
        // SAFETY: `self` exists, so the processor has what `compiled` is compiled for.
        unsafe { compiled(self, work) }
    }

    #[inline(always)]
    fn count_below(self, thresholds: &[f64; WINDOW], value: f64) -> usize {
        // SAFETY: `self` exists, so the processor has AVX-512F; eight values are read
        // from an array of eight.
        unsafe {
            let thresholds = _mm512_loadu_pd(thresholds.as_ptr());
            let below = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(thresholds, _mm512_set1_pd(value));
            below.count_ones() as usize
        }
    }

    #[inline(always)]
    fn select(self, ranks: &Bytes, threshold: Threshold, left: &Bytes, right: &Bytes) -> Bytes {
        let ranks = load(self, &ranks.0);
        let (left, right) = (load(self, &left.0), load(self, &right.0));
        // SAFETY: `self` exists, so the processor has AVX-512BW.
        let selected = unsafe {
            let threshold = _mm512_set1_epi32(threshold.0.cast_signed());
            _mm512_mask_blend_epi8(_mm512_cmple_epu8_mask(ranks, threshold), right, left)
        };
        store(self, selected)
    }

    #[inline(always)]
    fn add_chosen(self, sums: &mut [f64; LANES], values: &[f64; 256], chosen: &Bytes) {
        for (sums, chosen) in sums.chunks_exact_mut(8).zip(chosen.0.chunks_exact(8)) {
            // SAFETY: `self` exists, so the processor has AVX-512F and AVX2; eight sums and
            // eight bytes are read and written, and a byte is an index into 256 values.
            unsafe {
                let chosen = _mm256_cvtepu8_epi32(_mm_loadl_epi64(chosen.as_ptr().cast()));
                let values = _mm512_i32gather_pd::<8>(chosen, values.as_ptr());
                let sum = _mm512_add_pd(_mm512_loadu_pd(sums.as_ptr()), values);
                _mm512_storeu_pd(sums.as_mut_ptr(), sum);
            }
        }
    }

    #[inline(always)]
    fn add_of_few(self, sums: &mut [f64; LANES], values: &[f64; 256], chosen: &Bytes) {
        // SAFETY: `self` exists, so the processor has AVX-512F; four times eight values are read
        // from the first 32 of an array of 256.
        let [first, second, third, fourth] =
            [0, 8, 16, 24].map(|start| unsafe { _mm512_loadu_pd(values.as_ptr().add(start)) });
        for (sums, chosen) in sums.chunks_exact_mut(8).zip(chosen.0.chunks_exact(8)) {
            // SAFETY: as above; eight sums and eight bytes are read and written.
            unsafe {
                let chosen = _mm512_cvtepu8_epi64(_mm_loadl_epi64(chosen.as_ptr().cast()));
                // The lower four bits look up; the fifth says in which half.
                let lower = _mm512_permutex2var_pd(first, chosen, second);
                let upper = _mm512_permutex2var_pd(third, chosen, fourth);
                let is_upper = _mm512_test_epi64_mask(chosen, _mm512_set1_epi64(16));
                let values = _mm512_mask_blend_pd(is_upper, lower, upper);
                let sum = _mm512_add_pd(_mm512_loadu_pd(sums.as_ptr()), values);
                _mm512_storeu_pd(sums.as_mut_ptr(), sum);
            }
        }
    }

    #[inline(always)]
    fn table<const REGISTERS: usize>(self, bytes: &[[u8; LANES]; REGISTERS]) -> Self::Table {
        std::array::from_fn(|register| load(self, bytes.get(register).unwrap_or(&[0; LANES])))
    }

    #[inline(always)]
    fn resolve<const REGISTERS: usize>(
        self,
        ranks: Self::Table,
        block: &Block,
        rounds: u32,
    ) -> Bytes {
        let columns = load(self, &block.columns.0);
        let thresholds = load(self, &block.thresholds.0);
        let (left, right) = (load(self, &block.left.0), load(self, &block.right.0));
        // SAFETY: `self` exists, so the processor has AVX-512BW and AVX-512VBMI.
        let jumps = unsafe {
            // The upper bits of a column choose the register, where there are several.
            let ranks = match REGISTERS {
                1 => _mm512_permutexvar_epi8(columns, ranks[0]),
                2 => _mm512_permutex2var_epi8(ranks[0], columns, ranks[1]),
                3 => _mm512_mask_permutexvar_epi8(
                    _mm512_permutex2var_epi8(ranks[0], columns, ranks[1]),
                    _mm512_movepi8_mask(columns),
                    columns,
                    ranks[2],
                ),
                _ => _mm512_mask_blend_epi8(
                    _mm512_movepi8_mask(columns),
                    _mm512_permutex2var_epi8(ranks[0], columns, ranks[1]),
                    _mm512_permutex2var_epi8(ranks[2], columns, ranks[3]),
                ),
            };
            let goes_left = _mm512_cmple_epu8_mask(ranks, thresholds);
            let mut jumps = _mm512_mask_blend_epi8(goes_left, right, left);
            for _ in 0..rounds {
                let within = _mm512_movepi8_mask(jumps);
                jumps = _mm512_mask_permutexvar_epi8(jumps, within, jumps, jumps);
            }
            jumps
        };
        store(self, jumps)
    }
}
