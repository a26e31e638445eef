//! A real S3 server for a test: versitygw on a free port of the loopback interface, with a bucket in
//! a temporary directory. It ends with the test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Names the server's program; without it the tests that need it are skipped.
const PROGRAM: &str = "SEARCHOP_VERSITYGW";
const ACCESS_KEY: &str = "conformance";
const SECRET_KEY: &str = "conformance-secret";
const START_ATTEMPTS: usize = 5;

pub(crate) struct Versitygw {
    pub(crate) endpoint: String,
    /// Has the root account's credentials in the files that a Secret's mount has.
    pub(crate) credentials: tempfile::TempDir,
    _data: tempfile::TempDir,
    child: Child,
}

impl Drop for Versitygw {
    fn drop(&mut self) {
        // This process, by its handle; a failure means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Versitygw {
    /// Starts the server with an empty bucket, or says why not and returns nothing.
    pub(crate) fn start(bucket: &str) -> Option<Self> {
        let Some(program) = std::env::var_os(PROGRAM) else {
            eprintln!("skipped: {PROGRAM} does not name a versitygw program");
            return None;
        };
        for _ in 0..START_ATTEMPTS {
            if let Some(server) = Self::try_start(Path::new(&program), bucket) {
                return Some(server);
            }
        }
        panic!("{} did not start", Path::new(&program).display());
    }

    fn try_start(program: &Path, bucket: &str) -> Option<Self> {
        // Another process may take the port before the server does; hence the attempts.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port's address");
        drop(listener);
        let data = tempfile::tempdir().expect("a directory");
        let credentials = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(data.path().join("data").join(bucket)).expect("a bucket");
        std::fs::create_dir(data.path().join("iam")).expect("a directory");
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ] {
            std::fs::write(credentials.path().join(name), value).expect("a credential");
        }
        let child = Command::new(program)
            .env("ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("ROOT_SECRET_KEY", SECRET_KEY)
            .args([
                "--port",
                &address.to_string(),
                "--health",
                "/healthz",
                "--quiet",
            ])
            .arg("--iam-dir")
            .arg(data.path().join("iam"))
            .arg("posix")
            .arg(data.path().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("versitygw can be run");
        let mut server = Self {
            endpoint: format!("http://{address}"),
            credentials,
            _data: data,
            child,
        };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if server.child.try_wait().is_ok_and(|status| status.is_some()) {
                return None;
            }
            if is_healthy(address) {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

fn is_healthy(address: std::net::SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else {
        return false;
    };
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .is_ok()
        && stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
