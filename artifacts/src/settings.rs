//! How patiently and in what portions objects are transferred.

use std::time::Duration;

/// Sizes and time bounds of transfers. The defaults suit a store in the same region.
#[derive(Clone, Debug)]
pub struct TransferSettings {
    /// Objects of at least this many bytes are uploaded in parts.
    pub multipart_threshold_bytes: u64,
    /// The size of a part; S3 refuses less than 5 MiB for all but the last. One part is held in
    /// memory. Raised by itself where an object would need more than 10,000 parts.
    pub part_size_bytes: u64,
    /// How many keys one page of a listing asks for, 1 to 1000.
    pub list_page_size: u16,
    /// To open a connection.
    pub connect_timeout: Duration,
    /// From sending a request to the first byte of its answer.
    pub read_timeout: Duration,
    /// A transfer in which nothing moves for this long is given up.
    pub stall_timeout: Duration,
    /// A transfer slower than this on average is given up, after `read_timeout` as a start.
    pub minimum_bytes_per_second: u64,
    /// Repetition of requests that failed for a passing reason.
    pub retry: RetrySettings,
}

/// Exponential pauses with full jitter: each is drawn evenly from zero to a bound that doubles.
#[derive(Clone, Debug)]
pub struct RetrySettings {
    /// Attempts in all, the first included.
    pub maximum_attempts: u32,
    /// The bound of the first pause.
    pub first_pause: Duration,
    /// The bound no later pause exceeds.
    pub maximum_pause: Duration,
}

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            multipart_threshold_bytes: 16 * 1024 * 1024,
            part_size_bytes: 16 * 1024 * 1024,
            list_page_size: 1000,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(20),
            minimum_bytes_per_second: 32 * 1024,
            retry: RetrySettings::default(),
        }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            maximum_attempts: 6,
            first_pause: Duration::from_millis(200),
            maximum_pause: Duration::from_secs(8),
        }
    }
}

impl TransferSettings {
    /// The longest that one transfer of `size_bytes` may take.
    pub(crate) fn transfer_deadline(&self, size_bytes: u64) -> Duration {
        let seconds = size_bytes / self.minimum_bytes_per_second.max(1);
        self.read_timeout + Duration::from_secs(seconds)
    }

    /// The size of each part of an object, so that S3's limit of 10,000 parts holds.
    pub(crate) fn part_size_for(&self, size_bytes: u64) -> u64 {
        const MAXIMUM_PARTS: u64 = 10_000;
        self.part_size_bytes
            .max(size_bytes.div_ceil(MAXIMUM_PARTS))
            .max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_where_ten_thousand_would_not_do() {
        let settings = TransferSettings::default();
        let part = settings.part_size_bytes;
        assert_eq!(settings.part_size_for(part * 10_000), part);
        let size = part * 10_000 + 1;
        assert!(settings.part_size_for(size) > part);
        assert!(size.div_ceil(settings.part_size_for(size)) <= 10_000);
    }

    #[test]
    fn every_transfer_has_a_deadline_that_grows_with_its_size() {
        let settings = TransferSettings::default();
        assert_eq!(settings.transfer_deadline(0), settings.read_timeout);
        assert_eq!(
            settings.transfer_deadline(settings.minimum_bytes_per_second * 60),
            settings.read_timeout + Duration::from_secs(60)
        );
    }
}
