//! How many threads training may use: what the machine offers, limited by the CPU quota of the
//! control group this process runs in. Reading the files is one function, deciding is another
//! that takes their contents. It does not limit anything itself.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// The OpenMP variable, and its value, with which waiting threads sleep and do not spin.
///
/// Training 300 trees on 230,000 demo rows with two threads on two processors that other programs
/// kept busy took 97 s (31 s of processor time) spinning and 19 s (8 s) sleeping.
pub const WAIT_POLICY: (&str, &str) = ("OMP_WAIT_POLICY", "passive");

/// Where control groups are mounted.
const CONTROL_GROUP_ROOT: &str = "/sys/fs/cgroup";

/// Contents of the quota files found for this process, outermost last.
///
/// An ancestor's quota limits its descendants, so the smallest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaFiles {
    /// `cpu.max` files of version 2: `<quota in microseconds | max> <period in microseconds>`.
    pub cpu_max: Vec<String>,
    /// `cpu.cfs_quota_us` (−1: no limit) and `cpu.cfs_period_us` files of version 1.
    pub quota_and_period: Vec<(String, String)>,
}

/// The number of threads to use, at least 1.
///
/// A fraction of a CPU is rounded down: a thread that is throttled for part of every period
/// makes all the others wait at the end of each parallel loop.
#[must_use]
pub fn thread_count(files: &QuotaFiles, available_parallelism: usize) -> usize {
    let version_two = files.cpu_max.iter().filter_map(|text| {
        let mut fields = text.split_whitespace();
        let quota = fields.next()?;
        let period = fields.next().unwrap_or("100000");
        whole_processors(quota, period)
    });
    let version_one = files
        .quota_and_period
        .iter()
        .filter_map(|(quota, period)| whole_processors(quota.trim(), period.trim()));
    version_two
        .chain(version_one)
        .fold(available_parallelism, usize::min)
        .max(1)
}

/// `None`: no limit, or a text this code does not know (then the machine's own count holds).
fn whole_processors(quota: &str, period: &str) -> Option<usize> {
    let quota: u64 = quota.parse().ok()?;
    let period: u64 = period.parse().ok().filter(|period| *period > 0)?;
    usize::try_from(quota / period).ok()
}

/// Folders that may hold quota files for the process described by `/proc/self/cgroup`: its own
/// group and every ancestor, for version 2 and for the `cpu` controller of version 1.
///
/// In a container the path named in that file may not exist below the mount (the container sees
/// only its own part), which is why the ancestors up to the mount are listed as well.
#[must_use]
pub fn quota_folders(proc_self_cgroup: &str, root: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut version_two = Vec::new();
    let mut version_one = Vec::new();
    for line in proc_self_cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(hierarchy), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if hierarchy == "0" && controllers.is_empty() {
            version_two.extend(folder_and_ancestors(root, path));
        } else if controllers.split(',').any(|name| name == "cpu") {
            for mount in [controllers, "cpu"] {
                version_one.extend(folder_and_ancestors(&root.join(mount), path));
            }
        }
    }
    (version_two, version_one)
}

fn folder_and_ancestors(mount: &Path, path: &str) -> Vec<PathBuf> {
    let own = mount.join(path.trim_start_matches('/'));
    own.ancestors()
        .take_while(|folder| folder.starts_with(mount))
        .map(Path::to_path_buf)
        .collect()
}

/// Reads the quota files of this process. Files that are missing are no limit.
#[must_use]
pub fn read_quota_files() -> QuotaFiles {
    let described = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let (version_two, version_one) = quota_folders(&described, Path::new(CONTROL_GROUP_ROOT));
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    QuotaFiles {
        cpu_max: version_two
            .into_iter()
            .filter_map(|folder| read(folder.join("cpu.max")))
            .collect(),
        quota_and_period: version_one
            .into_iter()
            .filter_map(|folder| {
                let quota = read(folder.join("cpu.cfs_quota_us"))?;
                let period = read(folder.join("cpu.cfs_period_us"))?;
                Some((quota, period))
            })
            .collect(),
    }
}

/// The number of threads for this process on this machine.
#[must_use]
pub fn threads_of_this_process() -> usize {
    let available = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread_count(&read_quota_files(), available)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_two(text: &str) -> QuotaFiles {
        QuotaFiles {
            cpu_max: vec![text.to_owned()],
            ..QuotaFiles::default()
        }
    }

    #[test]
    fn without_quota_files_the_machine_decides() {
        assert_eq!(thread_count(&QuotaFiles::default(), 6), 6);
    }

    #[test]
    fn a_version_two_quota_limits_the_threads() {
        assert_eq!(thread_count(&version_two("200000 100000\n"), 8), 2);
        assert_eq!(thread_count(&version_two("max 100000\n"), 8), 8);
        assert_eq!(thread_count(&version_two("400000"), 8), 4);
    }

    #[test]
    fn a_fraction_is_rounded_down_but_never_to_zero() {
        assert_eq!(thread_count(&version_two("150000 100000"), 8), 1);
        assert_eq!(thread_count(&version_two("290000 100000"), 8), 2);
        assert_eq!(thread_count(&version_two("50000 100000"), 8), 1);
        assert_eq!(thread_count(&QuotaFiles::default(), 0), 1);
    }

    #[test]
    fn a_version_one_quota_limits_the_threads_and_minus_one_does_not() {
        let files = |quota: &str| QuotaFiles {
            quota_and_period: vec![(quota.to_owned(), "100000\n".to_owned())],
            ..QuotaFiles::default()
        };
        assert_eq!(thread_count(&files("300000\n"), 8), 3);
        assert_eq!(thread_count(&files("-1\n"), 8), 8);
    }

    #[test]
    fn the_smallest_quota_of_the_ancestors_counts() {
        let files = QuotaFiles {
            cpu_max: vec![
                "max 100000".into(),
                "600000 100000".into(),
                "300000 100000".into(),
            ],
            quota_and_period: Vec::new(),
        };
        assert_eq!(thread_count(&files, 16), 3);
    }

    #[test]
    fn text_that_is_no_quota_limits_nothing() {
        for text in ["", "what", "100000 0", "-5 100000"] {
            assert_eq!(thread_count(&version_two(text), 4), 4, "{text:?}");
        }
    }

    #[test]
    fn the_folders_of_the_process_and_its_ancestors_are_looked_at() {
        let (two, one) = quota_folders(
            "12:cpu,cpuacct:/kubepods/pod1\n3:memory:/other\n0::/a/b\n",
            Path::new("/sys/fs/cgroup"),
        );
        let two: Vec<_> = two.iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            two,
            ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"]
        );
        assert!(one.contains(&PathBuf::from("/sys/fs/cgroup/cpu,cpuacct/kubepods/pod1")));
        assert!(one.contains(&PathBuf::from("/sys/fs/cgroup/cpu")));
        assert!(
            one.iter()
                .all(|path| !path.display().to_string().contains("memory"))
        );
    }
}
